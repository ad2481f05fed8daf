"""Every stream of random draws, by its name.

A draw follows from the seed, the name of its stream and what it is about (an attribute, a pair, a
number), and never from what was drawn before it: in whatever order stages run, and whichever of
them run, each gets the same numbers. Two streams that were equal would make results dependent that
are read as independent, so no number stands twice.
"""

from enum import IntEnum, auto, unique

import numpy as np


@unique
class Stream(IntEnum):
    """The number of a stream is its place in this list: a new one goes to the end of it."""

    ITEMS = auto()
    """Which question is asked of which scene."""
    SWAPPED_IMAGES = auto()
    FOLDS = auto()
    """Of the readers by which information is read, the same with the image and without."""
    SHUFFLED = auto()
    EFFECT_INTERVAL = auto()
    AGAINST_BLANK = auto()
    EMERGENCE = auto()
    SURENESS = auto()
    LOUDNESS = auto()
    CHOICES = auto()
    """Of the layer under other defensible choices."""
    CHOICES_FOLDS = auto()
    CHOICES_WHOLE_WORDS = auto()
    READOUTS_FLIPS = auto()
    READOUTS_INTERVALS = auto()
    READOUTS_CROSSINGS = auto()
    LADDER_STEPS = auto()
    LADDER_RUNG_INTERVALS = auto()
    LADDER_STEP_INTERVALS = auto()
    SAID_ITEMS = auto()
    ORDER = auto()
    EXAMPLES = auto()
    EXPLORED_ITEMS = auto()
    EXPLORED_DONORS = auto()
    PROBE_CODE = auto()
    PROBE_INFORMATION = auto()
    PROBE_INTERVALS = auto()
    PROBE_SELECTIVITY = auto()
    PROBE_TEST = auto()
    PROBE_COMPOSITION = auto()
    PROBE_DONORS = auto()
    CONTROL_TASKS = auto()
    CONTROL_TASK_INFORMATION = auto()
    COMPARED_INFORMATION = auto()
    """Of what linear probes are compared with."""
    LENS_FOLDS = auto()
    LENS_TOKENS = auto()
    LENS_KL = auto()
    LENS_GAIN = auto()
    LENS_DEPTH = auto()
    LENS_TEST = auto()
    TRAJECTORY_ITEMS = auto()
    TRAJECTORY_DONORS = auto()
    TRAJECTORY_CURVES = auto()
    TRAJECTORY_DIFFERENCES = auto()
    TRAJECTORY_TESTS = auto()
    TRAJECTORY_DEPTH = auto()
    TRAJECTORY_MEDIAN = auto()
    TRAJECTORY_NORMS = auto()
    TRAJECTORY_NORM_TESTS = auto()
    CONFUSION_DONORS = auto()
    CONFUSION_RATIO_TESTS = auto()
    CONFUSION_RATIO_INTERVALS = auto()
    CONFUSION_ADDED_TESTS = auto()
    CONFUSION_ADDED_INTERVALS = auto()
    OTHER_QUESTION_TESTS = auto()
    OTHER_QUESTION_INTERVALS = auto()
    CONCEPT_CONTRAST = auto()
    CONCEPT_BLANK = auto()
    CONCEPT_EMERGENCE = auto()
    DECODED_PERMUTATION = auto()
    DECODED_INTERVALS = auto()
    DECODED_TESTS = auto()
    WORLD_SCENES = auto()
    WORLD_POPULATION = auto()
    WORLD_READERS = auto()
    WORLD_ESTIMATES = auto()
    """The same in all worlds, which differ in nothing but how loud they are."""
    WORDING_ERRORS = auto()
    COMPARED_DEPTHS = auto()
    COMPARED_CURVES = auto()
    COMPARED_MEASURES = auto()
    POOLED_DEPTHS = auto()
    POOLED_DIFFERENCES = auto()
    POWER = auto()


def stream_rng(seed: int, stream: Stream, *key: int) -> np.random.Generator:
    """The generator of a stream about what `key` says, for this seed."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(stream, *key)))
