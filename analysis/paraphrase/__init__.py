"""The same questions in other words: how much of a layer is the wording."""
