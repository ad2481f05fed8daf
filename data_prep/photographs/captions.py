"""Labels derived from captions: the answer on which several people who described a photograph
agree."""

import re
from collections import Counter
from collections.abc import Sequence

from data_prep.attributes import Attribute

MIN_CAPTIONS = 2
"""Smallest number of captions of a photograph that must name an answer for it to become the
label."""
DISAGREE = "captions do not agree on an answer"


class CaptionLabels:
    """Reads the label for one attribute from captions by looking for the words of its answers."""

    def __init__(self, attribute: Attribute) -> None:
        self._answer_of = {
            word: answer for answer, words in attribute.words.items() for word in words
        }
        longest_first = sorted(self._answer_of, key=len, reverse=True)
        self._pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, longest_first))})\b")

    def label(self, captions: Sequence[str]) -> str | None:
        """The answer that at least MIN_CAPTIONS captions name, and more captions than any other
        answer.

        None if there is no such answer; the photograph is then not asked for the attribute.
        """
        named: Counter[str] = Counter()
        for caption in captions:
            words = self._pattern.findall(caption.lower())
            named.update({self._answer_of[word] for word in words})
        (answer, times), (_, next_times) = [*named.most_common(2), ("", 0), ("", 0)][:2]
        return answer if times >= MIN_CAPTIONS and times > next_times else None
