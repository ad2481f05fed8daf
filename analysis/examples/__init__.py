"""Single items to look at: what each layer would say, token by token."""
