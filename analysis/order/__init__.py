"""Which attribute emerges first, and how sure is the order?"""
