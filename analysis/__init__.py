"""One study per folder, each a command `python -m analysis.<study>`."""

from analysis.started import settle

settle()
