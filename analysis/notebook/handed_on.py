"""Names that a package hands on from its modules, imported when they are first asked for.

`from analysis.emergence import run` must not make every command that only reads a type of that
package import the whole study.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def handed_on(package: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` of a package that hands on the names in `modules`, each from the module of
    the package that stands beside it.

    >>> found = handed_on("json", {"JSONDecoder": "decoder"})
    >>> found("JSONDecoder").__name__
    'JSONDecoder'
    >>> found("run")
    Traceback (most recent call last):
    AttributeError: module 'json' has no attribute 'run'
    """

    def found(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{modules[name]}"), name)

    return found
