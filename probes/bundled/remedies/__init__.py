"""Trains the bundled model on in several ways that could teach it to say what is not there.

Nothing is handed on here; the command is `python -m probes.bundled.remedies`.
"""
