"""A run: its plan, its folder, its items and tables; no command line in it."""
