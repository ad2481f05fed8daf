"""Which of several competing words does a model mean (a cube or a square, metal or silver), and
from which layer on?"""
