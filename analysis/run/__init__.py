"""A run: its plan, its folder, its items and its tables. Nothing here is a command line."""
