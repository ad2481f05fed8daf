"""What is known inside of what is not there, and not said."""
