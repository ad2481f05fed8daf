"""What a training on false premises teaches, and what it costs."""
