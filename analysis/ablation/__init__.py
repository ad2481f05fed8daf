"""Does the answer need the image tokens that show the object?"""
