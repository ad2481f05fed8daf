"""The report: LaTeX source, generated values, tables and figures. Computes nothing."""
