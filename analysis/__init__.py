"""One study per file, each a command `python -m analysis.<study>`."""
