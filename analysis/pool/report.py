"""A pooling of models as tables and sentences."""

from analysis.pool.found import Mean, Pool, Pooling
from analysis.pool.text import METHOD, sentences
from analysis.printed import comparison_table, printed
from analysis.wording import READOUT_NAMES, p_value


def pool_report(found: Pooling) -> str:
    """The models, a row per attribute, a row per difference, and what may be said of each."""
    runs = "; ".join(f"{run.key}: {run.label}" for run in found.runs)
    fields = ", ".join(field.field.replace("_", " ") for field in found.differ)
    about = (
        f"{len(found.runs)} models by the {READOUT_NAMES[found.readout]} ({runs}). The runs differ "
        f"in {fields}."
    )
    if found.differ_beside_the_model:
        about += " What differs beside the model is part of the spread between them."
    parts = [about, attributes_table(found)]
    if found.differences:
        parts.append(differences_table(found))
    method = METHOD.format(level=found.level)
    return "\n".join([*parts, method, *sentences(found)])


def attributes_table(found: Pooling) -> str:
    """Depth and layer of emergence of every attribute, over models."""
    level = found.level
    table = comparison_table(
        title="emergence over models",
        caption="Depth: layer of half the plateau over the last layer; models: those with a layer, "
        "of all. tau: standard deviation of the models' true depths; next: prediction interval for "
        f"another model. In parentheses: {level} intervals.",
        headers=("attribute", "models", "depth", "layer", "tau", "I\N{SUPERSCRIPT TWO}", "next"),
        left=("attribute",),
    )
    for one in found.attributes:
        cells = [one.attribute, f"{one.n_emerged}/{len(found.runs)}"]
        if one.depth is None or one.layer is None:
            table.add_row(*cells, "not pooled", "", "", "", "")
            continue
        table.add_row(
            *cells, _mean(one.depth.weighted, ".2f"), _mean(one.layer.weighted, ".1f"),
            *_spread(one.depth),
        )  # fmt: skip
    return printed(table)


def differences_table(found: Pooling) -> str:
    """A table of the second attribute minus the first within each model, over models."""
    level = found.level
    table = comparison_table(
        title="second minus first, in shares of the depth",
        caption="p: two-sided, for a difference of at most one layer of the shallowest model, "
        f"adjusted (Holm); links of the order given are marked >. In parentheses: {level} "
        "intervals.",
        headers=("first", "second", "k", "difference", "p", "tau", "I\N{SUPERSCRIPT TWO}", "next"),
        left=("first", "second"),
    )
    for one in found.differences:
        cells = [one.first, f"{'> ' if one.link else ''}{one.second}", f"{one.n_both}"]
        if one.depth is None or one.p_beyond_holm is None:
            table.add_row(*cells, "not pooled", "", "", "", "")
            continue
        mean = _mean(one.depth.weighted, "+.2f")
        table.add_row(*cells, mean, p_value(one.p_beyond_holm), *_spread(one.depth, "+.2f"))
    return printed(table)


def _mean(mean: Mean, form: str) -> str:
    return f"{mean.mean:{form}} ({mean.low:{form}} to {mean.high:{form}})"


def _spread(pool: Pool, form: str = ".2f") -> tuple[str, str, str]:
    return (
        f"{pool.tau:.2f} ({pool.tau_low:.2f}-{pool.tau_high:.2f})",
        f"{100 * pool.i2:.0f}%",
        f"{pool.predicted_low:{form}} to {pool.predicted_high:{form}}",
    )
