"""The examples in the docstrings of `stats`: every public function has one, and all of them run."""

import doctest
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from types import ModuleType

import pytest

import stats

MODULES = [
    importlib.import_module(found.name) for found in pkgutil.walk_packages(stats.__path__, "stats.")
]


def public_functions(module: ModuleType) -> Iterator[Callable[..., object]]:
    """The functions that the module defines itself, without those whose name starts with `_`."""
    for name, member in inspect.getmembers(module, inspect.isfunction):
        if not name.startswith("_") and member.__module__ == module.__name__:
            yield member


def lacks_example(documented: object) -> bool:
    return ">>>" not in (inspect.getdoc(documented) or "")


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_the_examples_run_and_give_what_they_say(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_public_function_has_an_example(module: ModuleType) -> None:
    assert [each.__name__ for each in public_functions(module) if lacks_example(each)] == []


def test_every_exported_name_has_an_example() -> None:
    assert [name for name in stats.__all__ if lacks_example(getattr(stats, name))] == []


def test_an_example_that_is_wrong_and_a_function_without_one_are_found() -> None:
    module = ModuleType("stats.wrong", '"""\n>>> 1 + 1\n3\n"""')
    exec("def bare(): ...", module.__dict__)
    assert doctest.testmod(module, report=False).failed == 1
    module.__dict__["bare"].__module__ = module.__name__
    assert [lacks_example(each) for each in public_functions(module)] == [True]
