"""What the logit lens says about each item from layer to layer, under the own image and the
controls.

Read from a run's residuals, output map and token texts alone: the model is not needed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from numpy import ndarray

from analysis.capture.answer_trees import answer_trees
from analysis.capture.token_texts import TokenTexts, token_texts
from analysis.run.items import item_notes, items_of, labels_of
from analysis.run.opened import OpenRun
from analysis.streams import Stream
from analysis.trajectory.token_scripts import script_of
from data_prep.attributes import stream_key
from data_prep.errors import UserError
from data_prep.terminal.progress import Progress

if TYPE_CHECKING:  # torch takes seconds to import, and a finished run does not need it
    from probes.answers.tree import AnswerTree, Node
    from probes.answers.trees import AnswerTrees
    from probes.answers.words import RightWord
    from probes.lens_trajectory import LensTrajectory
    from probes.residuals.rows import StoredRows
    from probes.unembedding import Unembedding

CONDITIONS = ("real", "shuffled", "blank")
N_TOKENS = 30
"""Number of tokens that are followed through the layers: those with the highest mean
probability."""
_MIN_SCENES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Trajectories:
    """One attribute's items, read through the logit lens."""

    items: pd.DataFrame
    n_available: int
    """The number of items that the run has, from which the ones here were drawn."""
    texts: TokenTexts
    by_condition: "dict[str, LensTrajectory]"
    normed_twice: Float[ndarray, " item"]
    """Probability of the most probable token at the last layer if the final norm is applied a
    second time. This is what one gets by taking `hidden_states[-1]`, which is normed already, for a
    residual."""
    frequent: Int[ndarray, " token"]
    """The ids of the tokens with the highest probability, as mean over items and layers, highest
    first."""
    frequent_probability: Float[ndarray, "item layer token"]
    right: "dict[str, RightWord]"
    """Probability and rank of the right answer along its path of tokens, by condition."""
    notes: tuple[str, ...]

    def scripts(self) -> list[list[str]]:
        """Script of the most probable token under the item's own image, by item and layer."""
        top = self.by_condition["real"].token_ids[..., 0]
        known = {
            token: script_of(self.texts.texts[token], special=token in self.texts.special)
            for token in np.unique(top).tolist()
        }
        return [[known[token] for token in row] for row in top.tolist()]


def trajectories_of(opened: OpenRun, attribute: str, *, most: int, k: int) -> Trajectories:
    """At most `most` items of an attribute, drawn at random, with the `k` most probable tokens of
    each.

    UserError if the run lacks what is needed and it cannot be captured here.
    """
    from analysis.capture.output_map import output_map
    from analysis.capture.residuals import capture_residuals

    table = items_of(opened.run, opened.data, attribute)
    study, key = opened.run.study, stream_key(attribute)
    n_items = min(most, len(table))
    chosen = np.sort(
        study.rng(Stream.TRAJECTORY_ITEMS, key).choice(len(table), n_items, replace=False)
    )
    items = table.iloc[chosen].reset_index(drop=True)
    _require_scenes(items)
    stored = capture_residuals(opened, table)
    shuffled, _ = stored.shuffled(table, study.rng(Stream.TRAJECTORY_DONORS, key))
    rows = {"real": stored.real, "shuffled": shuffled, "blank": stored.blank}
    unembedding = output_map(opened)
    _require_rank(k, unembedding.n_vocab)
    texts = token_texts(opened, unembedding.n_vocab)
    trees = answer_trees(opened, opened.data.answer_set(table), table["question"])
    own_trees, labels = trees.of(items["question"]), labels_of(items, trees.answers).tolist()
    chosen_rows = {condition: own.select(chosen.tolist()) for condition, own in rows.items()}
    by_condition = {
        condition: _read(own, unembedding, k, condition) for condition, own in chosen_rows.items()
    }
    means = by_condition["real"].mean_probability
    assert means is not None
    frequent = np.argsort(-means.mean(0), kind="stable")[:N_TOKENS]
    own = chosen_rows["real"]
    return Trajectories(
        items=items,
        n_available=len(table),
        texts=texts,
        by_condition=by_condition,
        normed_twice=_normed_twice(own, unembedding),
        frequent=frequent,
        frequent_probability=_of_tokens(own, unembedding, frequent, by_condition["real"]),
        right={
            condition: _right(own, unembedding, own_trees, labels)
            for condition, own in chosen_rows.items()
        },
        notes=(*_path_notes(trees, own.nodes), *item_notes(table)),
    )


def _require_scenes(items: pd.DataFrame) -> None:
    n_scenes = len(set(items["scene_id"]))
    if n_scenes < _MIN_SCENES:
        raise UserError(
            f"the statistics need at least {_MIN_SCENES} scenes, got {n_scenes}: take more --items"
        )


def _require_rank(k: int, n_vocab: int) -> None:
    if k > n_vocab:
        raise UserError(f"--top must be at most {n_vocab}, the vocabulary, got {k}: lower it")


def _path_notes(trees: "AnswerTrees", nodes: "Sequence[Node]") -> tuple[str, ...]:
    if all(tree.is_whole(nodes) for tree in trees.different()):
        return ()
    return (
        "the right answer is followed as far as its spelling differs from other answers'; with "
        "--whole-words to its end",
    )


def _right(
    rows: "StoredRows",
    unembedding: "Unembedding",
    trees: "Sequence[AnswerTree]",
    labels: Sequence[int],
) -> "RightWord":
    from probes.answers.words import RightWord, right_words

    parts = [
        right_words(block, unembedding, trees[where], rows.nodes, labels[where])
        for where, block in rows.place_blocks()
    ]
    return RightWord(
        probability=np.concatenate([part.probability for part in parts]),
        rank=np.concatenate([part.rank for part in parts]),
    )


def _read(
    rows: "StoredRows", unembedding: "Unembedding", k: int, condition: str
) -> "LensTrajectory":

    from probes.lens_trajectory import joined, lens_trajectory

    parts = []
    with Progress(total=len(rows), what=f"lens, {condition}", unit="item") as bar:
        for _, block in rows.blocks():
            parts.append(lens_trajectory(block, unembedding, k=k, means=condition == "real"))
            bar.update(len(block))
    return joined(parts)


def _normed_twice(rows: "StoredRows", unembedding: "Unembedding") -> Float[ndarray, " item"]:
    from probes.logit_lens import lens_summaries

    def top(block: Any) -> Float[ndarray, " item"]:
        last = block[:, -1:].to(unembedding.head.device)
        # The lens norms what it is given, which has been normed here.
        return lens_summaries(unembedding.norm(last), unembedding, k=1).probabilities[:, 0, 0]

    return np.concatenate([top(block) for _, block in rows.blocks()])


def _of_tokens(
    rows: "StoredRows",
    unembedding: "Unembedding",
    tokens: Int[ndarray, " token"],
    read: "LensTrajectory",
) -> Float[ndarray, "item layer token"]:
    """Probabilities of a few tokens. Only the rows of the head that belong to these tokens are
    computed."""
    import torch

    ids = torch.from_numpy(tokens)
    parts = [
        unembedding.logits_of_tokens(block.to(unembedding.head.device), ids).cpu().numpy()
        for _, block in rows.blocks()
    ]
    return np.exp(np.concatenate(parts) - read.log_normaliser[..., None])


def trajectory_rows(read: Trajectories) -> pd.DataFrame:
    """The table that is always kept: a row per item, condition and layer."""
    parts = []
    for condition, found in read.by_condition.items():
        n_items, n_layers = found.entropy_bits.shape
        items = read.items
        part = items.loc[items.index.repeat(n_layers), ["item_id", "scene_id", "attribute"]]
        ids = found.token_ids.reshape(n_items * n_layers, -1)
        first = np.full((n_items, 1), np.nan, dtype=np.float32)
        columns: dict[str, Any] = {
            "condition": condition,
            "layer": np.tile(np.arange(n_layers), n_items),
            "token_ids": ids.tolist(),
            "token_texts": [read.texts.of(row) for row in ids.tolist()],
            "probabilities": found.probabilities.reshape(n_items * n_layers, -1).tolist(),
            "entropy_bits": found.entropy_bits.ravel(),
            "kl_bits": found.kl_to_final_bits.ravel(),
            "jsd_adjacent_bits": np.hstack([first, found.jsd_adjacent_bits]).ravel(),
            "jsd_final_bits": found.jsd_final_bits.ravel(),
        }
        columns["p_answer"] = read.right[condition].probability.ravel()
        columns["rank_answer"] = read.right[condition].rank.ravel()
        parts.append(part.assign(**columns))
    return pd.concat(parts, ignore_index=True)
