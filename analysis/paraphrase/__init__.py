"""The same questions in other words: how much of an attribute's layer is due to the wording?"""
