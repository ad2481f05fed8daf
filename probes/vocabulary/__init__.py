"""The one engine behind `Unembedding`: where normed residuals become logits, and are summed up."""

from probes.vocabulary.final_norm import FinalNorm, NormKind
from probes.vocabulary.projection import Projection, Way
from probes.vocabulary.reducers import (
    LogNormaliser,
    Moments,
    Peak,
    ProbabilitySums,
    TopToken,
    TopTokens,
)
from probes.vocabulary.streaming import Reducer, slices, stream

__all__ = [
    "FinalNorm",
    "LogNormaliser",
    "Moments",
    "NormKind",
    "Peak",
    "ProbabilitySums",
    "Projection",
    "Reducer",
    "TopToken",
    "TopTokens",
    "Way",
    "slices",
    "stream",
]
