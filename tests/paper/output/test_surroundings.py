"""What TeX finds around it is ours, and a PDF has the same bytes for every user."""

import os

import pytest
from matplotlib.figure import Figure as Canvas

from paper.output.floats import Figure, drawn
from paper.output.latex import typeset
from paper.output.surroundings import only_tex_surroundings, tex_surroundings
from tests.paper.conftest import needs_tex

SOURCE = (
    rb"\documentclass{article}\usepackage{booktabs}\pdftrailerid{}\pdfsuppressptexinfo=15"
    rb"\pdfinfoomitdate=1\begin{document}A\cite{b}\bibliographystyle{plain}\bibliography{refs}"
    rb"\end{document}"
)
REFS = b"@misc{b, title = {B}, author = {C}}"


@pytest.fixture
def made():
    return lambda: typeset({"paper.tex": SOURCE, "refs.bib": REFS}, None).pdf


@needs_tex
def test_variables_and_files_of_the_user_change_no_byte(made, tmp_path, monkeypatch):
    own = made()
    tree = tmp_path / "texmf" / "tex" / "latex"
    tree.mkdir(parents=True)
    (tree / "booktabs.sty").write_text(r"\AtBeginDocument{OTHER}")
    (tmp_path / "plain.bst").write_text("no style")
    (tmp_path / "refs.bib").write_text("no references")
    for name in (".latexmkrc", "latexmkrc"):
        (tmp_path / name).write_text("die 'of the user';\n")
    monkeypatch.chdir(tmp_path)
    for name in ("TEXINPUTS", "BIBINPUTS", "BSTINPUTS", "TEXMFHOME"):
        monkeypatch.setenv(name, f"{tmp_path / 'texmf'}//:{tmp_path}:")
    monkeypatch.setenv("LATEXMKRCSYS", str(tmp_path / "latexmkrc"))
    for name, value in (("HOME", str(tmp_path)), ("TZ", "Asia/Tokyo"), ("LC_ALL", "tr_TR.UTF-8"),
                        ("SOURCE_DATE_EPOCH", "5"), ("max_print_line", "1000"),
                        ("TEXMFCNF", str(tmp_path)), ("PERL5OPT", "-Mnothing")):  # fmt: skip
        monkeypatch.setenv(name, value)
    assert made() == own


@needs_tex
def test_a_package_that_only_the_user_has_is_found(tmp_path, monkeypatch):
    tree = tmp_path / "texmf" / "tex" / "latex"
    tree.mkdir(parents=True)
    (tree / "nowhereelse.sty").write_text("")
    monkeypatch.setenv("TEXMFHOME", str(tmp_path / "texmf"))
    assert typeset({"paper.tex": SOURCE.replace(b"booktabs", b"nowhereelse"), "refs.bib": REFS},
                   None).pdf  # fmt: skip


def test_little_is_handed_on(tmp_path, monkeypatch):
    monkeypatch.setenv("TEXINPUTS", "/elsewhere//:")
    found = tex_surroundings(tmp_path, "7")
    assert "/elsewhere" not in found.get("TEXINPUTS", "")
    assert (found["HOME"], found["SOURCE_DATE_EPOCH"]) == (str(tmp_path), "7")
    assert "SOURCE_DATE_EPOCH" not in tex_surroundings(tmp_path, None)


def test_the_surroundings_are_given_back(monkeypatch):
    monkeypatch.setenv("BIBINPUTS", "x")
    before = dict(os.environ)
    with only_tex_surroundings():
        assert "BIBINPUTS" not in os.environ
    assert dict(os.environ) == before


@needs_tex
def test_a_name_in_a_figure_for_tex_is_no_command():
    def draw(canvas: Canvas) -> None:
        canvas.subplots().set_title("a_b \\input{/etc/passwd} $x_1$ & #")

    figure = Figure(name="a", title="a", caption="a", size=(3, 2), draw=draw)
    text = drawn(figure, "pgf")["pgf"].decode()
    assert r"a\_b \textbackslash{}input\{/etc/passwd\} \$x\_1\$ \& \#" in text
