"""What a pooling of models allows to say, sentence by sentence."""

from collections.abc import Iterator

from analysis.pool.found import Pool, PooledAttribute, PooledDifference, Pooling
from analysis.wording import p_text

METHOD = (
    "Models are the units: random effects, tau by Paule-Mandel (interval by Q-profile), {level} "
    "intervals by Hartung-Knapp with k - 1 degrees of freedom; the next model's with k - 2. What "
    "scenes leave uncertain only weighs a model, unless models share scenes, whose common error "
    "widens the interval. A direction needs more than one layer of the "
    "shallowest model, under the weighted and the unweighted mean, adjusted over the differences "
    "(Holm)."
)
_SHARED = 0.005


def sentences(found: Pooling) -> Iterator[str]:
    """All sentences: one for every attribute and every difference, then the order and what the
    models share."""
    for attribute in found.attributes:
        yield attribute_sentence(found, attribute)
    for difference in found.differences:
        yield difference_sentence(found, difference)
    if len(found.attributes) > 1:
        yield order_sentence(found)
    if found.shared_scenes:
        yield shared_sentence(found)
    if found.left_out:
        names = "; ".join(f"{name}: {', '.join(runs)}" for name, runs in found.left_out.items())
        yield f"Not pooled, because only some runs have it ({names})."


def attribute_sentence(found: Pooling, one: PooledAttribute) -> str:
    """Where half of the plateau lies, over how many models, and where the next would be."""
    n_runs = len(found.runs)
    emerged = f"has a layer in {one.n_emerged} of {n_runs} models"
    others = [f"{key}: {_words(each)}" for key, each in one.outcomes.items() if each != "emerged"]
    if others:
        emerged += f" ({', '.join(others)}), and the mean is of these alone"
    if one.depth is None:
        return f"{one.attribute}: not pooled, {one.not_pooled}."
    pool = one.depth
    return (
        f"{one.attribute} {emerged}; half of its plateau is reached at {pool.weighted.mean:.3f} of "
        f"the depth ({_interval(found, pool)}, k = {len(pool.models)}); {_spread(found, pool)}; "
        f"without any one model {_without(pool)}."
    )


def difference_sentence(found: Pooling, one: PooledDifference) -> str:
    """Says that one attribute is earlier, or that this is not shown; nothing is claimed within one
    layer of the shallowest model."""
    name = f"{one.second} minus {one.first}"
    if one.depth is None or one.beyond is None or one.p_beyond_holm is None:
        return f"{name}: not pooled, {one.not_pooled}."
    layer = f"one layer of the shallowest model, {one.beyond:.3f} of the depth"
    claim = {
        "first_earlier": f"{one.first} is earlier than {one.second}, by more than {layer}",
        "second_earlier": f"{one.second} is earlier than {one.first}, by more than {layer}",
    }.get(one.verdict, f"not shown to differ by more than {layer}, in either direction")
    pool = one.depth
    k = len(pool.models)
    return (
        f"{name}: {claim} (mean {pool.weighted.mean:+.3f} of the depth, "
        f"{_interval(found, pool, '+.3f')}, k = {k} models, {p_text(one.p_beyond_holm)}; for no "
        f"difference at all, unadjusted, {p_text(pool.weighted.p)}); {one.first} comes first in "
        f"{one.n_first_earlier} of {k}, by more than that layer in {one.n_first_beyond} and after "
        f"it so in {one.n_second_beyond}; {_spread(found, pool, '+.2f')}; without any one model "
        f"{_without(pool, '+.3f')}."
    )


def order_sentence(found: Pooling) -> str:
    """The test of the chain, and how many models show each order."""
    order = found.order
    chain = " < ".join(order.chain)
    if order.chain_p is None:
        tested = "not tested, a link is not pooled"
    else:
        shown = "shown" if order.chain_p <= 1 - found.plan.level + 1e-12 else "not shown"
        tested = f"{shown} as a whole, each link by more than one layer ({p_text(order.chain_p)})"
    counts = "; ".join(
        f"{' < '.join(each.order)} in {len(each.runs)} ({', '.join(each.runs)})"
        for each in order.orders
    )
    without = f"; no whole order in {', '.join(order.without)}" if order.without else ""
    return (
        f"Order given, {chain}: {tested}. By point estimates alone, {len(found.runs)} models show: "
        f"{counts or 'none'}{without}."
    )


def shared_sentence(found: Pooling) -> str:
    """Says that the models have seen the same scenes, which makes their errors alike, and how the
    intervals take account of it."""
    groups = " and ".join(", ".join(group) for group in found.shared_scenes)
    pools = [one.depth for one in (*found.attributes, *found.differences) if one.depth is not None]
    largest = max((pool.largest_correlation for pool in pools), default=0.0)
    return (
        f"Runs {groups} saw the same scenes, so that their errors are correlated (up to "
        f"{largest:.2f}): the correlation is estimated by redrawing scenes in all of them at once, "
        "and what the models share is added to the intervals, which the spread between models "
        "cannot show."
    )


def _interval(found: Pooling, pool: Pool, form: str = ".3f") -> str:
    level = found.level
    mean = pool.weighted
    return f"{level} CI {mean.low:{form}} to {mean.high:{form}}"


def _spread(found: Pooling, pool: Pool, form: str = ".2f") -> str:
    level = found.level
    return (
        f"models differ by tau = {pool.tau:.3f} ({level} CI {pool.tau_low:.3f} to "
        f"{pool.tau_high:.3f}, I\N{SUPERSCRIPT TWO} {100 * pool.i2:.0f}%), the next one is "
        f"predicted from {pool.predicted_low:{form}} to {pool.predicted_high:{form}}"
    )


def _without(pool: Pool, form: str = ".3f") -> str:
    means = [each.mean for each in pool.leave_one_out]
    return f"{min(means):{form}} to {max(means):{form}}"


def _words(outcome: str) -> str:
    return outcome.replace("_", " ")
