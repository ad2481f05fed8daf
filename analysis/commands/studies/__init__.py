"""Study files, by name for --study; no code."""
