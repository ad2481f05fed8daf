"""Shares of changed labels are those counted by hand; only the interval over images holds."""

from dataclasses import astuple

import numpy as np
import pandas as pd
import pytest

from analysis.pope_labels.found import Changed, ChangedLabels
from analysis.pope_labels.labels import changed_labels
from analysis.pope_labels.reading import AMBIGUOUS, read_labels
from analysis.pope_labels.report import labels_text
from analysis.typed import read_back, written
from stats import cluster_share, share_interval


@pytest.fixture
def found(files) -> ChangedLabels:
    labels = read_labels(
        [files["one"], files["two"]], [files["one_corrected"], files["two_corrected"]]
    )
    return changed_labels(labels, level=0.95)


def made_up(
    rng: np.random.Generator, *, share: float, alike: bool, times: int, n_images: int = 300
):
    """Three questions of yes and three of no about every image, the same in each of so many files.

    With `alike`, all of an image's labels are changed or none, otherwise each on its own.
    """
    drawn = rng.random((n_images, 1 if alike else 6)) < share
    changed = np.broadcast_to(drawn, (n_images, 6)).ravel()
    label = np.tile(["yes", "no"], 3 * n_images)
    one = pd.DataFrame(
        {
            "image": np.repeat([f"{n}.jpg" for n in range(n_images)], 6),
            "question": np.tile([f"{n}?" for n in range(6)], n_images),
            "label": label,
            "corrected": np.where(changed, np.where(label == "yes", "no", "yes"), label),
        }
    )
    return pd.concat([one.assign(file=f"{n}") for n in range(times)], ignore_index=True)


def counts(one: Changed) -> tuple[int, int, int]:
    return one.of_all.n_labels, one.n_ambiguous, one.n_changed


def test_counts_are_those_by_hand(found):
    assert [(each.where, each.label, *counts(each)) for each in found.files] == [
        ("one", "yes", 8, 1, 2), ("one", "no", 4, 1, 1),
        ("two", "yes", 8, 1, 2), ("two", "no", 4, 1, 2),
    ]  # fmt: skip
    assert [counts(each) for each in found.lines] == [(16, 2, 4), (8, 2, 3)]
    assert [counts(each) for each in found.distinct] == [(8, 1, 2), (6, 1, 2)]


def test_shares_are_those_by_hand(found):
    def shares(rows):
        return [value for each in rows for value in (each.of_all.counted, each.of_judged.counted)]

    assert shares(found.files) == pytest.approx(
        [2 / 8, 2 / 7, 1 / 4, 1 / 3, 2 / 8, 2 / 7, 2 / 4, 2 / 3]
    )
    assert shares(found.lines) == pytest.approx([4 / 16, 4 / 14, 3 / 8, 3 / 6])
    assert shares(found.distinct) == pytest.approx([2 / 8, 2 / 7, 2 / 6, 2 / 5])
    # Image a has changed both of its labels yes and 1 of 2 labels no, c its only label no.
    yes, no = found.distinct
    assert yes.of_all.over_images.estimate == yes.of_judged.over_images.estimate == 1 / 4
    assert no.of_all.over_images.estimate == (1 / 2 + 0 + 1 + 0) / 4
    # The only question of d is ambiguous: of the judged there are three images.
    assert no.of_judged.over_images.estimate == pytest.approx((1 / 2 + 0 + 1) / 3)
    assert no.of_judged.n_images == 3


def test_intervals_are_those_of_the_statistics(found):
    changed = np.array([1, 1, 0, 0, 0, 0, 0, 0], dtype=float)
    right = cluster_share(changed, np.repeat(list("abcd"), 2))
    wrong = share_interval(np.array(4), np.array(16))
    yes = found.lines[0].of_all
    assert astuple(found.distinct[0].of_all.over_images) == pytest.approx(
        [float(each) for each in (right.estimate, right.low, right.high)]
    )
    assert astuple(yes.as_independent) == pytest.approx(
        [float(each) for each in (wrong.share, wrong.low, wrong.high)]
    )


def test_what_is_found_is_read_back_as_it_was_written(found):
    assert read_back(ChangedLabels, written(found), "here") == found


def test_repeating_files_tell_nothing_more_to_images_but_seem_to_to_labels():
    once, thrice = (
        changed_labels(
            made_up(np.random.default_rng(0), share=0.1, alike=False, times=times), level=0.95
        ).lines[0].of_all
        for times in (1, 3)
    )  # fmt: skip
    assert astuple(thrice.over_images) == pytest.approx(astuple(once.over_images), abs=0.002)
    assert thrice.too_narrow_by == pytest.approx(3**0.5, abs=0.1)
    # The control: without repetition, and with labels that have nothing in common, they agree.
    assert once.too_narrow_by == pytest.approx(1, abs=0.06)
    assert once.worth == pytest.approx(900, rel=0.1)


def test_labels_of_an_image_that_change_together_are_worth_one():
    labels = made_up(np.random.default_rng(0), share=0.1, alike=True, times=1)
    yes = changed_labels(labels, level=0.95).lines[0].of_all
    assert yes.worth == pytest.approx(300, abs=2)
    assert yes.too_narrow_by == pytest.approx(3**0.5, abs=0.1)


def test_the_interval_over_images_covers_and_that_of_labels_must_not():
    rng = np.random.default_rng(1)
    worlds = [
        made_up(rng, share=0.1, alike=False, times=3, n_images=100).assign(file=f"{n}")
        for n in range(100)
    ]
    found = changed_labels(pd.concat(worlds), level=0.95)
    held = [
        [
            each.low <= 0.1 <= each.high
            for each in (yes.of_all.over_images, yes.of_all.as_independent)
        ]
        for yes in found.files
        if yes.label == "yes"
    ]
    right, wrong = np.mean(held, axis=0)
    assert right >= 0.9
    assert wrong <= 0.85


def test_names_of_the_real_files_are_not_broken_over_lines():
    labels = made_up(np.random.default_rng(0), share=0.1, alike=False, times=2)
    labels["file"] = labels["file"].replace(
        ["0", "1"], ["coco_pope_adversarial", "coco_pope_random"]
    )
    lines = labels_text(changed_labels(labels, level=0.95)).splitlines()
    assert sum(line.startswith(" coco_pope_adversarial ") for line in lines) == 2


def test_where_nothing_was_judged_there_is_no_share_of_the_judged():
    labels = made_up(np.random.default_rng(0), share=0.1, alike=False, times=1, n_images=4)
    labels["corrected"] = AMBIGUOUS
    for each in changed_labels(labels, level=0.95).files:
        assert (each.n_changed, each.n_ambiguous, each.of_judged) == (0, 12, None)
        assert each.of_all.over_images.low == 0 < each.of_all.over_images.high
