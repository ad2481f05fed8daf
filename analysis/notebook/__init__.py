"""Studies as functions of Python, for notebooks and scripts, and notebooks that are written."""
