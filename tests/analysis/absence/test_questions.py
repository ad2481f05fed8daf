"""Which questions about absence can be asked of a run, and the passes that they need."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from analysis.absence.options import AbsenceOptions
from analysis.absence.passes import NONE, OR_NONE, other_images, passes_of, with_none
from analysis.absence.questions import askable, chosen_questions, questions_of
from analysis.commands.options import open_run, parse_options
from data_prep.errors import UserError
from data_prep.sources import open_data

COMMAND = "python -m analysis.hallucination"


@pytest.fixture(scope="module")
def opened(tmp_path_factory, clevr, model_folder):
    run = tmp_path_factory.mktemp("absence") / "run"
    line = ["--model", model_folder, "--data", f"clevr:{clevr}", "--min-scenes-per-text", "5",
            "--n-resamples", "800", "--run", run]  # fmt: skip
    return open_run(parse_options(AbsenceOptions, command=COMMAND, arguments=list(map(str, line))))


@pytest.fixture(scope="module")
def exist(opened):
    return questions_of(opened, "exist", most=60)


def test_scenes_are_asked_for_existence_and_for_properties(opened):
    assert askable(opened.data) == ("exist", "color", "shape", "material", "size")
    assert chosen_questions(opened.data, ["usual", "exist"]) == ("exist", "color")
    with pytest.raises(UserError, match=r"about must be among exist, color, .* got 'count'"):
        chosen_questions(opened.data, ["count"])


def test_neither_text_nor_scene_tells_what_is_absent(exist):
    items = exist.items
    assert items.groupby("question")["present"].mean().eq(0.5).all()
    assert items.groupby("scene_id")["present"].mean().eq(0.5).all()
    assert items.groupby("group")["present"].mean().eq(0.5).all()
    assert exist.answers.answers == ("yes", "no")
    assert (exist.right_answer == exist.absent).all()


def test_most_scenes_are_whole_groups(opened, exist):
    few = questions_of(opened, "exist", most=40)
    assert few.n_scenes == 40
    assert few.n_groups == 20
    assert set(few.items["item_id"]) < set(exist.items["item_id"])


def test_too_few_scenes_are_refused(opened):
    with pytest.raises(UserError, match="at least 20 groups of scenes"):
        questions_of(opened, "exist", most=10)


def test_under_a_premise_absent_things_have_no_right_answer(opened):
    color = questions_of(opened, "color", most=40)
    assert color.kind == "premise"
    assert (color.right_answer[color.absent] == -1).all()
    assert (color.right_answer[~color.absent] >= 0).all()
    assert NONE in with_none(color.answers).answers


def test_the_other_image_is_of_another_group_and_does_not_tell_the_answer(opened, exist):
    """In its own group the same text has the opposite answer: a contrast with that image would be
    told the answer, and found an AUROC higher by .05 in the bundled model."""
    items = exist.items
    other = other_images(opened, exist)
    group_of = dict(zip(items["image"], items["group"], strict=True))
    groups = items["group"].tolist()
    assert all(group_of[a] != b for a, b in zip(other, groups, strict=True))
    answer_of = {(each.image, each.question): each.present for each in items.itertuples()}
    told = [
        (answer_of[image, text], own)
        for image, text, own in zip(other, items["question"], items["present"], strict=True)
        if (image, text) in answer_of
    ]
    assert len(told) > 60
    assert 0.25 < np.mean([there == own for there, own in told]) < 0.75
    assert passes_of(opened, exist, "other").n_passes <= len(items) - len(told)


def test_or_none_says_so_and_scores_it(opened):
    color = questions_of(opened, "color", most=40)
    passes = passes_of(opened, color, "or none")
    assert passes.answers[-1] == NONE
    assert OR_NONE.format(question="Q?") == "Q? If there is none, answer none."


def test_photographs_are_asked_what_their_file_asks(tmp_path: Path, model_folder):
    (tmp_path / "images").mkdir()
    lines = []
    rng = np.random.default_rng(0)
    for number in range(24):
        name = f"{number:03d}.jpg"
        pixels = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "images" / name)
        for place, label in enumerate(("yes", "no")):
            thing = ("cat", "dog")[(number + place) % 2]
            lines.append(
                f'{{"question_id": {2 * number + place}, "image": "{name}", '
                f'"text": "Is there a {thing} in the image?", "label": "{label}"}}'
            )
    (tmp_path / "pope.json").write_text("\n".join(lines))
    spec = f"pope:{tmp_path / 'images'}:{tmp_path / 'pope.json'}"
    data = open_data(spec)
    assert askable(data) == ("presence",)
    assert data.absence is not None
    assert set(data.absence["thing"]) == {"cat", "dog"}
    line = ["--model", model_folder, "--data", spec, "--min-scenes-per-text", "5",
            "--run", tmp_path / "run"]  # fmt: skip
    opened = open_run(
        parse_options(AbsenceOptions, command=COMMAND, arguments=list(map(str, line)))
    )
    asked = questions_of(opened, "presence", most=100)
    assert (len(asked.items), asked.n_groups) == (48, 24)


def test_other_labels_are_other_data(tmp_path: Path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg")
    prints = []
    for label in ("yes", "no"):
        text = '{"question_id": 1, "image": "a.jpg", "text": "Is there a cat in the image?", '
        (tmp_path / "pope.json").write_text(f'{text}"label": "{label}"}}')
        prints.append(open_data(f"pope:{tmp_path}:{tmp_path / 'pope.json'}").fingerprint)
    assert prints[0] != prints[1]


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("pope:folder", "one or two .json files"),
        ("pope:nowhere:pope.json", "no folder 'nowhere'"),
    ],
)
def test_what_is_no_folder_and_file_is_refused(spec, told):
    with pytest.raises(UserError, match=told):
        open_data(spec)
