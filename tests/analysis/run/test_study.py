"""The declared plan: written and read without loss, and told apart by everything it holds."""

import tomllib
from dataclasses import asdict, fields, replace

import pytest

from analysis.commands.study_file import read_study
from analysis.run.study import Study
from analysis.streams import Stream
from data_prep.errors import UserError
from stats.shuffled_labels import LEAST_SCENES

ABOUT = {"model_revision": "sha256:1", "data_fingerprint": "f"}
OTHER = Study(
    model='folder/a "quoted" name',
    revision="v1",
    dtype="bfloat16",
    data="clevr:/somewhere:train",
    contrast="/elsewhere",
    columns={"image": "img", "a kind": 'the "kind"'},
    ask={"kind": "What is \u00e4 \U0001f600?"},
    negatives="popular",
    skip_broken=True,
    min_scenes_per_answer=3,
    scenes=200,
    questions="all",
    min_scenes_per_text=7,
    swaps=2,
    whole_words=True,
    quantize=4,
    attention="eager",
    prompt_style="bare",
    lens_attributes=("size",),
    margin=0.1,
    plateau=(8, 10),
    horizon=11,
    level=0.9,
    n_resamples=5000,
    seed=4,
)


@pytest.mark.parametrize("study", [Study(), OTHER], ids=["defaults", "others"])
def test_a_study_file_says_the_same(study, tmp_path):
    file = tmp_path / "study.toml"
    file.write_text(study.to_toml())
    assert read_study(file).plan == study


def test_a_file_of_nothing_is_the_default_plan(tmp_path):
    (tmp_path / "study.toml").write_text("")
    assert read_study(tmp_path / "study.toml").plan == Study()


def test_every_field_is_in_the_file():
    assert set(tomllib.loads(OTHER.to_toml())) == {field.name for field in fields(Study)}


def test_the_hash_changes_with_every_field_but_names():
    plain = Study().identity(**ABOUT)
    for name, value in asdict(OTHER).items():
        changed = replace(Study(), **{name: value}).identity(**ABOUT)
        assert (changed == plain) == (name in ("model", "data", "contrast")), name


def test_the_hash_changes_with_what_model_and_data_hold():
    hashes = {Study().identity(**ABOUT)}
    hashes |= {Study().identity(**(ABOUT | {name: "other"})) for name in ABOUT}
    assert len(hashes) == 3


def test_stages_draw_independently_and_the_same_every_time():
    study = Study(seed=3)
    one, other = Stream.ITEMS, Stream.ORDER
    draws = [study.rng(*key).random() for key in [(one,), (other,), (one, 0), (one,)]]
    assert draws[0] == draws[3]
    assert len(set(draws)) == 3
    assert Study(seed=4).rng(one).random() != draws[0]


def test_layers_beyond_the_model_are_refused():
    Study(horizon=12, plateau=(10, 12)).require_layers(12)
    with pytest.raises(UserError, match="1 to 11, got 12"):
        Study(horizon=12).require_layers(11)
    with pytest.raises(UserError, match="end by layer 9"):
        Study(horizon=9, plateau=(8, 10)).require_layers(12)


@pytest.mark.parametrize("few", [2, 4])
def test_texts_of_a_few_scenes_are_refused_with_the_remedy(few):
    with pytest.raises(UserError, match=f"got {few}: take 5 or more, or 1: then images"):
        Study(min_scenes_per_text=few)
    assert [Study(min_scenes_per_text=each).min_scenes_per_text for each in (1, 5)] == [1, 5]
    assert LEAST_SCENES == 5


def test_of_large_data_the_usual_number_of_scenes_is_declared():
    study = Study()
    assert study.begun_with(15_000, usual=2_000).scenes == 2_000
    assert study.begun_with(2_000, usual=2_000) == study
    assert study.begun_with(15_000, usual=None) == study
    for told in (500, "all"):
        assert Study(scenes=told).begun_with(15_000, usual=2_000).scenes == told
    assert [Study(scenes=each).n_scenes for each in (None, "all", 7)] == [None, None, 7]
    plans = (study, study.begun_with(15_000, usual=2_000), Study(scenes="all"))
    assert len({each.identity(**ABOUT) for each in plans}) == 3


def test_all_scenes_can_be_declared_in_a_file(tmp_path):
    file = tmp_path / "study.toml"
    file.write_text(Study(scenes="all").to_toml())
    assert read_study(file).plan.scenes == "all"
    file.write_text('scenes = "most"\n')
    with pytest.raises(UserError, match=r"scenes in .* must be a whole number or all, got 'most'"):
        read_study(file)
