"""Simulated claims of the statistics against their bounds, with Monte-Carlo intervals."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from analysis.validate.found import SimulatedClaim

_BOUND, _FOUND, _SHORT = "#999999", "#0072B2", "#D55E00"


def draw_calibration(axes: Axes, claims: Sequence[SimulatedClaim]) -> None:
    """Draw one row per claim, the first on top: allowed values in grey, the simulated value as a
    mark.

    Filled marks are claims that Onset makes. Hollow marks are negative controls: the usual method,
    which is known to fail. A cross marks a value that breaks its bound.
    """
    reach = [end for one in claims for end in one.ends]
    reach += [bound for one in claims for bound in (one.low, one.high) if 0 < bound < 1]
    low, high = min(reach), max(reach)
    pad = max(0.08 * (high - low), 0.004)
    limits = max(0.0, low - pad), min(1.0, high + pad)
    for place, one in enumerate(claims):
        allowed = max(one.low, limits[0]), min(one.high, limits[1])
        axes.plot(allowed, [-place] * 2, color=_BOUND, alpha=0.35, linewidth=7,
                  solid_capstyle="butt")  # fmt: skip
        start, end = one.ends
        axes.plot([start, end], [-place] * 2, color="black", linewidth=0.8)
        color = _FOUND if one.holds else _SHORT
        axes.plot(one.value, -place, marker="o" if one.holds else "X", markersize=4,
                  color=color, markerfacecolor="white" if one.is_control else color,
                  clip_on=False)  # fmt: skip
    axes.set_yticks([-place for place in range(len(claims))],
                    [one.claim for one in claims], fontsize=7)  # fmt: skip
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-len(claims) + 0.4, 0.6)
    axes.set_xlim(*limits)
    axes.spines["left"].set_visible(False)
