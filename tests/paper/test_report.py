"""The report of a run that holds every study: complete, traced, reproducible, in good order."""

import json
import re
import shutil
from html import escape
from html.parser import HTMLParser

import pytest

from data_prep.errors import UserError
from paper.output.latex import overfull, typeset
from paper.sections import all_sections
from tests.paper.conftest import files_of, needs_tex, pdf_words, shown_by
from tests.paper.made_up import few_studies, results, sha256, write_run
from tests.paper.made_up_studies import TOKENS
from tests.sealed import edit_sealed

pytestmark = needs_tex


@pytest.fixture(scope="module")
def project(built) -> dict[str, bytes]:
    """The LaTeX project that the report holds."""
    other = ("paper.pdf", "report.html", "values.json", "manifest.json")
    return {name: content for name, content in files_of(built).items() if name not in other}


def test_everything_is_there(built, record):
    files = files_of(built)
    for name in ("paper.pdf", "report.html", "values.json", "manifest.json", "paper.tex",
                 "refs.bib", "values.tex"):  # fmt: skip
        assert files[name], name
    for name in ("effect", "forest", "order", "conditions", "loudness", "ladder", "worlds",
                 "probes-answer", "tuned-lens", "example-a", "example-b"):  # fmt: skip
        assert files[f"figures/run-{name}.pdf"].startswith(b"%PDF"), name
        assert b"\\caption{" in files[f"figures/run-{name}.tex"]
    assert files["figures/validation-calibration.pdf"].startswith(b"%PDF")
    for section in all_sections():
        if section.about in ("comparison", "pooling"):
            continue  # of several runs: test_comparison.py, test_pooling.py
        if section.name == "remedies" and not section.holds(record):
            continue  # not of a run, but of what is bundled: test_remedies.py
        key = "run" if section.about == "run" else "validation"
        assert f"sections/{key}-{section.name}.tex" in files


def test_captions_say_level_scenes_and_unit(built):
    for name, unit in (("effect", "bits"), ("order", "layers"), ("probes-answer", "share"),
                       ("tuned-lens", "bits"), ("conditions", "bits"), ("loudness", "share"),
                       ("ladder", "share"), ("worlds", "share")):  # fmt: skip
        caption = (built / "figures" / f"run-{name}.tex").read_text()
        assert re.search(r"\d+ (test )?scenes", caption), name
        assert unit in caption, name
        assert "95\\%" in caption or name == "order", name
    for name in ("overview", "robustness", "conditions", "ladder"):
        caption = (built / "tables" / f"run-{name}.tex").read_text()
        assert "95\\%" in caption, name
        assert "scenes)" in caption or "scenes;" in caption, name


def test_the_pdf_is_small_its_fonts_embedded_its_boxes_full(built, project):
    assert (built / "paper.pdf").stat().st_size < 3e6
    fonts = shown_by("pdffonts", built / "paper.pdf").splitlines()[2:]
    assert len(fonts) > 3
    assert all(line.split()[-5:-2][0] == "yes" for line in fonts), fonts
    assert typeset(project, None).overfull == ()


def test_the_text_can_be_copied_and_holds_what_was_found(built):
    text = " ".join(pdf_words(built / "paper.pdf"))
    assert "color emerges at layer 3.4 of 6 (95% CI 3.2 to 3.7)" in text
    assert "count does not emerge by layer 6" in text
    assert "not for count" in text
    assert "shape emerges before color" in text
    assert "material is not distinguishable from shape" in text
    assert "between 2.8 and 4.1 for color" in text
    assert "The order given (color, then shape, then material) is not supported" in text
    assert "declared before looking (color" not in text
    # The words before may stand on another page.
    assert "from layer 3.9 (3.7 to 4.2). Its certainty is shown to fall again" in text
    assert "layer 10.1 (\u201clate\u201d, 95% CI 10.0 to 10.2)" in text
    assert "??" not in text


def test_tokens_of_any_kind_are_shown(built):
    page = (built / "report.html").read_text()
    text = " ".join(pdf_words(built / "paper.pdf"))
    assert "<script" not in page
    assert "What is the material of the 50% large_sphere?" in page
    assert "What is the material of the 50% large_sphere?" in text
    assert any("\u4e2d" in token for token in TOKENS)
    assert "U+4E2D" in text


@pytest.fixture
def changed(run_folder, tmp_path, paper_build, validation_file):
    """Builds the report of a run in which one thing was changed."""

    def build(change):
        run = tmp_path / "copy" / "run"
        shutil.copytree(run_folder, run)
        edit_sealed(run / "results.json", change)
        out = tmp_path / "changed"
        ended = paper_build(run, "--out", out, "--validation", validation_file)
        assert ended.code == 0, ended.err
        return out

    return build


def test_one_number_changes_where_it_stands_and_nowhere_else(built, changed):
    def change(content):
        row = content["attributes"]["shape"]["readouts"]["logit_lens"]["layers"][-1]
        assert row["correct"]["blank"] == 0.25
        row["correct"]["blank"] = 0.37

    out = changed(change)
    before, after = pdf_words(built / "paper.pdf"), pdf_words(out / "paper.pdf")
    assert len(before) == len(after)
    differing = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    # In the sentence on shape, and in the table of conditions.
    assert differing == [("25%", "37%")] * 2

    old, new = (
        {each["key"]: each for each in json.loads((folder / "values.json").read_text())}
        for folder in (built, out)
    )
    moved = [key for key in old if old[key]["value"] != new[key]["value"]]
    assert moved == ["run:shape.right-blank"]
    assert new[moved[0]]["value"] == "37%"
    assert new[moved[0]]["source"] == "results.json"
    assert new[moved[0]]["where"].endswith("shape/readouts/logit_lens/layers/-1/correct/blank")
    assert new[moved[0]]["sha256"] == sha256(out.parent / "copy" / "run" / "results.json")
    assert old[moved[0]]["sha256"] != new[moved[0]]["sha256"]


def test_wording_follows_the_result(changed):
    def change(content):
        color = content["attributes"]["color"]["readouts"]["logit_lens"]
        color["outcome"], color["lambda_half"] = "from_start", None
        shape = content["attributes"]["shape"]["readouts"]["logit_lens"]
        shape["outcome"], shape["lambda_half"] = "died", None
        material = content["attributes"]["material"]["readouts"]["logit_lens"]
        material |= {"lambda_half": None, "layer": None, "monotone": False}
        size = content["attributes"]["size"]["readouts"]["logit_lens"]
        size["omnibus_p_holm"], size["declines"] = 0.12, True
        for pair in content["studies"]["order"]["differences"]:
            pair["p_holm"] = 0.2

    text = " ".join(pdf_words(changed(change) / "paper.pdf"))
    assert "color is there from the start, at layer 0 already" in text
    assert "shape emerges and is lost again by layer 6" in text
    assert "shape is not distinguishable from color" in text
    assert "shape emerges before color" not in text
    assert "material emerges by a layer of its 95% forward-backward set, 2 to 3 of 6" in text
    assert "material emerges at layer" not in text
    assert "would not survive Holm\u2019s adjustment over the run (p = .120)" in text
    assert "It declines: of" in text
    assert "emerges, declines" in text


def test_the_same_bytes_in_any_folder(
    tmp_path, run_folder, paper_build, validation_file, drawn_anew, monkeypatch
):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    made = []
    for place in ("a", "some/where else/b"):
        run = tmp_path / place / "run"
        shutil.copytree(run_folder, run)
        out = tmp_path / place / "report"
        assert paper_build(run, "--out", out, "--validation", validation_file).code == 0
        made.append(files_of(out))
    assert made[0] == made[1]
    assert b"20231114" in made[0]["paper.pdf"]
    assert str(tmp_path).encode() not in b"".join(made[0].values())


def test_without_an_epoch_the_pdf_has_no_date(built):
    shown = shown_by("pdfinfo", built / "paper.pdf")
    assert "CreationDate" not in shown
    assert "Title:" in shown


def test_an_undefined_key_stops_tex_too_and_is_named(project):
    values = project["values.tex"].splitlines(keepends=True)
    less = b"".join(line for line in values if b"{run:shape.right}" not in line)
    with pytest.raises(UserError, match=r"latexmk failed: .*undefined value run:shape\.right"):
        typeset({**project, "values.tex": less}, None)


def test_an_undefined_reference_is_named(project):
    text = project["text/limits.tex"] + b"\\secref{nowhere}"
    with pytest.raises(UserError, match="refers to 'sec:nowhere'"):
        typeset({**project, "text/limits.tex": text}, None)


def test_a_box_that_stands_out_is_noticed(project):
    wide = b"\n\n\\noindent\\rule{6in}{1pt}\n"
    found = typeset({**project, "text/limits.tex": project["text/limits.tex"] + wide}, None)
    (line,) = found.overfull
    assert line.startswith("36.")
    assert line.endswith("near text/limits.tex")
    assert overfull("Overfull \\hbox (4.9pt too wide) in paragraph at lines 1--2\n") == ()


class _Structure(HTMLParser):
    """Tags and ids of a page, and whether everything opened is closed."""

    VOID = ("meta", "img")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.sources: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        own = dict(attrs)
        self.tags.append(tag)
        self.ids += [own["id"] or ""] if "id" in own else []
        self.links += [own["href"] or ""] if "href" in own else []
        self.sources += [own["src"] or ""] if "src" in own else []
        assert not {"style", "onclick", "onload"} & set(own)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_whole_and_asks_nobody_for_anything(built):
    page = (built / "report.html").read_text()
    found = _Structure(page)
    assert found.open == []
    assert "default-src 'none'" in page
    assert not {"script", "link", "iframe", "object", "form"} & set(found.tags)
    assert all(source.startswith("data:image/") for source in found.sources)
    assert len(found.ids) == len(set(found.ids))
    inner = [link[1:] for link in found.links if link.startswith("#")]
    assert set(inner) <= set(found.ids)
    assert all(link.startswith(("#", "https://")) for link in found.links)


def test_the_page_says_what_the_pdf_says(built):
    page = (built / "report.html").read_text()
    pdf = " ".join(pdf_words(built / "paper.pdf"))
    n_figures, n_tables = (len(re.findall(rf"<strong>{kind} \d+:", page))
                           for kind in ("Figure", "Table"))  # fmt: skip
    assert (n_figures, n_tables) == tuple(
        len(set(re.findall(rf"{kind} (\d+):", pdf))) for kind in ("Figure", "Table")
    )
    numbers = re.findall(r'<h[23] id="s-([\w.]+)">', page)
    assert numbers[:3] == ["1", "2", "3"]
    assert "4.1" in numbers
    assert numbers[-1] == "D"
    for each in json.loads((built / "values.json").read_text()):
        if "\u00a0" not in each["value"] and re.search(
            rf'title="{each["key"].split(":")[1]}"', page
        ):
            assert escape(each["value"]) in page


def test_text_is_escaped_in_the_page(tmp_path, paper_build, without_tex):
    content = few_studies(results(tmp_path / "run"))
    content["model"] = "evil/<img src=x onerror=alert(1)>&\"'"
    run = write_run(tmp_path / "run", content)
    assert paper_build(run, "--out", tmp_path / "out").code == 0
    page = (tmp_path / "out" / "report.html").read_text()
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;&amp;" in page
