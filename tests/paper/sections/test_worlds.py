"""The simulated worlds: once, in the methods, with what each quantity makes of them."""

import numpy as np
from matplotlib.figure import Figure as Canvas

from analysis.typed import read_back
from analysis.worlds.figure import draw_worlds, save_worlds_figure
from analysis.worlds.found import FoundWorlds
from paper.sections import worlds
from tests.paper.conftest import changed_record, needs_tex, pdf_words
from tests.paper.made_up import few_studies, results, write_run
from tests.paper.made_up_findings import worlds as found_worlds
from tests.sealed import edit_sealed


def test_a_run_without_ladder_and_worlds_says_so(tmp_path, paper_build, without_tex):
    content = few_studies(results(tmp_path / "run"))
    for name in ("ladder", "worlds"):
        del content["studies"][name]
    run = write_run(tmp_path / "run", content)
    ended = paper_build(run, "--out", tmp_path / "out")
    assert ended.code == 0, ended.err
    assert "ladder (python -m analysis.emergence --attr all --readout all" in ended.out
    assert "worlds (python -m analysis.worlds" in ended.out
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Why not stated bits." in page
    assert "The same knowledge, said more loudly." not in page


def test_worlds_stand_in_the_methods_once(tmp_path, paper_build, without_tex):
    runs = [
        write_run(tmp_path / name, few_studies(results(tmp_path / name))) for name in ("one", "two")
    ]
    for place, run in enumerate(runs):
        for name in ("results.json", "identity.json"):
            own = {"study_hash": str(place) * 64}
            edit_sealed(run / name, lambda content, own=own: content.update(own))
    ended = paper_build(*runs, "--out", tmp_path / "out")
    assert ended.code == 0, ended.err
    page = (tmp_path / "out" / "report.html").read_text()
    assert page.count("The same knowledge, said more loudly.") == 1
    place = page.index("The same knowledge, said more loudly.")
    assert page.index("Why not stated bits.") < place < page.index('id="s-4"')
    assert not (tmp_path / "out" / "figures" / "b-worlds.pdf").exists()


def test_worlds_are_named_with_the_layer_that_each_quantity_gives(record):
    values = {value.key: value.text for value in worlds.SECTION.values(record)}
    assert values["worlds.truth"] == "5.3"
    assert values["worlds.stated"].startswith("layer 5.3 (\u201cconstant\u201d, 95% CI 5.2 to 5.4)")

    def change(content):
        content["studies"]["worlds"]["worlds"][2]["stated_layer"] = None

    values = {
        value.key: value.text for value in worlds.SECTION.values(changed_record(record, change))
    }
    assert values["worlds.stated"].endswith("and no layer (\u201clate\u201d)")


def test_worlds_are_drawn_with_their_truth_and_their_layers(tmp_path):
    canvas = Canvas()
    found = read_back(FoundWorlds, found_worlds(), "it")
    draw_worlds(canvas, found)
    loudness_axes, *panels = canvas.axes
    assert loudness_axes.get_yscale() == "log"
    diamonds = [[line for line in axes.lines if line.get_marker() == "D"] for axes in panels]
    layers = [[float(np.asarray(line.get_xdata())[0]) for line in own] for own in diamonds]
    assert layers == [[5.27] * 3, [5.31, 6.52, 10.13]]
    for axes in panels:
        assert [5.3, 5.3] in [np.asarray(line.get_xdata()).tolist() for line in axes.lines]
    names = [text.get_text() for text in canvas.legends[0].get_texts()]
    assert names == ["constant", "growing", "late"]
    for file in save_worlds_figure(found, tmp_path):
        assert file.stat().st_size > 1000


@needs_tex
def test_the_methods_name_the_readers_and_their_sources(built):
    text = " ".join(pdf_words(built / "paper.pdf"))
    page = (built / "report.html").read_text()
    for shown in (text, page):
        assert "primary control" not in shown
    for name in ("Xu et al., 2020", "Ethayarajh et al., 2022", "Guo et al., 2017"):
        assert name in text
    assert "A Theory of Usable Information" in page
    assert "<i>q</i>(<i>a</i>) ∝ exp(<i>s</i>" in page
