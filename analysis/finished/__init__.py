"""Finished runs, read back from their folders, for studies that are about several runs."""
