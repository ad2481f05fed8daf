"""environment.yml, pyproject.toml and requirements.lock ask for the same packages."""

import tomllib
from itertools import chain
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
ENVIRONMENT = (ROOT / "environment.yml").read_text()
LOCK = (ROOT / "requirements.lock").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

PYPI_NAMES = {
    "pytorch": "torch",
    "matplotlib-base": "matplotlib",
    "mne-base": "mne",
    "ray-data": "ray",
}
"""Packages whose conda name differs from the one on PyPI."""


def ranges(lines: list[str]) -> dict[str, SpecifierSet]:
    """Allowed versions by PyPI name; an extra such as `pyright[nodejs]` is not part of the name."""
    requirements = [Requirement(line) for line in lines]
    names = [canonicalize_name(PYPI_NAMES.get(r.name, r.name)) for r in requirements]
    assert len(set(names)) == len(names), "a package is named twice"
    return {name: r.specifier for name, r in zip(names, requirements, strict=True)}


def project_ranges() -> dict[str, SpecifierSet]:
    """What pyproject.toml asks for, the optional extras and Python itself included."""
    extras = chain.from_iterable(PROJECT["optional-dependencies"].values())
    return ranges([*PROJECT["dependencies"], *extras, f"python{PROJECT['requires-python']}"])


def conda_ranges(text: str) -> dict[str, SpecifierSet]:
    """What environment.yml asks for, through conda and through pip; pip itself is not compared."""
    entries = yaml.safe_load(text)["dependencies"]
    through_conda = [entry for entry in entries if isinstance(entry, str) and entry != "pip"]
    through_pip = [entry["pip"] for entry in entries if isinstance(entry, dict)]
    return ranges([*through_conda, *chain.from_iterable(through_pip)])


def test_environment_and_project_agree():
    assert conda_ranges(ENVIRONMENT) == project_ranges()


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("  - pytorch ~=2.13\n", "  - pytorch ~=2.12\n"),
        ("  - tqdm ~=4.70\n", ""),
        ("  - pip\n", "  - pip\n  - torchvision\n"),
    ],
)
def test_a_disagreement_is_noticed(line, instead):
    assert ENVIRONMENT.count(line) == 1
    assert conda_ranges(ENVIRONMENT.replace(line, instead)) != project_ranges()


def test_the_lock_holds_an_allowed_version_of_everything():
    locked = ranges([line for line in LOCK.splitlines() if not line.startswith("#")])
    for name, allowed in project_ranges().items():
        if name != "python":
            (pin,) = locked[name]
            assert pin.operator == "=="
            assert pin.version in allowed, f"{name}: run `make lock`"
