"""The passes over questions about absence that methods work with."""
