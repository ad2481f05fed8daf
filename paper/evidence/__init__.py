"""Reads what the runs hold: checked records, studies by name, and numbers as text with their
source."""
