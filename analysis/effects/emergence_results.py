"""Makes of an emergence the plain numbers that results.json holds."""

from analysis.effects.found import Crossing, FoundEmergence, LayerSet, LayerSetAbove, WholeLayer
from stats import Emergence


def emergence_results(found: Emergence) -> FoundEmergence:
    """The outcome, the layers and sets of an emergence, and the numbers that they rest on."""
    half, layer = found.lambda_half, found.layer
    return FoundEmergence(
        outcome=found.outcome,
        lambda_half=None
        if half is None
        else Crossing(estimate=half.estimate, low=half.low, high=half.high, level=half.level),
        layer=None
        if layer is None or layer.estimate is None
        else WholeLayer(estimate=layer.estimate, low=layer.low, high=layer.high),
        monotone=found.monotone,
        declines=found.declines,
        fb_half=LayerSet(low=found.fb_half.low, high=found.fb_half.high),
        fb_delta=LayerSetAbove(
            low=found.fb_delta.low, high=found.fb_delta.high, delta=found.margin
        ),
        lambda_first=found.lambda_first,
        lambda_sustained=found.lambda_sustained,
        plateau=found.plateau,
        plateau_effect=found.plateau_mean,
        horizon=found.horizon,
        level=found.level,
        detectable_effect=float(found.detectable_effect.max()),
        n_scenes=found.n_scenes,
    )
