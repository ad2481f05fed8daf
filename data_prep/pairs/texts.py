"""Which texts can be asked of both images of a minimal pair, and which of them is asked."""

from collections import Counter
from collections.abc import Sequence

from data_prep.questions import Question, referring_questions
from data_prep.scenes import Scene


def shared_questions(
    base: Scene, changed: Scene, attribute: str, *, target: int
) -> tuple[tuple[Question, Question], ...]:
    """The questions for an attribute of object `target` whose text is valid in both scenes: each as
    it is answered in the one and in the other.

    A description that mentions a property in which the object differs fits it in one scene only, so
    no such text is among them.
    """
    in_changed = {
        question.text: question
        for question in referring_questions(changed, attribute, target=target)
    }
    return tuple(
        (question, in_changed[question.text])
        for question in referring_questions(base, attribute, target=target)
        if question.text in in_changed
    )


def fewest_texts(offered: Sequence[Sequence[str]]) -> list[str]:
    """One of the offered texts for each pair, such that few different texts are in use. ValueError
    if a pair offers none.

    Greedy: the text that the most pairs without a text offer is given to all of them, until every
    pair has one. Of equally frequent texts the first in alphabetical order is taken, so that the
    choice does not depend on the order of the pairs.

    >>> fewest_texts([["a", "b"], ["b", "c"], ["c"]])
    ['b', 'b', 'c']
    """
    if not all(offered):
        raise ValueError("every pair must offer at least one text, got one without: leave it out")
    chosen: dict[int, str] = {}
    while len(chosen) < len(offered):
        open_pairs = [place for place in range(len(offered)) if place not in chosen]
        times = Counter(text for place in open_pairs for text in set(offered[place]))
        most = max(times.values())
        text = min(each for each, count in times.items() if count == most)
        chosen |= {place: text for place in open_pairs if text in offered[place]}
    return [chosen[place] for place in range(len(offered))]
