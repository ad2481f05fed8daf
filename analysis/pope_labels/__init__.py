"""How many labels of a benchmark of yes and no do its corrected labels change?"""
