"""Does a model recognise what kind of image it sees, at which layer, and how sure is that?"""
