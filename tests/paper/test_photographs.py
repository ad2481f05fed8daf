"""The report of a run on own images, with names and labels that mean something in TeX and HTML."""

from analysis.commands.options import parse_options
from analysis.emergence.__main__ import COMMAND, Emergence, main
from tests.data_prep.photographs.made_up import write_images
from tests.paper.conftest import needs_tex, pdf_words

LABEL = "50% & <b>_x"


@needs_tex
def test_a_report_of_an_image_folder(paper_build, tmp_path):
    names = [f"{number:03d}.png" for number in range(20)]
    folder = write_images(tmp_path / "own_images", [""], len(names))
    rows = [f"{name},{[LABEL, 'red'][n % 2]}" for n, name in enumerate(names)]
    (folder / "labels.csv").write_text("\n".join(["file,Kind_2 (%)", *rows]))
    run, out = tmp_path / "run", tmp_path / "report"
    line = [
        *("--data", f"images:{folder}:labels.csv", "--run", str(run)),
        *("--min-scenes-per-text", "5", "--n-resamples", "800"),
        *("--ask", r"kind_2=100% {sure} \& <i>$x_1$</i>?"),
    ]
    main(parse_options(Emergence, command=COMMAND, arguments=line))
    assert paper_build(run, "--out", out).code == 0
    text = " ".join(pdf_words(out / "paper.pdf"))
    assert f"{LABEL} (10)" in text
    assert "kind_2 does not emerge by layer 10" in text
    page = (out / "report.html").read_text()
    assert "50% &amp; &lt;b&gt;_x (10)" in page
    assert "<b>_x" not in page
    assert "<i>$x_1$</i>" not in page
    assert paper_build(run, "--out", out, "--check").code == 0
