"""What a finding says of its own limits: answers given away, few scenes a text, heavy tails."""

import numpy as np
import pytest
import torch

from analysis.concept.decode import decode_labels
from analysis.emergence.estimates import estimate
from data_prep.errors import UserError
from tests.analysis.planted import EMERGING, QUICK, planted, rows_of


def notes(readings):
    return estimate(readings, QUICK, key=0).results.notes


def test_a_plain_finding_has_no_note_of_its_own():
    assert notes(planted(EMERGING, noise=2.0)) == ("a note",)


def test_it_says_where_the_number_of_questions_gives_the_answer_away():
    readings = planted(EMERGING, noise=2.0)
    twice = np.flatnonzero(readings.answer_index == 0)
    rows = np.sort(np.concatenate([np.arange(80), twice]))
    items = [f"item {place}" for place in range(len(rows))]
    (_, note) = notes(rows_of(readings, rows, item_id=items))
    assert note.startswith("which questions a scene is asked, and how many, gives the answer away")
    assert "40 of 100 items" in note


def test_texts_of_few_scenes_are_refused_in_one_line():
    readings = planted(EMERGING)
    texts = ["text 0"] * 77 + ["another"] * 3
    with pytest.raises(UserError, match="got 3 for 'another': give more scenes or a larger min_sc"):
        notes(rows_of(readings, np.arange(80), question=texts))


def test_it_says_where_a_scene_carries_the_variance():
    readings = planted(EMERGING, noise=0.1)
    # One scene is surely taken for another answer.
    readings.real[0] = np.roll(readings.real[0], 1, axis=1)
    (_, note) = notes(readings)
    assert note.startswith("1 of 80 scenes carry more than half of the variance on the plateau")


def test_a_decoder_is_held_against_the_most_frequent_label_of_all_images():
    rng = np.random.default_rng(0)
    labels = np.arange(24) % 2
    scenes = [f"s{place:02d}" for place in range(24)]
    residuals = torch.from_numpy(rng.standard_normal((24, 1, 3)).astype(np.float32))
    assert decode_labels(residuals, labels, scenes).baseline.mean() == 0.5
    labels[:6] = 1
    found = decode_labels(residuals, labels, scenes)
    np.testing.assert_array_equal(found.baseline, labels == 1)
