"""Makes the PDF: runs latexmk in a temporary folder and finds the important line of its log."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from data_prep.errors import UserError
from data_prep.files.unfinished import temporary_folder
from paper.output.surroundings import tex_surroundings

PACKAGES = "texlive-latex-recommended texlive-fonts-recommended latexmk"
HOW_TO_INSTALL = (
    f"apt-get install --no-install-recommends {PACKAGES} (Debian, Ubuntu), or TeX Live / MacTeX "
    "with latexmk, booktabs, natbib, hyperref, microtype and psnfss"
)
WIDEST_OVERFULL_PT = 5.0
_SECONDS = 300
_LOCATED = re.compile(r"^(?:\./)?([\w./-]+\.\w+):(\d+): (.+)$", re.MULTILINE)
_BARE = re.compile(r"^! (.+)$", re.MULTILINE)
_CONTEXT = re.compile(r"^l\.\d+ (.*)$", re.MULTILINE)
_OVERFULL = re.compile(r"Overfull \\[hv]box \((\d+\.?\d*)pt too (?:wide|high)\)([^\n]*)")
_OPENED = re.compile(r"\(\./([\w./-]+\.tex)")
_UNDEFINED = re.compile(r"(?:Reference|Citation) [`'](\S+?)' .*?undefined", re.DOTALL)
_MISSING = re.compile(r"Missing character: There is no (\S+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Typeset:
    """A finished PDF and the layout problems that its log reports."""

    pdf: bytes
    overfull: tuple[str, ...]
    """A description of each box that extends beyond the text area by more than
    WIDEST_OVERFULL_PT."""


def tex_version() -> str | None:
    """The first line of pdflatex --version; None where there is no TeX with latexmk."""
    if shutil.which("latexmk") is None or (pdflatex := shutil.which("pdflatex")) is None:
        return None
    try:
        shown = subprocess.run(
            [pdflatex, "--version"], capture_output=True, text=True, timeout=60, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return shown.stdout.splitlines()[0] if shown.stdout else None


def require_pgf() -> None:
    """UserError if TeX is there and cannot read PGF figures."""
    if (kpsewhich := shutil.which("kpsewhich")) is None:
        return
    found = subprocess.run([kpsewhich, "pgf.sty"], capture_output=True, timeout=60, check=False)
    if found.returncode:
        raise UserError(
            "--format pgf needs TeX's pgf package: apt-get install texlive-pictures (Debian, "
            "Ubuntu), or leave --format out"
        )


def typeset(files: Mapping[str, bytes], source_date_epoch: str | None) -> Typeset:
    """Run latexmk on these files, by their names inside the project; UserError if it fails.

    In a temporary folder, so that what a killed or failed run leaves lies in nobody's way; paths
    inside are relative, so the PDF does not know where it was made.
    """
    with temporary_folder() as room:
        folder, home = room / "paper", room / "home"
        home.mkdir()
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        ended = _latexmk(folder, tex_surroundings(home, source_date_epoch))
        log = _read(folder / "paper.log")
        pdf = folder / "paper.pdf"
        if ended.returncode or not pdf.exists():
            raise UserError(f"latexmk failed: {what_matters(log, ended.stdout)}")
        _require_complete(log)
        return Typeset(pdf=pdf.read_bytes(), overfull=overfull(log))


def what_matters(log: str, shown: str) -> str:
    """The first error of a LaTeX log with its file and line. If the log has none, the first line of
    `shown` (what latexmk printed) that mentions an error, or else its first line."""
    if found := _LOCATED.search(log):
        context = _CONTEXT.search(log, found.end())
        return f"{found[1]}, line {found[2]}: {found[3]}" + (f" at {context[1]}" if context else "")
    if found := _BARE.search(log):
        return found[1]
    lines = [line.strip() for line in shown.splitlines() if line.strip()]
    telling = [line for line in lines if re.search(r"error|not found|failed", line, re.IGNORECASE)]
    return (telling or lines or ["it said nothing"])[0]


def overfull(log: str) -> tuple[str, ...]:
    """A description of each box in the log that is too wide by more than WIDEST_OVERFULL_PT."""
    joined = _joined(log)
    found = []
    for match in _OVERFULL.finditer(joined):
        if float(match[1]) > WIDEST_OVERFULL_PT:
            # TeX does not say the file: it is the one that was opened last, or one that holds it.
            opened = _OPENED.findall(joined, 0, match.start())
            near = f", near {opened[-1]}" if opened else ""
            found.append(f"{float(match[1]):.1f}pt too large{match[2]}{near}")
    return tuple(found)


def _require_complete(log: str) -> None:
    joined = _joined(log)
    if found := _UNDEFINED.search(joined):
        raise UserError(f"paper.tex refers to {found[1]!r}, which is defined nowhere: correct it")
    if found := _MISSING.search(joined):
        raise UserError(
            f"the paper's font lacks the character {found[1]!r}: paper/prose/escape.py must not "
            "list it as shown"
        )


def _joined(log: str) -> str:
    """The log with its broken lines joined again, because TeX breaks lines after 79 characters,
    even inside of words."""
    return re.sub(r"(?<=^.{79})\n", "", log, flags=re.MULTILINE)


def _latexmk(folder: Path, environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    command = [
        "latexmk", "-norc", "-pdf", "-interaction=nonstopmode", "-halt-on-error",
        "-file-line-error", "-no-shell-escape", "paper.tex",
    ]  # fmt: skip
    try:
        return subprocess.run(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, text=True,
            errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise UserError(f"latexmk did not end within {_SECONDS} s: try it by hand") from error
    except OSError as error:
        raise UserError(f"latexmk cannot be run: {error.strerror}: {HOW_TO_INSTALL}") from error


def _read(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
