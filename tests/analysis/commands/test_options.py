"""Options of every command that works on a run: one check of them all, which none can lose."""

import importlib
import pkgutil

import pytest

import analysis
from analysis.commands.options import RunOptions
from data_prep.errors import UserError


def option_classes() -> list[type[RunOptions]]:
    """Those of every command, found by importing them all."""
    for module in pkgutil.walk_packages(analysis.__path__, "analysis."):
        importlib.import_module(module.name)

    def below(kind: type[RunOptions]) -> list[type[RunOptions]]:
        # A slotted dataclass is made anew, so that the class it was made from is there as well.
        own = [one for one in kind.__subclasses__() if "__slots__" in one.__dict__]
        return [*own, *(each for one in own for each in below(one))]

    return below(RunOptions)


def test_every_command_checks_what_all_of_them_share():
    kinds = option_classes()
    assert len(kinds) >= 11
    for kind in kinds:
        with pytest.raises(UserError, match="--batch-size must be at least 1, or auto, got 0"):
            kind(batch_size=0)
        assert "__post_init__" not in kind.__dict__, kind
