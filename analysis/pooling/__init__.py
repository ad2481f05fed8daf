"""Finished runs of several models together: what may be said of models and not of one."""
