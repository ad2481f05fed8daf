"""The evaluation scenes that come with the package and pairs of them: how they are stored, built
and loaded."""

from data_prep.bundled.load import BundledScenes, load_bundled
from data_prep.bundled.pairs import bundled_pairs

__all__ = ["BundledScenes", "bundled_pairs", "load_bundled"]
