"""What the command refuses: one line that names the fault and the remedy, and code 2."""

import shutil
from pathlib import Path

import pytest
from PIL import Image

from analysis.causes.patching import Asked, begun
from analysis.causes.swaps import Swap
from data_prep.attributes import Attribute
from data_prep.errors import UserError
from data_prep.pairs.pair import Pair
from probes import load_vlm
from tests.analysis.causes.conftest import asked
from tests.analysis.causes.planted_models import QUESTION, write_pictures
from tests.data_prep.pairs.data import side
from tests.sealed import edit_sealed_tensors


@pytest.fixture
def swapped(finished, tmp_path) -> Path:
    """What a run keeps of its swaps, without its results, to damage."""
    run = shutil.copytree(finished, tmp_path / "run")
    (run / "results.json").unlink()
    return run


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--attr", "colour"], "unknown attribute 'colour': choose from label"),
        (["--attr"], "--attr needs at least one of label, or all"),
        (["--most", "3"], "--most must be at least 10, got 3"),
        (["--most", "many"], "--most"),
        (["--nothing", "0.9"], "--nothing must lie between 0 and 0.5, got 0.9: 0.1 is usual"),
        (["--nothing", "nan"], "--nothing must lie between 0 and 0.5, got nan"),
        (["--pairs", "minimal"], "has no minimal pairs: render some with python -m"),
        (["--pairs", "best"], "--pairs"),
        (["--engine", "ray"], "causes are measured by one process, got --engine ray: leave it out"),
        (["--batch-size", "0"], "--batch-size must be at least 1, or auto, got 0"),
        (["--n-resamples", "10"], "n_resamples must be at least 800 for level 0.95, got 10"),
        (["--no-such-option"], "Unrecognized options: --no-such-option"),
    ],
)
def test_arguments(causes, plain_model, pictures, tmp_path, arguments, message):
    ended = causes(*asked(plain_model("llava"), pictures, tmp_path / "run"), *arguments)
    assert message in ended.refusal
    assert not list(tmp_path.rglob("*.safetensors")), "refused before the model worked"


def test_too_few_pairs(causes, plain_model, tmp_path):
    few = write_pictures(tmp_path / "pictures", n_images=6)
    line = [*asked(plain_model("llava"), few, tmp_path / "run"), "--min-scenes-per-text", "5"]
    assert "causes of label need at least 10 pairs, got 9: use more scenes" in causes(*line).refusal


def test_one_answer_makes_no_pair(causes, plain_model, tmp_path):
    pictures = write_pictures(tmp_path / "pictures", colors={"red": (220, 40, 40)}, n_images=30)
    line = asked(plain_model("llava"), pictures, tmp_path / "run")
    assert "answer" in causes(*line).refusal


def test_a_pair_with_one_answer():
    sides = [side(name, "red", "large red metal cube") for name in ("one", "two")]
    with pytest.raises(UserError, match="the answers of base and source must differ, got 'red'"):
        Pair(
            pair_id="p", attribute="color", template="main", question="?", base=sides[0],
            source=sides[1], changed=None, kind="matched",
        )  # fmt: skip


def test_images_that_have_no_partner_of_their_size(causes, plain_model, tmp_path):
    pictures = write_pictures(tmp_path / "pictures", n_images=8)
    for number, file in enumerate(sorted(pictures.rglob("*.png"))):
        Image.open(file).resize((32 + number, 32)).save(file)
    line = asked(plain_model("qwen2_vl"), pictures, tmp_path / "run")
    assert "no two images of one size: scale the images to one size" in causes(*line).refusal


@pytest.mark.parametrize("family", ["qwen2_vl", "llava_next"])
def test_images_that_give_unlike_numbers_of_tokens(plain_model, family):
    vlm = load_vlm(plain_model(family))
    words = Attribute(name="x", answers=("red", "blue"), words={"red": ("red",), "blue": ("blue",)})
    sizes = {"small": (32, 32), "large": (96, 64)}
    asked_of = Asked(
        vlm=vlm,
        open_image=lambda key: Image.new("RGB", sizes[key]),
        trees={QUESTION: vlm.answer_tree(QUESTION, words)},
    )
    swap = Swap(
        pair_id="p", question=QUESTION, recipient="small", donor="large", towards="red", away="blue"
    )
    with pytest.raises(UserError, match=r"'small' and 'large' do not .*: pair images of one size"):
        begun(asked_of, [swap])


def test_an_image_beside_the_text_has_no_positions(causes, plain_model, pictures, tmp_path):
    ended = causes(*asked(plain_model("mllama"), pictures, tmp_path / "run"))
    assert (
        "MllamaForConditionalGeneration has no image positions whose rows could be swapped: its "
        "image is looked at by cross attention" in ended.refusal
    )
    assert not (tmp_path / "run" / "causes").exists()


def cut_short(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:100])


def lose_rows(file: Path) -> None:
    edit_sealed_tensors(file, lambda held: {name: each[:-1] for name, each in held.items()})


def lose_an_array(file: Path) -> None:
    edit_sealed_tensors(file, lambda held: {name: held[name] for name in sorted(held)[:-1]})


@pytest.mark.parametrize("damage", [cut_short, lose_rows, lose_an_array])
@pytest.mark.parametrize("name", ["pairs", "directions"])
def test_a_damaged_file_is_named(causes, swapped, answering_llava, pictures, name, damage):
    (file,) = (swapped / "causes").glob(f"label-*/{name}*.safetensors")
    damage(file)
    refusal = causes(*asked(answering_llava, pictures, swapped)).refusal
    assert str(file) in refusal
    assert refusal.endswith("delete it and run again")


def test_a_damaged_part_is_named(causes, swapped, answering_llava, pictures):
    (file,) = (swapped / "causes").glob("label-*/pairs.safetensors")
    part = file.with_name("pairs.000000-10.part")
    file.rename(part)
    cut_short(part)
    assert f"{part} is damaged" in causes(*asked(answering_llava, pictures, swapped)).refusal


def test_a_file_in_the_place_of_the_folder(causes, swapped, answering_llava, pictures):
    shutil.rmtree(swapped / "causes")
    (swapped / "causes").write_text("in the way")
    assert "cannot make the folder" in causes(*asked(answering_llava, pictures, swapped)).refusal


def test_damaged_results_are_named(causes, swapped, answering_llava, pictures):
    (swapped / "results.json").write_text("{")
    refusal = causes(*asked(answering_llava, pictures, swapped)).refusal
    assert f"{swapped / 'results.json'} is damaged" in refusal


def test_a_run_of_another_model(causes, swapped, plain_model, pictures):
    refusal = causes(*asked(plain_model("qwen2_vl"), pictures, swapped)).refusal
    assert "--run" in refusal


def test_the_fewest_pairs_are_enough_or_refused_before_the_model_works(
    causes, plain_model, tmp_path
):
    """Of minimal pairs both images are of one scene, so these are 10 scenes for a probe."""
    ended = causes(
        "--model", plain_model("llava"), "--attr", "material", "--most", "10", "--quick",
        "--n-resamples", "800", "--level", "0.8", "--run", tmp_path / "run",
    )  # fmt: skip
    if ended.code == 2:
        assert not list(tmp_path.rglob("*.safetensors"))
    else:
        assert (ended.code, ended.err) == (0, "")
