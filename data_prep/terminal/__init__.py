"""What a command shows on a terminal, into a pipe or a log, and how it is stopped from there."""
