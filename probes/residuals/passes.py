"""Forward passes: what they are called, and which of them are run together.

Passes of one batch are padded to its longest, so those of about the same length are batched
together. Which these are follows from the passes alone: a shard that is captured again, or on
another machine, is made of the same batches.
"""

from collections.abc import Callable, Sequence

from probes.positions import AnswerPosition, Position

Pass = tuple[str, str, str]
"""(pass id, image key, question)"""
SizeOf = Callable[[str], tuple[int, int]]
"""Width and height of an image, in pixels, by its key."""


def row_ids_of(passes: Sequence[Pass], position: Position | None = None) -> list[str]:
    """The names of the rows: the pass's id, numbered where a pass gives several.

    >>> from probes.positions import SampledTokens
    >>> passes = [("1", "red", "What is this?"), ("2", "blue", "What is this?")]
    >>> row_ids_of(passes), row_ids_of(passes, SampledTokens(kind="image", per_pass=2, seed=0))
    (['1', '2'], ['1#0', '1#1', '2#0', '2#1'])
    """
    per_pass = (position or AnswerPosition()).per_pass
    if per_pass == 1:
        return [pass_id for pass_id, _, _ in passes]
    return [f"{pass_id}#{place}" for pass_id, _, _ in passes for place in range(per_pass)]


def batches_by_length(
    passes: Sequence[Pass], shard: range, batch_size: int, size_of: SizeOf | None = None
) -> list[list[int]]:
    """The passes of a shard, shortest first, in batches of numbers into `passes`.

    An image's tokens follow from its pixels, a question's from its letters; passes alike in both
    keep their order. Without `size_of` images count as equally large.

    >>> passes = [("1", "a", "What color is it?"), ("2", "a", "What?"), ("3", "a", "Which?")]
    >>> batches_by_length(passes, range(3), 2)
    [[1, 2], [0]]
    """

    def length(number: int) -> tuple[int, int, int]:
        _, key, question = passes[number]
        width, height = (0, 0) if size_of is None else size_of(key)
        return width * height, len(question), number

    ordered = sorted(shard, key=length)
    return [ordered[start : start + batch_size] for start in range(0, len(ordered), batch_size)]
