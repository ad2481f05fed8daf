"""The command on every kind of data beside a CLEVR folder, from end to end."""

import json
import shutil

import pandas as pd
import pytest
from PIL import Image

from analysis.run.tables import read_parts
from analysis.schema import results_schema
from tests.analysis.conftest import results_of
from tests.data_prep.files.test_archive import zipped
from tests.data_prep.photographs.made_up import many_coco, picture, write_hub, write_images
from tests.schemas import require_valid

# Words that the small tokenizer knows as one token, so that they can be told apart.
LABELS = ["red", "metal_", "Ball"]


@pytest.fixture
def asked(model_folder, tmp_path) -> list[str]:
    """Arguments of a study that takes a second, but for its data."""
    return [
        *("--model", str(model_folder), "--min-scenes-per-text", "5", "--n-resamples", "800"),
        *("--run", str(tmp_path / "run")),
    ]


@pytest.fixture
def folder(tmp_path):
    return write_images(tmp_path / "Red_kites", LABELS, 8)


def finding(run, name, readout="logit_lens"):
    return results_of(run)["attributes"][name]["readouts"][readout]


def test_an_image_folder_with_every_readout(emergence, asked, tmp_path):
    run, folder = tmp_path / "run", write_images(tmp_path / "Red_kites", LABELS, 20)
    ended = emergence([*asked, "--data", f"images:{folder}", "--readout", "all"])
    assert (ended.code, ended.err) == (0, "")
    results = results_of(run)
    require_valid(results, results_schema)
    assert results["data"] == "images:Red_kites"
    assert list(results["attributes"]) == ["label"]
    for readout in ("logit_lens", "tuned_lens", "linear_probe"):
        found = finding(run, "label", readout)
        assert found["answers"] == {"Ball": 20, "metal_": 20, "red": 20}
        assert found["n_texts"] == 1
    assert "on the answer positions of label" in finding(run, "label", "tuned_lens")["notes"][1]
    # Once more, from what is there.
    assert emergence([*asked, "--data", f"images:{folder}", "--readout", "all"]) == ended


def test_a_csv_with_own_texts(emergence, asked, folder, tmp_path):
    names = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*.png"))]
    rows = [f"{name},{['red', 'blue'][n % 2]},{['cube', 'ball'][n // 2 % 2]}"
            for n, name in enumerate(names)]  # fmt: skip
    (tmp_path / "a.csv").write_text("\n".join(["path,color,kind 2", *rows]))
    data = ["--data", f"images:{folder}:{tmp_path / 'a.csv'}"]
    ask = ["--ask", "color=What color is it, 50% & <b>_x?", "kind_2=Which kind?"]
    assert emergence([*asked, *data, *ask, "--attr", "all"]).code == 0
    items = pd.read_parquet(tmp_path / "run" / "items.parquet")
    assert set(items["question"]) == {"What color is it, 50% & <b>_x?", "Which kind?"}
    # A column named as one of CLEVR's attributes has its own answers all the same.
    assert finding(tmp_path / "run", "color")["answers"] == {"blue": 12, "red": 12}
    assert list(results_of(tmp_path / "run")["attributes"]) == ["color", "kind_2"]


def test_a_contrast(emergence, asked, folder, tmp_path):
    other = write_images(tmp_path / "other", [""], 12, first=500)
    arguments = [*asked, "--data", f"images:{folder}", "--contrast", other, "--attr", "shown"]
    assert emergence(arguments).code == 0
    assert finding(tmp_path / "run", "shown")["answers"] == {"yes": 24, "no": 12}


def test_coco(emergence, asked, tmp_path):
    coco = many_coco(tmp_path / "coco", 60)
    names = ["--attr", "object", "presence", "place"]
    ended = emergence([*asked, "--data", f"coco:{coco}", *names, "--negatives", "adversarial"])
    assert (ended.code, ended.err) == (0, "")
    found = finding(tmp_path / "run", "place")
    assert found["answers"] == {"kitchen": 20, "beach": 20}
    note = "scenes that are not asked: 20 (captions do not agree on an answer)"
    assert found["notes"][-1] == note
    assert f"note: {note}" in ended.out
    assert set(finding(tmp_path / "run", "presence")["answers"]) == {"yes", "no"}
    assert finding(tmp_path / "run", "object")["notes"], "split words are said"


def test_a_data_set_of_the_hub(emergence, asked, tmp_path, monkeypatch):
    monkeypatch.setenv("ONSET_CACHE", str(tmp_path / "cache"))
    data = ["--data", f"hub:{write_hub(tmp_path / 'birds', 40)}", "--scenes", "30"]
    columns = ["--columns", "image=img", "size=size", "born=year"]
    assert emergence([*asked, *data, *columns, "--attr", "size"]).code == 0
    assert finding(tmp_path / "run", "size")["answers"] == {"large": 15, "small": 15}
    assert len(list(tmp_path.glob("cache/hub/*/0*"))) == 30


def test_an_archive_of_clevr(emergence, small, clevr, tmp_path):
    file = zipped(clevr, tmp_path / "CLEVR_v1.0.zip")
    runs = []
    for data in (clevr, file):
        run = tmp_path / f"of-{data.name}"
        arguments = [*small, "--data", f"clevr:{data}", "--attr", "size", "--run", run]
        assert emergence(arguments).code == 0
        runs.append(results_of(run)["attributes"])
    assert runs[0] == runs[1]


def test_no_answer_is_left_out_for_its_tokens(emergence, asked, tmp_path):
    # "zzz" and "zzzz" are spelled letter by letter, and one is the beginning of the other.
    folder = write_images(tmp_path / "a", ["red", "blue", "zzz", "zzzz"], 8)
    assert emergence([*asked, "--data", f"images:{folder}"]).code == 0
    found = finding(tmp_path / "run", "label")
    assert found["answers"] == {"blue": 8, "red": 8, "zzz": 8, "zzzz": 8}
    (note,) = (note for note in found["notes"] if "spellings" in note)
    assert note.startswith("8 spellings of 4 answers, read at ")


def test_an_answer_of_many_tokens_is_one_line(refused, asked, tmp_path):
    folder = write_images(tmp_path / "a", ["red", "z" * 20], 8)
    message = refused([*asked, "--data", f"images:{folder}"])
    assert message.startswith("a spelling may have at most 12 tokens, got ")
    assert not list((tmp_path / "run").rglob("*.safetensors"))


def test_a_label_that_holds_a_control_token_is_one_line(refused, asked, tmp_path):
    folder = write_images(tmp_path / "a", ["red", "<s>"], 8)
    message = refused([*asked, "--data", f"images:{folder}"])
    assert message.startswith("a spelling must not hold a control token, got '<s>' in ")


def break_images(folder, n):
    """Truncates some, in the order of their names."""
    broken = sorted(folder.rglob("*.png"))[:n]
    for path in broken:
        path.write_bytes(path.read_bytes()[:60])
    return [path.relative_to(folder).as_posix() for path in broken]


def test_broken_images_are_named_before_any_model_work(refused, emergence, asked, folder, tmp_path):
    names = break_images(folder, 5)
    # A model that is not there: nothing may ask for it before the images are looked at.
    data = ["--data", f"images:{folder}"]
    message = refused([*asked, *data])
    shown = ", ".join(map(repr, names[:3]))
    assert message.startswith(f"5 of 24 images cannot be used, {shown} and 2 more: image ")
    assert message.endswith("replace it, or leave it out with --skip-broken")
    assert not list((tmp_path / "run").rglob("*.safetensors"))
    other = ["--run", tmp_path / "other", "--skip-broken", "--min-scenes-per-answer", "3"]
    assert emergence([*asked, *data, *other]).code == 0
    found = finding(tmp_path / "other", "label")
    assert found["answers"] == {"Ball": 3, "metal_": 8, "red": 8}
    assert found["notes"][-1] == "scenes that are not asked: 5 (image cannot be read)"


def test_broken_images_of_clevr_can_be_skipped_too(emergence, small, clevr, tmp_path):
    folder = shutil.copytree(clevr, tmp_path / "clevr")
    path = folder / "images" / "val" / "CLEVR_val_000003.png"
    path.write_bytes(path.read_bytes()[:60])
    run = tmp_path / "run"
    arguments = [*small, "--data", f"clevr:{folder}", "--attr", "count", "size", "--run", run]
    assert emergence([*arguments, "--skip-broken"]).code == 0
    for name in ("count", "size"):
        note = "scenes that are not asked: 1 (image cannot be read)"
        assert note in finding(run, name)["notes"]
    items = read_parts(run / "items.parquet")
    assert items is not None
    assert "CLEVR_val_000003" not in set(items["scene_id"])
    assert items.attrs["skipped"]["size"]["image cannot be read"] == 1


def test_all_images_broken(refused, asked, folder):
    break_images(folder, 24)
    assert "24 of 24 images cannot be used" in refused(
        [*asked, "--data", f"images:{folder}", "--skip-broken"]
    )


def test_images_of_all_kinds_in_one_folder(emergence, asked, folder):
    image = picture(7)
    exif = Image.Exif()
    exif[0x0112] = 6
    for place, (mode, ending) in enumerate(
        [("L", "tif"), ("CMYK", "jpg"), ("RGBA", "webp"), ("P", "gif"), ("1", "bmp")]
    ):
        image.convert(mode).save(folder / "red" / f"{place}.{ending}")
    image.save(folder / "red" / "turned.JPEG", exif=exif)
    assert emergence([*asked, "--data", f"images:{folder}"]).code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--attr", "lable"], "unknown attribute 'lable': choose from label"),
        (["--attr"], "--attr needs at least one of label, or all"),
        (["--lens-attributes", "color"], "unknown attribute 'color': choose from label"),
        (["--ask", "kind=What?"], "ask must name attributes of the data, got 'kind'"),
        (["--min-scenes-per-answer", "9"], "(answer occurs too rarely: 24 scenes): give more"),
        (["--scenes", "8"], "need at least 10 scenes, got 8"),
        (["--scenes", "25"], "images:Red_kites has 24 scenes, got --scenes 25"),
    ],
)
def test_bad_arguments_are_one_line(refused, asked, folder, tmp_path, arguments, message):
    assert message in refused([*asked, "--data", f"images:{folder}", *arguments])
    assert not list(tmp_path.rglob("*.safetensors"))


def test_the_other_commands(asked, tmp_path, capsys):
    from analysis.commands.options import parse_options
    from analysis.examples import __main__ as examples
    from analysis.model_card import __main__ as model_card
    from analysis.probes import __main__ as probes
    from data_prep.errors import UserError

    folder = write_images(tmp_path / "Red_kites", LABELS, 20)
    arguments = [*asked, "--data", f"images:{folder}"]
    probes.main(parse_options(probes.Probes, command="probes", arguments=arguments))
    left_out = results_of(tmp_path / "run")["studies"]["probes"]["answer"]["label"]["left_out"]
    assert any("does not say where the object of a question lies" in why for why in left_out)
    examples.main(parse_options(examples.Examples, command="examples", arguments=arguments))
    with Image.open(tmp_path / "run" / "examples" / "label-0.png") as image:
        assert image.size == (12, 9)
    at = parse_options(
        probes.Probes, command="probes", arguments=[*arguments, "--position", "object"]
    )
    with pytest.raises(UserError, match="does not say where the object of a question lies"):
        probes.main(at)
    with pytest.raises(UserError, match="images:Red_kites does not say"):
        model_card.main(model_card.ModelCard(data=f"images:{folder}"))


def test_the_plan_says_what_was_asked(emergence, asked, folder, tmp_path):
    """A run's own study file leads to the same run, texts by name included."""
    ask = ["--ask", 'label=What "is" this?']
    assert emergence([*asked, "--data", f"images:{folder}", *ask]).code == 0
    study = tmp_path / "run" / "study.toml"
    before = json.loads((tmp_path / "run" / "identity.json").read_text())
    assert emergence(["--study", study, "--run", tmp_path / "run"]).code == 0
    assert json.loads((tmp_path / "run" / "identity.json").read_text()) == before
    assert before["plan"]["ask"] == {"label": 'What "is" this?'}
