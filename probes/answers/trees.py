"""The answer trees of a study: one for every question that is asked, the same where they agree."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from data_prep.attributes import Attribute
from probes.answers.tree import AnswerTree, Node, different, places_of

if TYPE_CHECKING:
    from probes.vlm import VLM


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerTrees:
    """An answer set's trees, by question."""

    by_question: Mapping[str, AnswerTree]
    """Questions after which answers are written alike share a tree."""

    @property
    def answers(self) -> tuple[str, ...]:
        """The answer axis, the same for all questions."""
        return next(iter(self.by_question.values())).answers

    def of(self, questions: Iterable[str]) -> list[AnswerTree]:
        """The tree of each question."""
        return [self.by_question[question] for question in questions]

    def different(self) -> list[AnswerTree]:
        """Each tree once."""
        return different(self.by_question.values())

    def places(self, *, whole: bool = False) -> tuple[Node, ...]:
        """The nodes that are read after every prompt; see `places_of`."""
        return places_of(self.different(), whole=whole)

    def to_json(self) -> dict[str, Any]:
        """The trees as JSON can hold them; `of_json` reads them."""
        trees = self.different()
        number = {id(tree): place for place, tree in enumerate(trees)}
        return {
            "trees": [tree.to_json() for tree in trees],
            "questions": {text: number[id(tree)] for text, tree in self.by_question.items()},
        }

    @classmethod
    def of_json(cls, content: Mapping[str, Any]) -> "AnswerTrees":
        """The trees that `to_json` has written."""
        trees = [AnswerTree.of_json(each) for each in content["trees"]]
        questions = content["questions"].items()
        return cls(by_question={str(text): trees[int(number)] for text, number in questions})


def answer_trees(vlm: "VLM", attribute: Attribute, questions: Sequence[str]) -> AnswerTrees:
    """The trees of an attribute's answers after each of the model's prompts.

    UserError for answers that the model cannot write, or cannot tell apart.

    >>> from data_prep.attributes import attribute
    >>> questions = ["What shape is it?", "Which shape has it?"]
    >>> trees = answer_trees(vlm, attribute("shape"), questions)
    >>> trees.answers, len(trees.by_question), len(trees.different())
    (('cube', 'sphere', 'cylinder'), 2, 1)
    """
    alike: dict[AnswerTree, AnswerTree] = {}
    found = {text: vlm.answer_tree(text, attribute) for text in dict.fromkeys(questions)}
    return AnswerTrees(
        by_question={text: alike.setdefault(tree, tree) for text, tree in found.items()}
    )
