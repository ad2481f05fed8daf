"""A study's plan, its run folder, and the items and residuals in it."""
