"""The streams of random draws, by name.

A draw follows from the seed, the name of its stream and what it is about (an attribute, a pair, a
number), and never from what was drawn before it: in whatever order the stages run, and whichever of
them run, each gets the same numbers. If two streams were equal, results that are read as
independent would depend on each other; so every stream has a number of its own.
"""

from enum import IntEnum, auto, unique

import numpy as np


@unique
class Stream(IntEnum):
    """All streams. The number of a stream is its place in this list, so a new stream goes to the
    end."""

    ITEMS = auto()
    """Chooses which question each scene is asked."""
    SWAPPED_IMAGES = auto()
    FOLDS = auto()
    """Splits scenes into folds for the readers of information; the split is the same with the image
    and without."""
    SHUFFLED = auto()
    EFFECT_INTERVAL = auto()
    AGAINST_BLANK = auto()
    EMERGENCE = auto()
    SURENESS = auto()
    LOUDNESS = auto()
    CHOICES = auto()
    """Intervals of the emergence layer under other defensible choices of analysis."""
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
    """Information in the readouts that linear probes are compared with."""
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
    """Estimates in simulated worlds. All worlds use the same draws: they differ only in how loud
    they are."""
    WORDING_ERRORS = auto()
    COMPARED_DEPTHS = auto()
    COMPARED_CURVES = auto()
    COMPARED_MEASURES = auto()
    POOLED_DEPTHS = auto()
    POOLED_DIFFERENCES = auto()
    POWER = auto()
    CAUSES_PAIRS = auto()
    CAUSES_CONTROLS = auto()
    CAUSES_ELSEWHERE = auto()
    CAUSES_DIRECTIONS = auto()
    CAUSES_DIRECTION_TESTS = auto()
    CAUSES_HAND_OVER = auto()
    CAUSES_RANDOM = auto()
    CAUSES_ERASED = auto()
    CAUSES_READ_INTERVALS = auto()
    CAUSES_CROSSINGS = auto()
    CAUSES_GAPS = auto()
    CAUSES_INFORMATION = auto()
    ABLATION = auto()
    ABLATED_TOKENS = auto()
    EXPLORED_PAIRS = auto()
    ABSENCE_ITEMS = auto()
    ABSENCE_CHOICE = auto()
    """Chooses the groups of scenes that are asked about what is absent."""
    OTHER_IMAGES = auto()
    NOISED_IMAGES = auto()
    ABSENCE_READERS = auto()
    """Splits scenes into folds for the readers of questions about what is absent."""
    ABSENCE_TESTS = auto()
    ABSENCE_GAPS = auto()
    ABSENCE_LAYERS = auto()
    ABSTENTION = auto()
    CALIBRATION = auto()
    SIGNAL_DETECTION = auto()
    MITIGATION_SPLIT = auto()
    """Splits groups of scenes into those on which methods are tuned and those on which they are
    judged."""
    MITIGATION_DIRECTIONS = auto()
    MITIGATION_YES = auto()
    MITIGATION_SHIFTS = auto()
    MITIGATION_RIGHT = auto()
    MITIGATION_HARM = auto()
    REMEDY_SCENES = auto()
    """Splits scenes among the attributes that are asked for under a premise."""
    REMEDY_PREMISES = auto()
    REMEDY_EXISTENCE = auto()


def stream_rng(seed: int, stream: Stream, *key: int) -> np.random.Generator:
    """The generator of the random draws of `stream` about what `key` says, for this seed."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(stream, *key)))
