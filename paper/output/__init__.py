"""What is written: tables, floats, the PDF by latexmk, the page."""
