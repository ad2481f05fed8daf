"""A certificate: what was checked of a model, with every difference found."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

from data_prep.files.sealed import sealed_json
from probes.gate.check import Check
from probes.gate.said import Answer
from probes.unembedding import GateError

_PACKAGES = ("onset", "torch", "transformers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """The checks of a model as it was loaded, or of residuals that another tool captured."""

    subject: str
    """What was checked, in words."""
    loaded: dict[str, Any]
    """The model's name and revision, and how it was loaded."""
    checks: tuple[Check, ...]
    left_out: tuple[str, ...] = ()
    """What was not checked, and why."""
    prompt: str | None = None
    """The prompt of the first built-in question, as the model is given it; None if none was."""
    answers: tuple[Answer, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every check has.

        >>> good, bad = (Check(name="it", passed=passed) for passed in (True, False))
        >>> Certificate(subject="it", loaded={}, checks=(good, bad)).passed
        False
        """
        return all(check.passed for check in self.checks)

    def content(self) -> bytes:
        """The certificate as the content of a sealed JSON file."""
        return sealed_json(
            {
                "subject": self.subject,
                "passed": self.passed,
                "loaded": self.loaded,
                "versions": {name: version(name) for name in _PACKAGES},
                "checks": [asdict(check) for check in self.checks],
                "left_out": list(self.left_out),
                "prompt": self.prompt,
                "answers": [asdict(answer) for answer in self.answers],
            }
        )

    def lines(self) -> Iterator[str]:
        """The certificate for a terminal: a table of the checks, the answers, and the verdict."""
        yield self.subject
        width = max((len(check.name) for check in self.checks), default=0)
        yield f"  {'':{width}}  difference  allowed  layer"
        for check in self.checks:
            yield f"  {check.name:{width}}  {_numbers(check)}  {_verdict(check)}".rstrip()
        if self.prompt is not None:
            yield f"  prompt: {self.prompt!r}"
        yield from (_told(answer) for answer in self.answers)
        yield from (f"  not checked: {each}" for each in self.left_out)
        failed = [check for check in self.checks if not check.passed]
        yield from (f"  FAILED: {check.error}" for check in failed)
        n = len(self.checks)
        yield f"{n - len(failed)} of {n} checks passed" + (": not to be trusted" if failed else "")


def _numbers(check: Check) -> str:
    difference = "-" if check.difference is None else f"{check.difference:.1e}"
    allowed = "-" if check.allowed is None else f"{check.allowed:.0e}"
    layer = "-" if check.layer is None else str(check.layer)
    return f"{difference:>10}  {allowed:>7}  {layer:>5}"


def _verdict(check: Check) -> str:
    return "" if check.passed else "FAILED"


def _told(answer: Answer) -> str:
    sign = "" if answer.agrees else "  OTHER"
    return f"  {answer.question!r}: read {answer.read!r}, said {answer.text!r}{sign}"


def read_all(checks: Iterator[Check]) -> list[Check]:
    """All checks; a GateError of theirs is one more that failed, after which none follows.

    >>> def some():
    ...     yield Check(name="one", passed=True)
    ...     raise GateError("no blocks")
    >>> [check.fault for check in read_all(some())]
    ['', 'no blocks']
    """
    found: list[Check] = []
    try:
        for check in checks:
            found.append(check)
    except GateError as error:
        found.append(Check(name="the model can be run and read", passed=False, fault=str(error)))
    return found
