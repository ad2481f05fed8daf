"""Which images a study can use: all are read, and every size is asked about once; what was found is
kept in the run."""

from dataclasses import replace

import pytest
from PIL import Image

from analysis.run.folder import claim
from analysis.run.image_survey import image_survey, is_surveyed
from analysis.run.items import item_notes, items_of
from analysis.run.study import Study
from data_prep.errors import UserError
from data_prep.photographs.image_folder import open_images
from tests.data_prep.photographs.made_up import write_images

STRIP = (900, 3)


@pytest.fixture
def folder(tmp_path):
    folder = write_images(tmp_path / "birds", ["red", "blue"], 8)
    Image.new("RGB", STRIP, (255, 0, 0)).save(folder / "blue" / "strip.png")
    return folder


@pytest.fixture
def run_of(tmp_path):
    def run_of(name, **options):
        study = Study(model="m", data="images:birds", min_scenes_per_text=5, **options)
        return claim(tmp_path / name, study, model_revision="r", data_fingerprint="f")

    return run_of


def refusing(folder, asked=None):
    """The data, seen by a model that takes no strips."""

    def size_fault(size):
        if asked is not None:
            asked.append(size)
        return "too long" if size == STRIP else None

    return replace(open_images(folder), size_fault=size_fault)


def test_an_image_of_a_size_that_the_model_refuses_is_named(folder, run_of):
    run = run_of("a")
    rule = r"^image 'blue/strip\.png' cannot be used: .* 900 x 3 pixels \(too long\): .*--skip-b"
    with pytest.raises(UserError, match=rule):
        items_of(run, refusing(folder), "label")
    assert not is_surveyed(run)


def test_it_is_left_out_and_counted_on_demand(folder, run_of):
    run, asked = run_of("a", skip_broken=True), []
    items = items_of(run, refusing(folder, asked), "label")
    assert sorted(asked) == [(12, 9), STRIP]
    assert "blue/strip.png" not in set(items["image"])
    note = "scenes that are not asked: 1 (the model does not take the image's size)"
    assert item_notes(items) == (note,)
    survey = image_survey(run, open_images(folder))
    assert list(survey.broken) == ["blue/strip.png"]
    # As if it had never been there.
    (folder / "blue" / "strip.png").unlink()
    without = image_survey(run_of("b"), open_images(folder))
    assert (survey.mean_color, survey.blank_size) == (without.mean_color, without.blank_size)


def test_what_is_kept_is_not_found_out_again(folder, run_of):
    run = run_of("a", skip_broken=True)
    first = image_survey(run, refusing(folder))
    assert image_survey(run, replace(open_images(folder), scenes=())) == first
    file = run.folder / "images.json"
    file.write_text(file.read_text().replace("too long", "too lone"))
    with pytest.raises(UserError, match=r"images\.json is damaged .*: delete it and run again"):
        image_survey(run, open_images(folder))


def test_labels_are_judged_before_a_model_is_asked(folder, run_of):
    asked = []
    with pytest.raises(UserError, match="need at least 10 scenes, got 8"):
        items_of(run_of("a", scenes=8), refusing(folder, asked), "label")
    assert asked == []


def test_images_that_cannot_be_read_are_named_before_a_model_is_asked(folder, run_of):
    asked = []
    (folder / "red" / "000.png").write_bytes(b"")
    with pytest.raises(UserError, match=r"image 'red/000\.png' cannot be read"):
        items_of(run_of("a"), refusing(folder, asked), "label")
    assert asked == []
    items = items_of(run_of("b", skip_broken=True), refusing(folder, asked), "label")
    assert item_notes(items) == (
        "scenes that are not asked: 1 (image cannot be read), 1 (the model does not take the "
        "image's size)",
    )


def test_all_images_refused(folder, run_of):
    data = replace(open_images(folder), size_fault=lambda size: "no")
    with pytest.raises(UserError, match="17 of 17 images cannot be used"):
        items_of(run_of("a", skip_broken=True), data, "label")
