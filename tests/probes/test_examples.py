"""The examples in the docstrings of `probes`: every public function has one, and all of them run.

An example may use two names that nobody has to define: `vlm`, the bundled model as `load_vlm`
gives it, and `folder`, a folder for its files that is empty when the module's examples begin.
"""

import doctest
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

import probes
from probes import VLM, load_vlm

NAMES = [
    found.name
    for found in pkgutil.walk_packages(probes.__path__, "probes.")
    # Scripts that train the bundled model: nobody calls them but the one who trains it anew, and
    # tests/probes/bundled has them at work.
    if not found.name.startswith("probes.bundled")
]
MODULES = [importlib.import_module(name) for name in NAMES]
_STORE, _GROUP = "takes rows of a store", "takes what a training found, or its file"
EXCEPTIONS: dict[str, str] = {
    "probes.linear_probe.by_layers.by_layers": _STORE,
    "probes.linear_probe.by_layers.layer_groups": _STORE,
    "probes.linear_probe.by_layers.read_layers": _STORE,
    "probes.translators.finished_group.write_group": _GROUP,
    "probes.translators.finished_group.read_group": _GROUP,
}
"""Functions without an example, each by its whole name with the reason."""


@pytest.fixture(scope="module")
def bundled() -> VLM:
    return load_vlm("bundled", device="cpu")


def public_functions(module: ModuleType) -> Iterator[Callable[..., object]]:
    """The functions that the module defines itself, without those whose name starts with `_`."""
    for name, member in inspect.getmembers(module, inspect.isroutine):
        if not name.startswith("_") and member.__module__ == module.__name__:
            yield member


def lacks_example(documented: object) -> bool:
    return ">>>" not in (inspect.getdoc(documented) or "")


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_the_examples_run_and_give_what_they_say(
    module: ModuleType, bundled: VLM, tmp_path: Path
) -> None:
    found = doctest.testmod(module, extraglobs={"vlm": bundled, "folder": tmp_path})
    assert found.failed == 0
    # Whatever is written is run: a decorator could hide an example from those who look for it.
    written = doctest.DocTestParser().get_examples(inspect.getsource(module))
    assert found.attempted == len(written)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_public_function_has_an_example(module: ModuleType) -> None:
    lacking = {
        f"{module.__name__}.{each.__name__}"
        for each in public_functions(module)
        if lacks_example(each)
    }
    here = module.__name__
    assert lacking == {name for name in EXCEPTIONS if name.rpartition(".")[0] == here}


def test_an_example_that_is_wrong_and_a_function_without_one_are_found() -> None:
    module = ModuleType("probes.wrong", '"""\n>>> 1 + 1\n3\n"""')
    exec("def bare(): ...", module.__dict__)
    assert doctest.testmod(module, report=False).failed == 1
    module.__dict__["bare"].__module__ = module.__name__
    assert [lacks_example(each) for each in public_functions(module)] == [True]
