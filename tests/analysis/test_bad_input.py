"""What the command refuses: one line that names the fault, code 2, and nothing half written."""

import resource
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM

import probes.loading.load
from probes.unembedding import GateError
from tests.analysis.conftest import command, files_of
from tests.data_prep.clevr_folder import edit_json
from tests.sealed import edit_sealed


@pytest.fixture
def folder(clevr, tmp_path) -> Path:
    """A copy of the scenes, to damage."""
    return shutil.copytree(clevr, tmp_path / "clevr")


def on(folder: Path, small: list[str]) -> list[str]:
    return [*small, "--data", f"clevr:{folder}", "--attr", "size"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--attr", "colour"], "unknown attribute 'colour': choose from color, shape"),
        (["--attr"], "--attr needs at least one of color, shape"),
        (["--model", "/no/such/folder"], "no model folder /no/such/folder: give an existing"),
        (["--model", "no/such-model"], "cannot get the configuration of no/such-model"),
        (["--model", "no such model"], "no model folder no such model: give an existing folder"),
        (["--data", "clevr:/no/such"], "no folder '/no/such': give the one that holds images/"),
        (["--data", "coco"], "unknown data 'coco': choose bundled or clevr:FOLDER"),
        (["--no-such-option"], "Unrecognized options: --no-such-option: see python -m analysis"),
        (["--scenes", "many"], "--scenes: no type matching {None}|INT|{all} could be instantiated"),
        (["--plateau", "3"], "--plateau: no type matching"),
        (["--scenes", "0"], "scenes must be at least 1, or all, got 0"),
        (["--scenes", "61"], "has 60 scenes, got --scenes 61: ask for fewer"),
        (["--level", "1"], "level must lie between 0 and 1, got 1.0"),
        (["--margin", "nan"], "margin must lie between 0 and 1, got nan"),
        (["--n-resamples", "10"], "n_resamples must be at least 800 for level 0.95, got 10"),
        (["--horizon", "0"], "horizon must be at least 1, got 0"),
        (["--horizon", "4"], "horizon must be a layer of the model, 1 to 3, got 4"),
        (["--plateau", "3", "2"], "plateau must be its first and last layer, got [3, 2]"),
        (["--plateau", "3", "4"], "plateau must end by layer 3"),
        (["--dtype", "float8"], "unknown dtype 'float8': choose from float32"),
        (["--device", "abacus"], "device 'abacus' cannot be used here"),
        (["--revision", "main"], "a folder has no revisions, got revision 'main'"),
        (["--min-scenes-per-text", "61"], "need at least 1 scene that can be asked for size"),
        (["--scenes", "9", "--min-scenes-per-text", "1"], "need at least 10 scenes, got 9"),
        (["--run", "x" * 300], "cannot use the run folder xxx"),
        (["--study", "/no/such.toml"], "cannot read the study file /no/such.toml"),
        (["--study"], "--study"),
        (["--data", "coco:"], "unknown data 'coco:': choose bundled or clevr:FOLDER"),
        (["--data", "images:/no/such"], "no folder '/no/such': give the one that holds the images"),
        (["--data", "hub:/no/such"], "no folder '/no/such': give one with parquet files"),
        (["--contrast", "x"], "contrast is for data of the kind images, got clevr: leave it out"),
        (["--columns", "image=x"], "columns is for data of the kind hub, got clevr"),
        (["--ask", "size=How large?"], "ask is for data of the kind coco or images or hub"),
        (["--ask", "label"], "--ask: write NAME=TEXT, got 'label'"),
        (["--ask", "a=b", "a=c"], "--ask: a name stands twice in a=b a=c"),
        (["--negatives", "hard"], "--negatives"),
    ],
)
def test_arguments(refused, small, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert message in refused([*small, "--attr", "size", *arguments])
    # A run may have begun; then it can go on.
    assert not list(tmp_path.rglob("*.writing"))
    assert not list(tmp_path.rglob("*.safetensors")), "refused before the model worked"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("modle = 'x'", "unknown key 'modle' in "),
        ("seed = ", "is not valid TOML"),
        ("seed = 'zero'", "must be a whole number, got 'zero'"),
        ("seed = true", "must be a whole number, got True"),
        ("seed = 1.5", "must be a whole number, got 1.5"),
        ("model = 3", "must be text, got 3"),
        ("plateau = [1]", "must be a list of 2 numbers, got [1]"),
        ("questions = 'none'", "must be one of referring, main, all, foremost, got 'none'"),
        ("plateau = [1, 2, 3]", "must be a list of 2 numbers, got [1, 2, 3]"),
        ("margin = 'small'", "must be a number, got 'small'"),
        ("quantize = 5", "must be one of 4, 8, got 5"),
        ("seed = 2026-11-28", "must be a whole number, got datetime.date"),
        ("lens_attributes = [1]", "must be a list of texts, got [1]"),
        ("level = 2", "level must lie between 0 and 1, got 2.0"),
        ("swaps = 0", "swaps must be at least 1, got 0"),
        ("min_scenes_per_answer = 0", "min_scenes_per_answer must be at least 1, got 0"),
        ("negatives = 'easy'", "must be one of random, popular, adversarial, got 'easy'"),
        ("skip_broken = 1", "must be true or false, got 1"),
        ("ask = 'What?'", """must be like {name = "text"}, got 'What?'"""),
        ("columns = {kind = 3}", """must be like {name = "text"}, got {'kind': 3}"""),
    ],
)
def test_study_files(refused, tmp_path, text, message):
    file = tmp_path / "study.toml"
    file.write_text(text)
    assert message in refused(["--study", file])


def test_missing_images(refused, small, folder):
    (folder / "images" / "val" / "CLEVR_val_000003.png").unlink()
    assert "1 of 60 missing, first 'CLEVR_val_000003.png'" in refused(on(folder, small))


def test_a_damaged_image_is_named_and_nothing_is_lost(emergence, refused, small, folder, tmp_path):
    image = folder / "images" / "val" / "CLEVR_val_000003.png"
    content = image.read_bytes()
    # Of the same length and end, so that only reading it tells.
    image.write_bytes(b"?" * (len(content) - 64) + content[-64:])
    run = ["--run", tmp_path / "run"]
    assert "image 'CLEVR_val_000003.png' cannot be read" in refused([*on(folder, small), *run])
    image.write_bytes(content)
    assert emergence([*on(folder, small), *run]).code == 0


def test_broken_json(refused, small, folder):
    (folder / "scenes" / "CLEVR_val_scenes.json").write_text('{"scenes": [')
    assert "must be JSON, got a broken file" in refused(on(folder, small))


def test_an_image_name_that_leaves_the_folder(refused, small, folder):
    edit_json(folder, "scenes", lambda r: r[0].update(image_filename="../../secret.png"))
    assert "an image must lie inside" in refused(on(folder, small))


def test_scenes_without_a_unique_referent(refused, small, folder):
    def twins(records):
        for record in records:
            record["objects"] = [record["objects"][0], record["objects"][0]]

    edit_json(folder, "scenes", twins)
    assert "no unique referent: 60 scenes" in refused(on(folder, small))


def test_one_answer_only(refused, small, folder):
    def all_large(records):
        for record in records:
            for thing in record["objects"]:
                thing["size"] = "large"

    edit_json(folder, "scenes", all_large)
    assert "need at least 2 different answers, every item's is 'large'" in refused(
        on(folder, small)
    )


def test_a_model_without_image_input(refused, small, tokenizer, tmp_path):
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
    )
    LlamaForCausalLM(config).save_pretrained(tmp_path / "llama")
    tokenizer.save_pretrained(tmp_path / "llama")
    message = refused([*small, "--model", tmp_path / "llama", "--run", tmp_path / "run"])
    assert "(llama) is no vision-language model, it takes no image" in message


def test_a_failure_at_the_gate(refused, small, tmp_path, monkeypatch):
    def closed(vlm, gate):
        raise GateError("the head differs")

    monkeypatch.setattr(probes.loading.load, "check_gate", closed)
    assert refused([*small, "--run", tmp_path / "run"]) == "the head differs"
    assert not (tmp_path / "run" / "residuals").exists()


def test_a_residual_that_is_not_finite(refused, small, model_folder, tokenizer, tmp_path):
    folder = shutil.copytree(model_folder, tmp_path / "model")
    weights = load_file(folder / "model.safetensors")
    (table,) = (name for name in weights if "embed_tokens" in name)
    # In some questions only, so that the gate does not meet it.
    weights[table][tokenizer.encode(" rubber")[0]] = torch.nan
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    arguments = [*small, "--model", folder, "--attr", "size", "--run", tmp_path / "run"]
    message = refused(arguments)
    assert "residuals must be finite, got nan for item real:CLEVR_val_0000" in message
    # The answer position sees the word from the first block on.
    assert "/size/referring at layer 1: " in message
    assert not list(tmp_path.rglob("run/residuals/**/*.safetensors"))


@pytest.fixture
def finished(emergence, small, tmp_path) -> list[str]:
    """Arguments of a run that is complete up to its residuals."""
    arguments = [*small, "--attr", "size", "--run", str(tmp_path / "run")]
    assert emergence(arguments).code == 0
    (tmp_path / "run" / "results.json").unlink()
    (tmp_path / "run" / "readouts" / "logit_lens" / "size.safetensors").unlink()
    return arguments


def test_a_damaged_shard_and_how_it_is_remedied(emergence, refused, finished, tmp_path):
    shard = tmp_path / "run" / "residuals" / "size" / "answer" / "shard-00000.safetensors"
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(content)
    before = files_of(tmp_path / "run")
    message = refused(finished)
    assert f"{shard} is damaged or foreign" in message
    assert files_of(tmp_path / "run") == before
    shard.unlink()
    assert emergence(finished).code == 0


def test_a_foreign_shard(refused, finished, emergence, small, tmp_path):
    other = tmp_path / "other"
    emergence([*small, "--attr", "size", "--seed", "1", "--run", other])
    shard = Path("residuals") / "size" / "answer" / "shard-00000.safetensors"
    shutil.copy(other / shard, tmp_path / "run" / shard)
    assert "is damaged or foreign" in refused(finished)
    # With its manifest, so that the checksums agree: it was still made by another study.
    shutil.rmtree(tmp_path / "run" / "residuals")
    shutil.copytree(other / "residuals", tmp_path / "run" / "residuals")
    assert "was captured with another study_hash" in refused(finished)


def test_a_run_folder_of_another_study(refused, emergence, finished, tmp_path):
    emergence(finished)
    before = files_of(tmp_path / "run")
    message = refused([*finished, "--seed", "5"])
    assert "was made by another study (seed 0, now 5): choose another folder with --run" in message
    assert files_of(tmp_path / "run") == before


def test_damaged_files_of_a_run(refused, emergence, finished, tmp_path):
    emergence(finished)
    run = tmp_path / "run"
    for name in ("items.parquet/size.parquet", "readouts/logit_lens/size.json", "results.json"):
        (run / "results.json").unlink(missing_ok=True)
        whole = (run / name).read_bytes() if (run / name).exists() else None
        (run / name).write_bytes(b"{")
        message = refused(finished)
        assert f"{run / name} is damaged" in message or "size.safetensors is damaged" in message
        if whole is not None:
            (run / name).write_bytes(whole)


def test_results_of_another_study_are_not_shown(refused, emergence, finished, tmp_path):
    emergence(finished)
    file = tmp_path / "run" / "results.json"
    edit_sealed(file, lambda content: content.update(study_hash="0" * 64))
    assert "was made by another study: delete it" in refused(finished)


@pytest.mark.parametrize("limit", [150, 1000, 20_000])
def test_a_full_disk_keeps_what_is_whole(refused, emergence, small, tmp_path, limit):
    run = tmp_path / "run"
    arguments = [*small, "--attr", "size", "--run", run]
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    # No file may grow beyond: what a full disk is, to each writer in turn.
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, unlimited[1]))
    try:
        message = refused(arguments)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    assert "cannot write " in message
    assert "free space" in message
    assert all(len(content) <= limit for content in files_of(run).values())
    assert not list(run.rglob("*.writing"))
    assert emergence(arguments).code == 0


def test_as_a_process_it_ends_without_a_traceback(tmp_path):
    import subprocess

    ended = subprocess.run(
        command("--attr", "colour"), capture_output=True, text=True, cwd=Path.cwd()
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        "error: unknown attribute 'colour': choose from color, shape, material, size, count\n"
    )
