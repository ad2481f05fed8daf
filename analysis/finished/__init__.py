"""Finished runs, read back from their folders, for studies of several of them."""
