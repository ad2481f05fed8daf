"""Figures of the house: how much a change has to touch. Prints them; nothing here is a limit.

    python tests/house.py [FOLDER]

FOLDER is a checkout, by default this one: so the same figures can be had of an earlier state.
"""

import ast
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGES = ("analysis", "probes", "data_prep", "stats", "paper")
READOUT = re.compile(r"""["'](?:logit_lens|tuned_lens|linear_probe)["']""")
LEAST_LINES = 6


def modules(root: Path) -> dict[str, Path]:
    """Every module of ours, by its dotted name."""
    found = {}
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            name = ".".join(path.relative_to(root).with_suffix("").parts)
            found[name.removesuffix(".__init__")] = path
    return found


def imports(found: dict[str, Path], *, lazy: bool = True) -> dict[str, set[str]]:
    """By module, those of ours that it imports; with `lazy` also inside functions and for types."""
    graph: dict[str, set[str]] = {}
    for name, path in found.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        nodes = ast.walk(tree) if lazy else iter(tree.body)
        graph[name] = {each for node in nodes for each in _targets(node, found)} - {name}
    return graph


def _targets(node: ast.AST, found: dict[str, Path]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (each.name for each in node.names if each.name in found)
    if isinstance(node, ast.ImportFrom) and node.module:
        for each in node.names:
            full = f"{node.module}.{each.name}"
            if full in found:
                yield full
            elif node.module in found:
                yield node.module


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Groups of modules that import each other, by whatever way round (Tarjan)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    groups: list[list[str]] = []

    def visit(name: str) -> None:
        order[name] = low[name] = len(order)
        stack.append(name)
        for other in sorted(graph[name]):
            if other not in order:
                visit(other)
            if other in stack:
                low[name] = min(low[name], low[other])
        if low[name] == order[name]:
            group = []
            while not group or group[-1] != name:
                group.append(stack.pop())
            if len(group) > 1:
                groups.append(sorted(group))

    for name in sorted(graph):
        if name not in order:
            visit(name)
    return groups


def longest_chain(graph: dict[str, set[str]]) -> list[str]:
    """The longest way along imports, of a graph without circles."""

    @cache
    def chain(name: str) -> tuple[str, ...]:
        return (name, *max((chain(each) for each in graph[name]), key=len, default=()))

    return list(max((chain(name) for name in graph), key=len))


def imported_once(graph: dict[str, set[str]]) -> int:
    """Modules that a single other one imports."""
    users = Counter(each for others in graph.values() for each in others)
    return sum(number == 1 for number in users.values())


def string_keys(root: Path) -> int:
    """Reads by a text in brackets, in what reports and in the paper: found["low"]."""
    total = 0
    for path in _reporting(root):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            total += (
                isinstance(node, ast.Subscript)
                and isinstance(node.ctx, ast.Load)
                and isinstance(node.slice, ast.Constant)
                and isinstance(node.slice.value, str)
                and node.slice.value.isidentifier()
            )
    return total


def _reporting(root: Path) -> Iterator[Path]:
    names = ("report", "figure", "text", "drawing", "wording")
    for path in sorted((root / "analysis").rglob("*.py")):
        where = path.relative_to(root).as_posix()
        if any(name in where for name in names):
            yield path
    yield from sorted((root / "paper").rglob("*.py"))


def spelled_readouts(root: Path) -> list[str]:
    """Files that spell a readout's name."""
    return [
        path.relative_to(root).as_posix()
        for path in modules(root).values()
        if READOUT.search(path.read_text(encoding="utf-8"))
    ]


def equal_lines(root: Path) -> list[tuple[str, str]]:
    """Pairs of places with six or more equal lines, imports and blank lines aside."""
    places: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for path in modules(root).values():
        lines = [
            (number, line.strip())
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
            if line.strip() and not line.startswith(("import ", "from "))
        ]
        for start in range(len(lines) - LEAST_LINES + 1):
            block = tuple(text for _, text in lines[start : start + LEAST_LINES])
            if sum(map(len, block)) > 100:
                places[block].append(f"{path.relative_to(root)}:{lines[start][0]}")
    pairs = {(each[0].split(":")[0], each[1].split(":")[0]): each for each in places.values()
             if len(each) > 1}  # fmt: skip
    return sorted((each[0], each[1]) for each in pairs.values())


def without_example(root: Path, package: str) -> list[str]:
    """Public functions of a package whose docstring shows no use that runs."""
    missing = []
    for name, path in modules(root).items():
        if name.split(".")[0] != package:
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
                continue
            if ">>>" not in (ast.get_docstring(node) or ""):
                missing.append(f"{name}.{node.name}")
    return missing


def main(root: Path) -> None:
    """Prints every figure."""
    found = modules(root)
    graph = imports(found)
    met = circles(graph)
    print(f"modules                                  {len(found)}")
    print(f"imported by one other only               {imported_once(graph)}")
    print(f"circles of imports                       {len(met)}")
    for group in met:
        print(f"    {' '.join(group)}")
    if not met:
        chain = longest_chain(graph)
        print(f"longest chain of imports                 {len(chain)}: {' > '.join(chain)}")
    print(f"string keys into results, reports, paper {string_keys(root)}")
    readouts = spelled_readouts(root)
    print(f"files that spell a readout's name        {len(readouts)}: {' '.join(readouts)}")
    pairs = equal_lines(root)
    print(f"pairs of six equal lines                 {len(pairs)}")
    for one, other in pairs:
        print(f"    {one} {other}")
    for package in ("stats", "probes"):
        missing = without_example(root, package)
        print(f"public functions without example, {package:<6} {len(missing)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent)
