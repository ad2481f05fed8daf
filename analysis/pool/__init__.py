"""What may be said about models in general, and not about one of them? Pools at least three
finished runs."""
