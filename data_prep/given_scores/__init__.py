"""Answer scores by layer that were captured elsewhere and come as a table."""
