"""The answer trees of a run: made where the model is, and kept beside the output map.

So the same questions can be asked again on a machine that lacks the model.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.run.opened import OpenRun
from data_prep.attributes import Attribute
from data_prep.errors import UserError
from data_prep.files.durable import write_durably
from data_prep.files.sealed import read_sealed_json, sealed_json

if TYPE_CHECKING:  # transformers takes seconds to import, and a captured run does not need it
    from probes.answers.tree import AnswerTree, Node
    from probes.answers.trees import AnswerTrees


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemTrees:
    """How the answers of some items are read."""

    trees: "Sequence[AnswerTree]"
    """The answer tree of each item's question, one for each item."""
    places: "tuple[Node, ...]"
    """The nodes whose residuals are kept, in the order in which they are stored."""

    @property
    def spelled_out(self) -> bool:
        """Whether residuals are kept after every token of the answers, so that the probability of
        whole words can be read, and not only where answers part."""
        from probes.answers.tree import different

        trees = different(self.trees)
        longer = any(len(tree.children) > len(tree.parting) for tree in trees)
        return longer and all(tree.is_whole(self.places) for tree in trees)

    @property
    def line(self) -> str:
        """One line for people that says how the answers are read."""
        from probes.answers.tree import different

        trees = different(self.trees)
        n_spellings = sorted({len(tree.spellings) for tree in trees})
        n_positions = sorted({len(tree.parting) for tree in trees})
        said, read = (
            str(each[0]) if len(each) == 1 else f"{each[0]} to {each[-1]}"
            for each in (n_spellings, n_positions)
        )
        merged = max(tree.back for tree in trees)
        start = (
            f", from {merged} token{'s' if merged > 1 else ''} before the prompt's end, with which "
            "a spelling merges"
            if merged
            else ""
        )
        return (
            f"{said} spellings of {len(trees[0].answers)} answers, read at {read} "
            f"position{'' if read == '1' else 's'}{start}"
        )


def answer_trees(opened: OpenRun, attribute: Attribute, questions: Iterable[str]) -> "AnswerTrees":
    """The trees of these answers after these questions, from the run, or made now with the model's
    tokenizer.

    UserError for answers that the model cannot write or cannot tell apart, and if neither the trees
    nor the model are at hand.
    """
    from probes.answers.trees import AnswerTrees

    texts = list(dict.fromkeys(questions))
    file = _file(opened, attribute, texts)
    if not file.exists():
        return _kept(opened, attribute, texts, file)
    try:
        return AnswerTrees.of_json(read_sealed_json(file))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise UserError(f"{file} is damaged ({error}): delete it and run again") from error


def expected_trees(
    opened: OpenRun, attribute: Attribute, questions: Iterable[str]
) -> "AnswerTrees":
    """The trees that `answer_trees` gives; where the run has none, they are made and not kept."""
    from probes.answers.trees import answer_trees as made

    texts = list(dict.fromkeys(questions))
    if _file(opened, attribute, texts).exists():
        return answer_trees(opened, attribute, texts)
    return made(opened.load_model(), attribute, texts)


def _kept(opened: OpenRun, attribute: Attribute, questions: list[str], file: Path) -> "AnswerTrees":
    from probes.answers.trees import answer_trees as made

    try:
        vlm = opened.load_model()
    except UserError as error:
        if not opened.run.output_map.exists():
            raise  # nothing was captured yet: it is the model that is asked for
        words = ", ".join(word for each in attribute.words.values() for word in each)
        raise UserError(
            f"{opened.run.folder} has not kept the tokens of {words}, and the model is not here "
            f"({error}): run this once where it is"
        ) from error
    trees = made(vlm, attribute, questions)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the folder {file.parent}: {error.strerror}") from error
    write_durably(file, sealed_json(trees.to_json(), ensure_ascii=False))
    return trees


def _file(opened: OpenRun, attribute: Attribute, questions: list[str]) -> Path:
    words = {answer: attribute.words[answer] for answer in attribute.answers}
    asked = json.dumps([words, sorted(questions)])
    digest = sha256(asked.encode()).hexdigest()[:16]
    return opened.run.output_map / f"answers-{attribute.name}-{digest}.json"
