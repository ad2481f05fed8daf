"""Answers as a model writes them: spellings as trees of tokens, and how a lens scores them."""
