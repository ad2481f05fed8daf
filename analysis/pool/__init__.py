"""What may be said of models, and not of one of them? At least three finished runs together."""
