"""What is asked, what counts as none, and that scenes of the training are found."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from analysis.absence.passes import NONE, with_none
from analysis.remedies.asking import all_questions, on_top
from analysis.remedies.held_out import TrainingScenes, held_out, training_scenes
from analysis.remedies.trained import Training
from data_prep.attributes import attribute
from data_prep.errors import UserError
from data_prep.sources import open_data
from probes import load_vlm
from probes.answers.scores import answer_log_probs
from probes.answers.trees import answer_trees
from probes.answers.words import word_log_probs

TEXT = "What color is the large cube?"


@pytest.fixture(scope="module")
def data():
    return open_data("bundled")


@pytest.fixture(scope="module")
def asked(data):
    return all_questions(data, n_scenes=120, about=("color", "shape"))


def training() -> Training:
    return Training(start="", data="remedy-scenes", split="train", scenes=9, language={})


def test_no_scene_is_in_two_groups_and_texts_alone_tell_nothing(asked):
    scenes = [set(each.items["scene_id"]) for each in asked.premises]
    assert not scenes[0] & scenes[1]
    for each in (*asked.premises, asked.existence):
        items = each.items
        assert (items.groupby("question")["present"].mean() == 0.5).all()
        assert (items.groupby("scene_id")["present"].mean() == 0.5).all()
        assert (items.groupby("group").size() == 4).all()
        assert items.groupby("scene_id")["group"].nunique().max() == 1


def test_questions_depend_on_nothing_but_what_is_asked_for(data, asked):
    again = all_questions(data, n_scenes=120, about=("color", "shape"))
    other = all_questions(data, n_scenes=120, about=("color",))
    assert again.digest == asked.digest != other.digest


def test_answers_that_tie_share_the_first_place_in_whatever_order():
    log_p = np.array([[0.0, 0.0, -1.0], [-3.0, -2.0, -1.0]])
    assert on_top(log_p).tolist() == [[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]
    assert on_top(log_p[:, ::-1]).tolist() == on_top(log_p)[:, ::-1].tolist()


def test_none_is_told_from_no():
    """A model that says "no" and then ends: none has little, unless it is not read to its end."""
    vlm = load_vlm("bundled", device="cpu")
    words = with_none(attribute("color"))
    trees = answer_trees(vlm, words, [TEXT])
    tree, nodes = trees.by_question[TEXT], trees.places(whole=True)
    no, ne = next(each.tokens for each in tree.spellings if each.text == "none")
    red = next(each.tokens[0] for each in tree.spellings if each.text == "red")
    assert tree.parting == ((),)  # so whoever reads where answers part takes no for none

    # For each token a residual of which the model says it, by least squares. By getattr (B009), for
    # to the types the norm is a module, whose attributes they do not know.
    saying = torch.linalg.pinv(vlm.unembedding.head * getattr(vlm.norm, "weight")).T  # noqa: B009

    def read(root: int, after_no: int) -> tuple[str, str]:
        said = {(): root, (no,): after_no}
        tokens = [said.get(node.forced, vlm.turn_ends[0]) for node in nodes]
        residuals = saying[tokens][None, :, None]
        assert vlm.unembed(residuals).argmax(-1).flatten().tolist() == tokens
        whole, parted = (
            words.answers[int(score(residuals, vlm.unembedding, [tree], nodes)[0, 0].argmax())]
            for score in (word_log_probs, answer_log_probs)
        )
        return whole, parted

    assert read(no, ne) == (NONE, NONE)
    whole, parted = read(no, vlm.turn_ends[0])
    assert parted == NONE
    assert whole != NONE
    assert read(red, ne) == ("red", "red")


def test_a_scene_of_the_training_is_found_among_those_asked(data, asked):
    apart = TrainingScenes(scenes=tuple(data.scenes[200:300]), copies=())
    assert held_out(asked.scenes, training(), apart).n_compared == 100
    scene = asked.scenes[7]
    turned = replace(scene, scene_id="CLEVR_train_000007", objects=scene.objects[::-1])
    same = TrainingScenes(scenes=(*data.scenes[200:300], turned), copies=())
    with pytest.raises(UserError, match="is CLEVR_train_000007 of remedy-scenes"):
        held_out(asked.scenes, training(), same)


def test_training_scenes_that_are_not_at_hand_are_not_compared(asked):
    assert held_out(asked.scenes, training(), None).n_compared is None


def test_half_rendered_copies_stop_only_models_that_saw_them(tmp_path, monkeypatch):
    read = []

    def reading(folder, split, **how):
        read.append(folder.name)
        if folder.name == "remedy-scenes-removed":
            raise UserError("not finished")
        return []

    monkeypatch.setattr("analysis.remedies.held_out.read_clevr", reading)
    folder = tmp_path / "remedy-scenes"
    for name in (folder.name, f"{folder.name}-removed"):
        (tmp_path / name).mkdir()
    assert training_scenes(folder, training(), with_copies=False) is not None
    assert read == ["remedy-scenes"]
    with pytest.raises(UserError, match="not finished"):
        training_scenes(folder, training(), with_copies=True)
