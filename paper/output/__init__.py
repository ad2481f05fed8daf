"""The output formats: tables and figures as LaTeX floats, the PDF and the HTML page."""
