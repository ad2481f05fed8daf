"""What is read of the model for a run: passes, residuals, answer trees, the output map."""
