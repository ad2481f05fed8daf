"""The report: LaTeX source, generated values, tables and figures. Computes nothing."""

# Settles what a command must settle first, before anything here imports a library.
import analysis as analysis
