"""At which layer does a model know an attribute of what it sees, and how sure is that?"""
