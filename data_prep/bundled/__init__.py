"""The evaluation scenes that come with the package: how they are stored, built and loaded."""

from data_prep.bundled.load import BundledScenes, load_bundled

__all__ = ["BundledScenes", "load_bundled"]
