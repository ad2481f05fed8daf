"""Every study of the report, side by side on the cores there are, and the report itself."""
