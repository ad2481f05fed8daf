"""The written text: a small part of TeX, read once for the checks and for the page."""
