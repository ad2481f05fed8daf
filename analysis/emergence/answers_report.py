"""How answers are read, as text: the answer tree as a table, and what is read beside what the model
says."""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table

from analysis.drawing.token_labels import printed_token
from analysis.emergence.found import Said
from analysis.printed import WIDTH, printed
from probes.token_names import written

if TYPE_CHECKING:
    from probes.answers.tree import AnswerTree, Path
    from probes.answers.trees import AnswerTrees

_SHOWN = 20
"""Number of items on which read and said agree that are printed; items on which they differ are
printed all."""


def trees_text(name: str, trees: "AnswerTrees", names: Sequence[str]) -> str:
    """A table for each different answer tree; `names` are the names of the tokens."""
    questions = {id(tree): 0 for tree in trees.different()}
    for tree in trees.by_question.values():
        questions[id(tree)] += 1
    return "\n".join(
        _tree_table(name, tree, names, questions[id(tree)]) for tree in trees.different()
    )


def _tree_table(name: str, tree: "AnswerTree", names: Sequence[str], n_questions: int) -> str:
    table = Table(
        title=f"{name}: answers after {n_questions} question{'s' if n_questions > 1 else ''}",
        box=SIMPLE_HEAD,
        title_justify="left",
        title_style="bold",
    )
    table.add_column("answer", no_wrap=True)
    table.add_column("spelling", no_wrap=True)
    table.add_column("tokens", overflow="fold")
    table.add_column("positions", justify="right")
    parting = set(tree.parting)
    for spelling, steps in tree.leaves:
        read = [step for step in steps if step[0] in parting]
        tokens = " ".join(printed_token(names[token]) for _, token in read)
        if len(read) < len(steps):
            rest = " ".join(printed_token(names[token]) for _, token in steps[len(read) :])
            tokens = f"{tokens} | {rest}"
        answer = tree.answers[spelling.answer]
        table.add_row(answer, spelling.text, tokens, str(len(read)))
    about = (
        "Tokens as the prompt continues. They are read as far as answers differ: what stands after "
        f"| is spelling only. {tree_line(tree, names)}"
    )
    return f"{printed(table)}\n{textwrap.fill(about, WIDTH)}\n"


def tree_line(tree: "AnswerTree", names: Sequence[str] | None = None) -> str:
    """One line about a tree: how many spellings it has, and at which positions they are read."""
    n_spellings, n_answers = len(tree.spellings), len(tree.answers)
    places = [_place(tree, path, names) for path in tree.parting]
    where = f"{len(places)} positions: {', '.join(places)}" if len(places) > 1 else places[0]
    return f"{n_spellings} spellings of {n_answers} answers are read at {where}."


def _place(tree: "AnswerTree", path: "Path", names: Sequence[str] | None) -> str:
    node = tree.node(path)
    place = "the prompt's end"
    if node.back:
        place = f"{node.back} token{'s' if node.back > 1 else ''} before {place}"
    if not node.forced:
        return place
    if names is None:
        return f"{place} and {len(node.forced)} forced tokens"
    return f"{place} and {' '.join(printed_token(names[token]) for token in node.forced)}"


def said_text(name: str, found: Said) -> str:
    """A table of items, those on which read and said differ first, and the shares in a sentence."""
    table = Table(
        title=f"{name}: what the model says, and what is read at its last layer",
        box=SIMPLE_HEAD,
        title_justify="left",
        title_style="bold",
    )
    for header in ("item", "right", "says", "read", ""):
        table.add_column(header, overflow="fold")
    differ = [item for item in found.items if not item.agrees]
    agree = [item for item in found.items if item.agrees]
    for item in (*differ, *agree[:_SHOWN]):
        mark = "" if item.agrees else "differs"
        says = printed_token(written(item.text))
        table.add_row(item.item_id, item.answer, says, item.read, mark)
    left = len(agree) - len(agree[:_SHOWN])
    more = f"  and {left} more on which both agree\n" if left else ""
    return f"{printed(table)}\n{more}{said_sentence(name, found)}\n"


def said_sentence(name: str, found: Said) -> str:
    """How often what is read is what the model says."""
    own, level = found.agree, f"{100 * found.level:g}%"
    other = ""
    if found.other.n:
        other = f" {found.other.n} times it says none of the answers."
    return textwrap.fill(
        f"{name}: in {own.n} of {found.n_items} items ({100 * own.share:.1f}%, {level} CI "
        f"{100 * own.low:.1f}% to {100 * own.high:.1f}%) the answer read at the last layer "
        f"is the one that the model says.{other} Right: {100 * found.said_right.share:.1f}% "
        f"as said, {100 * found.read_right.share:.1f}% as read.",
        WIDTH,
    )
