"""The figures of the house: right on small cases, and without circles on the house itself."""

import re
from pathlib import Path

import pytest

from tests.house import circles, equal_lines, imports, longest_chain, modules, spelled_readouts

ROOT = Path(__file__).parent.parent


def test_no_modules_import_each_other():
    assert circles(imports(modules(ROOT))) == []


def test_only_the_registry_spells_the_readouts():
    """Elsewhere the words name studies of their own (tuned_lens), or where a translator starts."""
    allowed = {
        "analysis/readouts/registry.py", "analysis/commands/study_file.py",
        "analysis/tuned_lens/__main__.py", "paper/sections/levels.py",
        "paper/sections/tuned_lens.py", "probes/translators/start.py",
        # What scores from elsewhere are called that do not say what read them.
        "data_prep/given_scores/layout.py",
    }  # fmt: skip
    assert set(spelled_readouts(ROOT)) <= allowed


def test_circles_and_chains_of_a_small_house():
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}
    assert circles(graph) == [["b", "c"]]
    assert longest_chain({"a": {"b"}, "b": {"c"}, "c": set(), "d": {"c"}}) == ["a", "b", "c"]


def test_only_the_style_of_the_house_sets_how_figures_look():
    """Elsewhere a figure would look as a user's settings say; pyplot would open windows."""
    asked = re.compile(r"\brc_context\b|\bpyplot\b|rcParams(?:Default)?(?:\.update|\[[^]]*\] = )")
    found = [path for path in modules(ROOT).values() if asked.search(path.read_text("utf-8"))]
    assert [path.relative_to(ROOT).as_posix() for path in found] == ["analysis/drawing/style.py"]


@pytest.mark.parametrize(("lines", "found"), [(6, 1), (5, 0)])
def test_equal_lines_are_found_from_six_on(tmp_path, lines, found):
    (tmp_path / "stats").mkdir()
    text = "".join(
        f"a_long_name_{number} = another_long_name({number})\n" for number in range(lines)
    )
    for name in ("one", "two"):
        (tmp_path / "stats" / f"{name}.py").write_text(f"{name} = 1\n{text}")
    assert len(equal_lines(tmp_path)) == found
