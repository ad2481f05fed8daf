"""What helps against hallucination without training, and what only moves the threshold."""
