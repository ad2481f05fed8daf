"""What a user may get wrong: one line, code 2, and nothing half made. What is missing is listed."""

import json
import os
import stat

import pytest

from paper.output.latex import what_matters
from tests.paper.conftest import files_of, needs_tex
from tests.paper.made_up import few_studies, results, write_run
from tests.sealed import edit_sealed, unsealed


def edited(folder, change) -> None:
    edit_sealed(folder / "results.json", change)


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path / "run", few_studies(results(tmp_path / "run")))


def test_no_run(refused, tmp_path):
    assert "name at least one run folder" in refused()
    assert "is no finished run, it has no results.json" in refused(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    assert "run python -m analysis.emergence" in refused(tmp_path / "empty")


def test_a_run_whose_record_is_a_pipe_is_not_waited_for(refused, run):
    (run / "identity.json").unlink()
    os.mkfifo(run / "identity.json")
    assert "identity.json: It is no file" in refused(run)


def test_a_run_named_twice_and_a_report_inside_its_run(refused, run):
    assert "is named twice" in refused(run, run.parent / "." / "run")
    assert "is a run: choose another folder with --out" in refused(run, "--out", run)
    for place in (run / "report", run / "readouts" / ".." / "deep" / "er"):
        assert "lies in the run run: choose another" in refused(run, "--out", place)


@pytest.mark.parametrize("name", ["study_hash", "model_revision", "data_fingerprint"])
def test_results_of_another_study(refused, run, tmp_path, name):
    edited(run, lambda content: content.update({name: "f" * 64}))
    message = refused(run, "--out", tmp_path / "out")
    assert f"results.json does not belong to this run: {name} is ffff" in message
    assert not files_of(tmp_path / "out")


def test_a_study_of_another_study(refused, run, tmp_path):
    edited(run, lambda content: content["studies"]["tuned_lens"].update(study_hash="f" * 64))
    assert "study tuned_lens in " in refused(run, "--out", tmp_path / "out")


def test_a_run_of_another_version_is_refused_with_the_reason(refused, run, tmp_path):
    file = run / "identity.json"
    identity = unsealed(file)
    del identity["format"]
    file.write_text(json.dumps(identity))
    message = refused(run, "--out", tmp_path / "out")
    assert "has another format (an earlier one, now " in message
    assert "by their first token" in message
    assert not files_of(tmp_path / "out")


def test_a_study_file_that_was_edited_afterwards(refused, run, tmp_path):
    file = run / "study.toml"
    file.write_text(file.read_text().replace("margin = 0.05", "margin = 0.01"))
    message = refused(run, "--out", tmp_path / "out")
    assert "was edited after the study was run: margin is 0.01, identity.json says 0.05" in message


@pytest.mark.parametrize("name", ["results.json", "identity.json", "study.toml"])
def test_a_damaged_file(refused, run, tmp_path, name):
    (run / name).write_text("{")
    assert name in refused(run, "--out", tmp_path / "out")


def test_a_run_without_findings(refused, run, tmp_path):
    edited(run, lambda content: content.update(attributes={}))
    assert "holds no finding yet" in refused(run, "--out", tmp_path / "out")


def test_a_folder_that_cannot_be_written(refused, run, tmp_path):
    (tmp_path / "file").write_text("")
    assert "cannot make the folder" in refused(run, "--out", tmp_path / "file")
    assert "cannot make the folder" in refused(run, "--out", tmp_path / "file" / "below")


def test_an_epoch_that_is_no_time(refused, run, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    assert "SOURCE_DATE_EPOCH must be seconds since 1970" in refused(run)


def test_missing_studies_are_listed_and_the_rest_is_built(run, tmp_path, paper_build, without_tex):
    def bare(content):
        content["studies"] = {}
        content["attributes"] = {
            "color": {
                "readouts": {"logit_lens": content["attributes"]["color"]["readouts"]["logit_lens"]}
            }
        }

    edited(run, bare)
    out = tmp_path / "out"
    arguments = [run, "--out", out, "--validation", tmp_path / "none.json"]
    ended = paper_build(*arguments)
    assert ended.code == 0, ended.err
    for study in ("worlds", "order", "probes", "tuned_lens", "confusion", "trajectory", "examples"):
        line = f"not in {run}: {study} (python -m analysis.{study}"
        assert line in ended.out
    assert "not shown: validation of the statistics" in ended.out
    page = (out / "report.html").read_text()
    said = "worlds, order, readouts, ladder, probes, tuned lens, confusion, trajectory and examples"
    assert said in page
    assert "it was not studied in this run" in page
    assert paper_build(*arguments, "--check").code == 0
    complete = paper_build(*arguments, "--check", "--complete")
    assert complete.code == 1
    assert "not in " in complete.out
    assert "validation" not in complete.out


def test_a_run_of_another_version(run, tmp_path, paper_build, without_tex):
    def older(content):
        content["versions"]["onset"] = "0.0.1"
        for row in content["studies"]["probes"]["answer"]["color"]["layers"]:
            del row["selectivity"]
        content["studies"]["order"]["estimates"] = [1, 2]

    edited(run, older)
    ended = paper_build(run, "--out", tmp_path / "out")
    assert ended.code == 0, ended.err
    assert "was made by onset 0.0.1, this is " in ended.out
    assert "left out: probes of " in ended.out
    assert "layers/0/selectivity: Field required" in ended.out
    assert "left out: order of " in ended.out
    assert not list((tmp_path / "out" / "figures").glob("run-probes*"))


def test_findings_of_another_shape(refused, run, tmp_path):
    def older(content):
        for found in content["attributes"].values():
            del found["readouts"]["logit_lens"]["plateau"]

    edited(run, older)
    message = refused(run, "--out", tmp_path / "out")
    assert f"{run / 'results.json'} is damaged or of another version" in message
    assert "(attributes/color/readouts/logit_lens/plateau: Field required)" in message


def test_studies_by_position(run, tmp_path, paper_build, without_tex):
    def by_position(content):
        studies = content["studies"]
        probed = studies["probes"]["answer"]
        studies["probes"] = {"image": probed, "answer": probed}
        judged = studies["tuned_lens"]["positions"]
        judged["text"] = judged["answer"]

    edited(run, by_position)
    ended = paper_build(run, "--out", tmp_path / "out")
    assert ended.code == 0, ended.err
    assert "left out" not in ended.out
    figures = tmp_path / "out" / "figures"
    assert (figures / "run-probes-answer.pdf").exists()
    assert (figures / "run-probes-image.pdf").exists()


def test_an_image_outside_of_the_run(refused, run, tmp_path):
    (tmp_path / "secret.png").write_bytes(b"x")
    for name in ("../secret.png", str(tmp_path / "secret.png")):
        edited(run, lambda c, name=name: c["studies"]["examples"]["items"][0].update(image=name))
        assert "lies outside its run" in refused(run, "--out", tmp_path / "out")
    (run / "examples" / "item-0.png").write_bytes(b"no image")
    edited(run, lambda c: c["studies"]["examples"]["items"][0].update(image="examples/item-0.png"))
    assert "cannot read the example image" in refused(run, "--out", tmp_path / "out")


def test_without_tex_everything_but_the_pdf_is_built(run, tmp_path, paper_build, without_tex):
    ended = paper_build(run, "--out", tmp_path / "out")
    assert ended.code == 0
    (line,) = [line for line in ended.out.splitlines() if "TeX" in line]
    assert line.startswith("no paper.pdf, TeX is not installed: apt-get install ")
    names = files_of(tmp_path / "out")
    assert "paper.pdf" not in names
    assert {"report.html", "values.json", "paper.tex", "figures/run-effect.pdf"} <= set(names)


@needs_tex
def test_when_tex_is_installed_later_the_pdf_is_missing(run, tmp_path, paper_build):
    with pytest.MonkeyPatch.context() as patched:
        for module in ("paper.manifest", "paper.assemble"):
            patched.setattr(f"{module}.tex_version", lambda: None)
        paper_build(run, "--out", tmp_path / "out")
    ended = paper_build(run, "--out", tmp_path / "out", "--check")
    assert (ended.code, ended.out) == (1, "stale: paper.pdf (TeX changed)\n")


@pytest.fixture
def failing_latexmk(tmp_path, monkeypatch):
    """A latexmk that leaves this log and fails."""

    def install(log: str, shown: str = "") -> None:
        folder = tmp_path / "bin"
        folder.mkdir()
        (folder / "latexmk").write_text(
            f"#!/bin/sh\ncat > paper.log <<'LOG'\n{log}\nLOG\necho '{shown}'\nexit 12\n"
        )
        (folder / "latexmk").chmod(stat.S_IRWXU)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    return install


@needs_tex
def test_latexmk_failing_gives_the_line_that_matters(refused, run, tmp_path, failing_latexmk):
    noise = "\n".join(f"(/usr/share/texmf/file{n}.sty)" for n in range(400))
    failing_latexmk(f"{noise}\n./text/limits.tex:7: Undefined control sequence.\nl.7 \\oops\n")
    message = refused(run, "--out", tmp_path / "out")
    assert message == (
        "latexmk failed: text/limits.tex, line 7: Undefined control sequence. at \\oops"
    )
    assert not files_of(tmp_path / "out")


def test_the_line_that_matters_in_other_logs():
    assert what_matters("! Emergency stop.\n", "") == "Emergency stop."
    assert what_matters("", "Latexmk: x\nI couldn't open database file refs.bib: not found\n") == (
        "I couldn't open database file refs.bib: not found"
    )
    assert what_matters("", "") == "it said nothing"


def test_a_key_that_does_not_exist_is_named(refused, run, tmp_path, monkeypatch):
    monkeypatch.setattr("paper.sections.emergence._TEXT", r"It is \val{color.shade}.")
    message = refused(run, "--out", tmp_path / "out")
    assert r"asks for \val{color.shade}, which no section makes for run 'run'" in message


def test_a_number_in_a_section_is_refused(refused, run, tmp_path, monkeypatch):
    monkeypatch.setattr("paper.sections.emergence._TEXT", "It is layer 3.")
    assert "the number '3.' is typed by hand" in refused(run, "--out", tmp_path / "out")


def test_two_runs_in_one_paper(tmp_path, paper_build, without_tex):
    one = write_run(tmp_path / "one", few_studies(results(tmp_path / "one")))
    content = results(tmp_path / "two")
    content["model"], content["studies"] = "some/Other_VLM-7B", {}
    del content["attributes"]["count"]
    two = write_run(tmp_path / "two", content)
    ended = paper_build(one, two, "--out", tmp_path / "out")
    assert ended.code == 0, ended.err
    page = (tmp_path / "out" / "report.html").read_text()
    for name in ("the bundled model", "Other_VLM-7B"):
        heading = f'Results: <span class="val" title="model-name">{name}</span>'
        assert page.count(heading) == 2  # in the contents and above the section
    values = {
        each["key"]: each for each in json.loads((tmp_path / "out" / "values.json").read_text())
    }
    assert values["a:readout"]["run"] == "one"
    assert values["b:readout"]["run"] == "two"
    assert values["all:level"]["value"] == "95%"
    assert values["all:attributes"]["value"] == (
        "color, shape, material, size and count (the bundled model) and color, shape, material "
        "and size (Other_VLM-7B)"
    )
    assert values["all:summary"]["of"] == ["a:summary", "b:summary"]


def test_help_names_what_there_is(paper_build):
    ended = paper_build("--help")
    assert ended.code == 0
    for word in ("--out", "--check", "--complete", "--format", "--validation"):
        assert word in ended.out
