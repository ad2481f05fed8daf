"""Finished runs against each other, from what their folders hold."""
