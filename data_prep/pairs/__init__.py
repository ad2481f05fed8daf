"""Pairs of images for causal interventions: one question, two images, two answers.

Nothing is handed on here: what a scene's data looks like names `pair`, and `matched` needs that
data.
"""
