"""What a model folder holds, checked before any library acts on it."""
