"""Methods against hallucination, and placebos."""
