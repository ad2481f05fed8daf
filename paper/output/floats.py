"""Figures and tables as LaTeX floats, each with its generated caption."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
from matplotlib.backends import backend_pgf
from matplotlib.figure import Figure as Canvas

from analysis.drawing.style import house_style
from data_prep.errors import UserError
from data_prep.files.unfinished import temporary_folder
from paper.output.surroundings import only_tex_surroundings
from paper.prose.escape import tex

FigureFormat = Literal["pdf", "pgf"]
_MOST_SIGNS_ACROSS = 92
"""So many fit into the text's width at the larger size, with the space between columns."""
_FONTS: dict[Any, Any] = {
    # Times, as the body's mathptmx.
    "font.family": "STIXGeneral",
    "mathtext.fontset": "stix",
    "svg.hashsalt": "onset",  # else ids inside an SVG are random
    "pgf.texsystem": "pdflatex",
    "pgf.rcfonts": False,
    "pgf.preamble": r"\usepackage[T1]{fontenc}\usepackage{textcomp}\usepackage{mathptmx}"
    r"\providecommand{\codepoint}[1]{{\footnotesize U+#1}}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure that a section makes."""

    name: str
    title: str
    caption: str
    """Plain text of the caption. It states the level, the number of scenes and the unit."""
    size: tuple[float, float]
    """Width and height in inches as printed; the figure is not scaled afterwards."""
    draw: Callable[[Canvas], None]
    holds_images: bool = False
    """Whether the figure contains photographs. It is then always stored as PDF, because a PGF file
    would need the images as separate files beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table that a section makes. Every cell is already text."""

    name: str
    caption: str
    frame: pd.DataFrame
    align: str
    """Alignment of the columns: a letter for each (l, r or c), or a width in centimetres in
    parentheses for text that wraps, as in "l(6.5)r"."""
    long: bool = False
    """Whether the table may run over several pages."""


def drawn(figure: Figure, form: FigureFormat) -> dict[str, bytes]:
    """Draw a figure. Gives file contents by file ending: one for the PDF, and SVG or PNG for the
    page."""
    with house_style(_FONTS):
        canvas = Canvas(figsize=figure.size, layout="constrained")
        figure.draw(canvas)
        files: dict[str, bytes] = {}
        if form == "pgf" and not figure.holds_images:
            files["pgf"] = _pgf(canvas)
        else:
            undated = {"Title": figure.title, "CreationDate": None, "ModDate": None}
            files["pdf"] = _saved(canvas, "pdf", metadata=undated)
        if figure.holds_images:
            files["png"] = _saved(canvas, "png", dpi=200)
        else:
            files["svg"] = _saved(canvas, "svg", metadata={"Date": None, "Title": figure.title})
    return files


def figure_float(figure: Figure, run: str, form: FigureFormat, place: str) -> str:
    """The LaTeX float that includes the figure, as the content of a .tex file that
    \\placefigure{name} reads. `place` holds LaTeX's placement letters, such as "tbp"."""
    stem = f"figures/{run}-{figure.name}"
    if form == "pgf" and not figure.holds_images:
        included = rf"\input{{{stem}.pgf}}"
    else:
        included = rf"\includegraphics{{{stem}.pdf}}"
    return (
        f"\\begin{{figure}}[{place}]\n\\centering\n"
        f"{included}\n"
        f"\\caption{{{tex(figure.caption)}}}\n\\label{{fig:{run}:{figure.name}}}\n"
        "\\end{figure}\n"
    )


def table_float(table: Table, run: str, place: str) -> str:
    """The table as a LaTeX float in booktabs style, the content of a .tex file that
    \\placetable{name} reads. `place` holds LaTeX's placement letters, such as "tbp"."""
    caption = rf"\caption{{{tex(table.caption)}}}\label{{tab:{run}:{table.name}}}"
    columns = f"@{{}}{_columns(table.align)}@{{}}"
    head = " & ".join(tex(str(name)) for name in table.frame.columns) + r" \\"
    rows = list(_rows(table.frame))
    if table.long:
        lines = [rf"{{{_size(table)}", rf"\begin{{longtable}}{{{columns}}}", rf"{caption}\\",
                 r"\toprule", head, r"\midrule", r"\endfirsthead", r"\toprule", head, r"\midrule",
                 r"\endhead", r"\bottomrule", r"\endfoot", *rows, r"\end{longtable}}"]  # fmt: skip
    else:
        lines = [rf"\begin{{table}}[{place}]", rf"\centering{_size(table)}", caption,
                 rf"\begin{{tabular}}{{{columns}}}", r"\toprule", head, r"\midrule", *rows,
                 r"\bottomrule", r"\end{tabular}", r"\end{table}"]  # fmt: skip
    return "\n".join(lines) + "\n"


def _size(table: Table) -> str:
    """LaTeX's font size for the table. Tables with many columns or wide cells use the smaller of
    two sizes, and those with very many columns also use less space between them."""
    n_columns = len(table.frame.columns)
    is_small = n_columns > 7 or _signs_across(table) > _MOST_SIGNS_ACROSS
    between = "3pt" if n_columns > 10 else "4.5pt"
    return rf"\{'footnotesize' if is_small else 'small'}\setlength{{\tabcolsep}}{{{between}}}"


def _signs_across(table: Table) -> int:
    """The signs in the widest cells of all columns together; 0 if columns are wrapped."""
    if "(" in table.align:
        return 0
    texts = [[str(name), *map(str, table.frame.iloc[:, k])]
             for k, name in enumerate(table.frame.columns)]  # fmt: skip
    return sum(max(map(len, column)) for column in texts)


def _columns(align: str) -> str:
    wrapped = r">{\raggedright\arraybackslash}p{"
    return align.replace("(", wrapped).replace(")", "cm}")


def _rows(frame: pd.DataFrame) -> list[str]:
    """One LaTeX line per row, with a little space above each row that begins a new group in the
    first column."""
    lines: list[str] = []
    for place, row in enumerate(frame.itertuples(index=False)):
        if place and row[0] and (frame.iloc[:, 0] == "").any():
            lines.append(r"\addlinespace")
        lines.append(" & ".join(tex(str(cell)) for cell in row) + r" \\")
    return lines


def _saved(canvas: Canvas, form: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    canvas.savefig(stream, format=form, **options)
    return stream.getvalue()


def _pgf(canvas: Canvas) -> bytes:
    """The figure as PGF. It is written with the help of TeX, which measures the width of each
    label."""
    with temporary_folder() as room, only_tex_surroundings(), _escaped_for_tex():
        path = room / "figure.pgf"
        try:
            canvas.savefig(path, format="pgf")
        except (RuntimeError, FileNotFoundError) as error:
            reason = str(error).strip().splitlines()[0]
            raise UserError(
                f"--format pgf needs pdflatex with textcomp and mathptmx ({reason}): leave "
                "--format out, or install TeX"
            ) from error
        return path.read_bytes()


@contextmanager
def _escaped_for_tex() -> Iterator[None]:
    """Context manager in which matplotlib hands all text of a figure to TeX as the same text. By
    itself it would hand on what is a command to TeX, so that a name could hold one."""
    own = backend_pgf._tex_escape
    backend_pgf._tex_escape = tex
    try:
        yield
    finally:
        backend_pgf._tex_escape = own


def grouped(rows: Sequence[Mapping[str, str]]) -> pd.DataFrame:
    """The rows as a frame in which the first column names each group only in its first row."""
    frame = pd.DataFrame(list(rows))
    first = frame.columns[0]
    frame[first] = frame[first].mask(frame[first] == frame[first].shift(), "")
    return frame
