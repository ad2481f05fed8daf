"""Reads the files and images of data sets from a folder or a zip archive, without trusting
either."""
