"""How well does a model answer? Accuracies on held-out scenes, and the bundled model's card.

    python -m analysis.model_card --model bundled --out probes/bundled/model/README.md

Questions that a study asks are a choice; here every kind is asked, by number of objects.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import pandas as pd
from jaxtyping import Bool
from numpy import ndarray

from data_prep.attributes import attribute, attribute_of
from data_prep.command_line import from_command_line
from data_prep.errors import UserError, one_line_errors
from data_prep.files.bounded import read_file
from data_prep.files.durable import write_durably
from data_prep.files.output import require_output_file
from data_prep.option_rules import MOST_SCENES, MOST_SEED, Place, Within
from data_prep.photographs.labels import YES_NO
from data_prep.questions import (
    PROPERTIES,
    Question,
    count_question,
    exist_question,
    main_question,
    referring_questions,
)
from data_prep.scene_data import SceneData
from data_prep.scenes import Scene
from data_prep.sources import open_data
from data_prep.terminal.progress import Progress
from stats import cluster_share

if TYPE_CHECKING:
    from probes.vlm import VLM

_YES_NO = attribute_of("exist", YES_NO)
_BATCH = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """Accuracies of a model by kind of question and number of objects, as a model card."""

    model: Annotated[str, Place()] = "bundled"
    """"bundled", a model folder, or a Hub id."""
    data: Annotated[str, Place()] = "bundled"
    """Scenes that the model was not trained on."""
    scenes: Annotated[int | None, Within(1, MOST_SCENES)] = None
    """Use the first so many scenes only."""
    training: tuple[Path, ...] = ()
    """training.json of the training, and of those that went on from it, for the card's account."""
    out: Path | None = None
    """Where to write the card; default: only print the table."""
    seed: Annotated[int, Within(0, MOST_SEED)] = 0
    """Of the choice of questions."""


def main(config: ModelCard) -> None:
    """Asks, counts, prints, and writes the card if asked to."""
    from probes import load_vlm

    training = _account(config.training)
    if config.out is not None:
        require_output_file(config.out, "--out")
    data = open_data(config.data)
    known = data.object_scenes()  # refuses photographs before the model is loaded
    if config.scenes is not None and config.scenes > len(known):
        raise UserError(
            f"{data.name} has {len(known)} scenes, got --scenes {config.scenes}: ask for fewer"
        )
    vlm = load_vlm(config.model)
    rng = np.random.default_rng(config.seed)
    scenes = [known[scene_id] for scene_id in sorted(known)][: config.scenes]
    asked = pd.DataFrame(_asked(scenes, rng))
    asked["right"] = _answered_right(vlm, data, asked)
    table = accuracy_table(asked)
    if config.out is not None:
        write_durably(config.out, _card(table, vlm, config, training, len(scenes)).encode())
    print(table.to_string(index=False))


def accuracy_table(asked: pd.DataFrame) -> pd.DataFrame:
    """Accuracy with its interval over scenes, by kind of question, attribute and objects."""
    groups = [
        (("one object", "main"), asked["template"] == "main", "attribute"),
        (("2 to 4 objects", "referring"), _referring(asked, 2, 4), "attribute"),
        (("2 to 6 objects", "referring"), _referring(asked, 2, 6), "attribute"),
        (("", "referring"), _referring(asked, 2, 6), "n_objects"),
        (("1 to 6 objects", "count"), asked["template"] == "count", None),
        (("", "count"), asked["template"] == "count", "n_objects"),
        (("1 to 6 objects", "exist"), asked["template"] == "exist", None),
    ]
    rows = []
    for (objects, template), chosen, by in groups:
        part: pd.DataFrame = asked.loc[chosen]
        cells = [("all", part)] if objects else []
        cells += [(str(key), cell) for key, cell in part.groupby(by, sort=True)] if by else []
        rows += [
            {
                "question": template,
                "objects": objects or cell_name,
                "asked for": cell_name if objects else "all",
                **_share_right(cell),
            }
            for cell_name, cell in cells
            if len(cell)
        ]
    return pd.DataFrame(rows)


def _share_right(asked: pd.DataFrame) -> dict[str, str | int]:
    """The share of right answers. Of a single scene there is no interval."""
    right, scenes = np.asarray(asked["right"], dtype=float), np.asarray(asked["scene_id"])
    n_scenes, between = len(set(scenes)), "-"
    if n_scenes > 1:
        share = cluster_share(right, scenes)
        between = f"{share.low.item():.3f} to {share.high.item():.3f}"
    return {
        "accuracy": f"{right.mean():.3f}",
        "95% CI": between,
        "scenes": n_scenes,
        "questions": len(right),
    }


def _referring(asked: pd.DataFrame, low: int, high: int) -> Bool[ndarray, " question"]:
    n_objects = asked["n_objects"].to_numpy()
    return (asked["template"] == "referring").to_numpy() & (low <= n_objects) & (n_objects <= high)


def _asked(scenes: Sequence[Scene], rng: np.random.Generator) -> list[dict]:
    """The questions to ask: for every scene one count and one existence question, and per attribute
    a main question if it has one object, else a referring question where there is one."""
    rows = []
    for scene in scenes:
        questions: list[Question] = [count_question(scene), exist_question(scene, rng)]
        for name in PROPERTIES:
            if len(scene.objects) == 1:
                questions.append(main_question(scene, name))
            elif offered := referring_questions(scene, name):
                questions.append(offered[rng.integers(len(offered))])
        rows += [
            {
                "scene_id": scene.scene_id,
                "image": scene.image,
                "n_objects": len(scene.objects),
                "attribute": question.attribute,
                "template": question.template,
                "question": question.text,
                "answer": question.answer,
            }
            for question in questions
        ]
    return rows


def _answered_right(vlm: "VLM", data: SceneData, asked: pd.DataFrame) -> list[bool]:
    """Whether the text that the model generates greedily is the right answer, for each question."""
    from probes.answers.said import said
    from probes.answers.trees import AnswerTrees, answer_trees

    trees: dict[str, AnswerTrees] = {}
    for name, own in asked.groupby("attribute"):
        words = _YES_NO if name == "exist" else attribute(str(name)).restricted_to(own["answer"])
        trees[str(name)] = answer_trees(vlm, words, own["question"].tolist())
    right: list[bool] = []
    with Progress(total=len(asked), what="ask", unit="question") as bar:
        for start in range(0, len(asked), _BATCH):
            batch = asked.iloc[start : start + _BATCH]
            texts = batch["question"].tolist()
            own = [
                trees[name].by_question[text]
                for name, text in zip(batch["attribute"], texts, strict=True)
            ]
            images = [data.open_image(key) for key in batch["image"]]
            told = said(vlm, images, texts, own, _BATCH)
            right += [
                one.answer is not None and tree.answers[one.answer] == answer
                for one, tree, answer in zip(told, own, batch["answer"], strict=True)
            ]
            bar.update(len(batch))
    return right


def _account(files: Sequence[Path]) -> str:
    """The card's account of the trainings. UserError if a file is not that of one."""
    return "\n## Training\n\n" + "\n\n".join(map(_training, files)) + "\n" if files else ""


def _training(file: Path) -> str:
    try:
        plan = json.loads(read_file(file))
        return fill(_told(plan), width=100, break_on_hyphens=False)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(
            f"--training must be the training.json of python -m probes.bundled.train, got {file}: "
            "give that file"
        ) from error


def _told(plan: dict[str, Any]) -> str:
    language = plan["language"]
    exchanges = language["referring"] + language["plain"] + language["descriptions"]
    stage = (
        f"{language['steps']:,} batches of {language['batch']} images with {exchanges} exchanges "
        f"each (questions: {language['referring']} referring, {language['plain']} plain; every "
        f"{language['caption_every']}th batch captions), peak rate {language['peak_rate']:g}, "
        "tower frozen"
    )
    data = (
        f"Data: {plan['scenes']:,} scenes that `python -m data_prep.render --seed 1` made, 1 to 6 "
        "objects, 128 pixels, and their mirror images."
    )
    if "trained_on_from" in plan:
        return (
            f"Trained on by `python -m probes.bundled.train --start`, seed {plan['seed']}, from "
            f"the model {plan['trained_on_from'][:19]}: {stage}. {data}"
        )
    return (
        f"`python -m probes.bundled.train`, seed {plan['seed']}, in stages: "
        f"{plan['tower_steps']:,} batches of the vision tower on patch labels; "
        f"{plan['alignment_steps']:,} batches in which the projector learns to name what each "
        f"patch shows; {stage}. {data} The evaluation scenes are of another seed (2)."
    )


def _card(table: pd.DataFrame, vlm: "VLM", config: ModelCard, training: str, n_scenes: int) -> str:
    header = "| " + " | ".join(table.columns) + " |\n|" + " --- |" * len(table.columns)
    body = "\n".join("| " + " | ".join(map(str, row)) + " |" for row in table.to_numpy())
    n_parameters = sum(parameter.numel() for parameter in vlm.model.parameters())
    return f"""# The bundled model

A small real LLaVA (`LlavaForConditionalGeneration`, {n_parameters / 1e6:.1f} million parameters,
{vlm.n_layers} blocks of width {vlm.d_model}, 128-pixel images in 64 patches) that answers questions
about CLEVR-style scenes. It exists so that Onset runs anywhere on a really trained model; it is a
model organism, not a model to use.
{training}
## Accuracy

On {n_scenes} held-out scenes ({config.data}), greedy answers over the whole vocabulary, intervals
over scenes. Made by `python -m analysis.model_card`.

{header}
{body}

## Limits

It knows rendered scenes of CLEVR's shapes, colours, materials and sizes, the wording of
`data_prep/questions.py`, and nothing else. Synonyms were in its captions only.
"""


if __name__ == "__main__":
    with one_line_errors():
        main(from_command_line(ModelCard, command="python -m analysis.model_card"))
