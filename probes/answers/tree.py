"""The answer tree: all spellings of all answers as tokens that follow a prompt.

At the root and at every inner node below which answers differ, a distribution over the node's
children is read; an answer's probability is the sum over its leaves of the products along the
paths. What follows the point where answers part is spelling, not seeing, and is not read.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from data_prep.errors import UserError

Path = tuple[int, ...]
DEEPEST = 12
"""Tokens of the longest spelling that is read."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Node:
    """A place at which a next token is predicted: after the prompt, or after forced tokens."""

    back: int = 0
    """How many of the prompt's last tokens are taken off first."""
    forced: Path = ()
    """The tokens that then follow."""


ANSWER_NODE = Node()
"""The end of the prompt: the answer position."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """One way to write an answer."""

    answer: int
    """The answer that it writes, by its place among the answers."""
    text: str
    tokens: Path
    """The tokens that write it, from the tree's root on."""


@dataclass(frozen=True, kw_only=True)
class AnswerTree:
    """The spellings of an answer set after one prompt.

    UserError for spellings of two answers with the same tokens, for an answer without a spelling,
    for one of more than `DEEPEST` tokens, and where the beginning of a longer spelling ends an
    answer but no token ends a turn. ValueError for two spellings of an answer with the same tokens.
    """

    answers: tuple[str, ...]
    spellings: tuple[Spelling, ...]
    """No two of an answer have the same tokens; none is empty."""
    ends: Path = ()
    """Tokens that end a turn: they tell "tennis" from "tennis racket"."""
    back: int = 0
    """How many of the prompt's last tokens lie below the root: some spelling merges with them."""
    prompt_end: Path = ()
    """The prompt's last tokens, at least those below the root."""

    def __post_init__(self) -> None:
        owner: dict[Path, Spelling] = {}
        for each in self.spellings:
            if len(each.tokens) > DEEPEST:
                raise UserError(
                    f"a spelling may have at most {DEEPEST} tokens, got {len(each.tokens)} for "
                    f"{each.text!r} of {self.answers[each.answer]!r}: give the answer shorter words"
                )
            other = owner.setdefault(each.tokens, each)
            if other is not each and other.answer == each.answer:
                raise ValueError(f"spellings must have tokens of their own, got {each} twice")
            if other.answer != each.answer:
                first, second = (self.answers[one.answer] for one in (other, each))
                raise UserError(
                    f"answers must differ in their tokens, but {first!r} and {second!r} are both "
                    f"written {list(each.tokens)} ({other.text!r}, {each.text!r}) by this "
                    "tokenizer: give one of them other words"
                )
        bare = sorted({*range(len(self.answers))} - {each.answer for each in self.spellings})
        if bare:
            raise UserError(f"answer {self.answers[bare[0]]!r} has no spelling: give it words")
        if not self.ends and any(path in self.children for path in owner):
            text = next(each.text for each in self.spellings if each.tokens in self.children)
            raise UserError(
                f"{text!r} is the beginning of another spelling, and this tokenizer has no token "
                "that ends a turn to tell them apart: give the answers other words"
            )

    @cached_property
    def children(self) -> Mapping[Path, Mapping[int, frozenset[int]]]:
        """The answers below each child of every inner node, which is named by the tokens to it."""
        nodes: dict[Path, dict[int, frozenset[int]]] = {}
        for each in self.spellings:
            for depth, token in enumerate(each.tokens):
                below = nodes.setdefault(each.tokens[:depth], {})
                below[token] = below.get(token, frozenset()) | {each.answer}
        for each in self.spellings:
            # Where a spelling is the beginning of another, what ends the turn is its last token.
            for token in self.ends if each.tokens in nodes else ():
                nodes[each.tokens][token] = frozenset({each.answer})
        return {path: dict(sorted(nodes[path].items())) for path in sorted(nodes, key=_by_depth)}

    @cached_property
    def parting(self) -> tuple[Path, ...]:
        """The nodes below which answers differ, the root first."""
        return tuple(
            path
            for path, below in self.children.items()
            if len(frozenset().union(*below.values())) > 1
        )

    @cached_property
    def leaves(self) -> tuple[tuple[Spelling, tuple[tuple[Path, int], ...]], ...]:
        """Every spelling with its steps to the end: the node, and the token that is taken there.

        One whose end is told by the end of the turn is there once for each token that ends one.
        """
        found = []
        for each in self.spellings:
            steps = tuple((each.tokens[:depth], token) for depth, token in enumerate(each.tokens))
            if each.tokens in self.children:
                found += [(each, (*steps, (each.tokens, end))) for end in self.ends]
            else:
                found.append((each, steps))
        return tuple(found)

    def is_whole(self, places: Collection[Node]) -> bool:
        """Whether words can be read to their ends at `places`, and not only where answers part."""
        return {self.node(path) for path in self.children} <= set(places)

    def node(self, path: Path) -> Node:
        """The place at which an inner node is read; on the prompt's own tokens it is read there."""
        below = self.prompt_end[len(self.prompt_end) - self.back :]
        kept = 0
        while kept < min(self.back, len(path)) and path[kept] == below[kept]:
            kept += 1
        return Node(back=self.back - kept, forced=path[kept:])

    def beginnings(self, answer: int) -> tuple[int, ...]:
        """The tokens at the root with which an answer begins, ascending."""
        return tuple(token for token, below in self.children[()].items() if answer in below)

    def to_json(self) -> dict[str, Any]:
        """The tree as JSON can hold it; `of_json` reads it."""
        return {
            "answers": list(self.answers),
            "spellings": [[each.answer, each.text, list(each.tokens)] for each in self.spellings],
            "ends": list(self.ends),
            "back": self.back,
            "prompt_end": list(self.prompt_end),
        }

    @classmethod
    def of_json(cls, content: Mapping[str, Any]) -> "AnswerTree":
        """The tree that `to_json` has written."""
        return cls(
            answers=tuple(map(str, content["answers"])),
            spellings=tuple(
                Spelling(answer=int(answer), text=str(text), tokens=tuple(map(int, tokens)))
                for answer, text, tokens in content["spellings"]
            ),
            ends=tuple(map(int, content["ends"])),
            back=int(content["back"]),
            prompt_end=tuple(map(int, content["prompt_end"])),
        )


def one_token_tree(tokens: Mapping[str, Sequence[int]]) -> AnswerTree:
    """The tree of answers that are single tokens, each with the tokens that stand for it.

    >>> tree = one_token_tree({"red": [7, 9], "blue": [8]})
    >>> tree.answers, tree.beginnings(0), tree.parting
    (('red', 'blue'), (7, 9), ((),))
    """
    return AnswerTree(
        answers=tuple(tokens),
        spellings=tuple(
            Spelling(answer=place, text=answer, tokens=(token,))
            for place, (answer, own) in enumerate(tokens.items())
            for token in own
        ),
    )


def different(trees: Iterable[AnswerTree]) -> list[AnswerTree]:
    """Each tree once, for items that are asked alike share one.

    >>> one, other = (one_token_tree({"yes": [4], "no": [token]}) for token in (5, 6))
    >>> len(different([one, other, one]))
    2
    """
    return list({id(tree): tree for tree in trees}.values())


def places_of(trees: Iterable[AnswerTree], *, whole: bool = False) -> tuple[Node, ...]:
    """The nodes at which some trees are read, each once, the answer position first.

    With `whole` these are also the nodes that are spelling only, which the probability of whole
    words needs.

    >>> tree = AnswerTree(
    ...     answers=("cube", "cylinder"),
    ...     spellings=(
    ...         Spelling(answer=0, text="cube", tokens=(5, 6)),
    ...         Spelling(answer=1, text="cylinder", tokens=(5, 7, 8)),
    ...     ),
    ... )
    >>> [node.forced for node in places_of([tree])]
    [(), (5,)]
    >>> [node.forced for node in places_of([tree], whole=True)]
    [(), (5,), (5, 7)]
    """
    nodes = {
        tree.node(path) for tree in trees for path in (tree.children if whole else tree.parting)
    }
    return (ANSWER_NODE, *sorted(nodes - {ANSWER_NODE}, key=_by_node))


def _by_depth(path: Path) -> tuple[int, Path]:
    return len(path), path


def _by_node(node: Node) -> tuple[int, int, Path]:
    return node.back, len(node.forced), node.forced
