"""Questions about what is not in the image: whether it is there, and what it looks like though it
is not."""
