"""Under which heading the help of a command lists an option: one place for all commands.

An option of one name means the same in every command, so its name decides. What no heading names
is not forgotten: the tests ask every command for options without one.
"""

from collections.abc import Mapping

ASKED, MODEL, DATA, STATISTICS, WORK = (
    "What is asked", "Model", "Data", "Statistics", "Work and files",
)  # fmt: skip
HEADINGS = (ASKED, MODEL, DATA, STATISTICS, WORK)

_NAMES: Mapping[str, str] = {
    ASKED: """
        runs attr about readout position questions layer layers pairs quick nothing words against
        question decode decode_as table say_3d say show_answers without_blank item items tokens
        conditions image other_image answers paraphrases positions tokens_per_item top tokens_of
        pope corrected methods area_gain area area_correlation effect sd onset shape rise
        correlation only models arms removed residuals comparison pooling validation
    """,
    MODEL: """
        model revision dtype quantize attention prompt_style device device_map gate
        trust_remote_code allow_pickle lens allow_other_head lens_attributes whole_words
        recipe. seeds language. start tower_steps alignment_steps training trained_on
    """,
    DATA: """
        data scores scenes contrast columns ask negatives skip_broken min_scenes_per_answer
        min_scenes_per_text swaps split size samples owners most
    """,
    STATISTICS: """
        level margin margin_bits plateau horizon n_resamples seed repetitions
    """,
    WORK: """
        run study out export engine batch_size plan_only quiet threads workers memory_gib tex
        format check complete
    """,
}


def headings_of(name: str) -> list[str]:
    """The headings that name the option of this field; there should be one.

    >>> headings_of("level"), headings_of("recipe.steps")
    (['Statistics'], ['Model'])
    """
    first = f"{name.partition('.')[0]}." if "." in name else name
    return [heading for heading, names in _NAMES.items() if first in names.split()]


def place_of(name: str) -> int:
    """The place of an option among those of its heading: what matters most comes first."""
    heading = next(iter(headings_of(name)), WORK)
    first = f"{name.partition('.')[0]}." if "." in name else name
    names = _NAMES[heading].split()
    return names.index(first) if first in names else len(names)


def named_options() -> set[str]:
    """All names that stand under a heading; one that ends with a dot is of an object's fields."""
    return {name for names in _NAMES.values() for name in names.split()}
