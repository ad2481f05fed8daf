"""Readouts: from residuals at the answer's positions to a distribution over answers."""
