"""Loads a model, checks it or what another tool captured from it, and gives the certificate."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from probes.gate.certificate import Certificate, read_all
from probes.gate.check import Check
from probes.gate.checks import checks_of, gate_progress
from probes.gate.fit import running
from probes.gate.foreign import checked_foreign
from probes.gate.foreign_file import read_foreign
from probes.gate.said import Answer, checked_answers, items
from probes.loading.load import load_unchecked
from probes.loading.options import Loading
from probes.trial import QUESTIONS
from probes.unembedding import GateError
from probes.vlm import VLM

_BY_QUICK = (
    "padding, whether the image arrives, and what is said (--gate quick)",
    "any other item than the first (--gate quick)",
)
_BY_LOGITS = ("states below the last, of which the logits say nothing",)


def certify_model(name: str, loading: Loading) -> Certificate:
    """The certificate of a model: of every check of the gate, and of what it says.

    UserError for what is no usable model; a model that cannot be read has a failed check.

    >>> found = certify_model("bundled", Loading(device="cpu", gate="quick"))
    >>> found.passed, len(found.checks) > 10
    (True, True)
    """
    about, vlm = _loaded(name, loading)
    subject = f"{name}: what is read from it against what it computes"
    if isinstance(vlm, GateError):
        return Certificate(subject=subject, loaded=about, checks=(_unreadable(vlm),))
    quick, answers = loading.gate == "quick", list[Answer]()

    def checks() -> Iterator[Check]:
        yield from checks_of(vlm, loading.gate)
        if not quick:
            with running(vlm), gate_progress(vlm, len(items())) as progress:
                found, spoken = checked_answers(vlm, progress.update)
            answers.extend(spoken)
            yield from found

    return Certificate(
        subject=subject,
        loaded=about,
        checks=tuple(read_all(checks())),
        left_out=_BY_QUICK if quick else (),
        prompt=vlm.prompt(QUESTIONS[0]),
        answers=tuple(answers),
    )


def certify_residuals(name: str, loading: Loading, residuals: Path) -> Certificate:
    """The certificate of residuals that another tool captured from a model; see `read_foreign`.

    UserError for what is no usable model, and for a file that is none of its residuals.

    >>> from PIL import Image
    >>> from safetensors.torch import save_file
    >>> image, text = [Image.new("RGB", (64, 64))], ["What is this?"]
    >>> states, logits = vlm.capture(image, text), vlm.answer_logits(image, text)
    >>> save_file({"residuals": states, "logits": logits}, folder / "states.safetensors")
    >>> loading = Loading(device="cpu")
    >>> certify_residuals("bundled", loading, folder / "states.safetensors").passed
    True
    """
    about, vlm = _loaded(name, loading)
    subject = f"{residuals}: states of {name} against its logits"
    if isinstance(vlm, GateError):
        return Certificate(subject=subject, loaded=about, checks=(_unreadable(vlm),))
    checks = checked_foreign(vlm, read_foreign(residuals, vlm))
    return Certificate(
        subject=subject, loaded=about, checks=tuple(read_all(checks)), left_out=_BY_LOGITS
    )


def _loaded(name: str, loading: Loading) -> tuple[dict[str, Any], VLM | GateError]:
    """What a certificate says of the model, and the model, or why it cannot be read at all."""
    about: dict[str, Any] = {"model": name, **asdict(loading)}
    try:
        vlm = load_unchecked(name, loading)
    except GateError as error:
        return about, error
    return {**about, "revision": vlm.revision, "device": str(vlm.device)}, vlm


def _unreadable(error: GateError) -> Check:
    return Check(name="the model shows blocks, norm and head", passed=False, fault=str(error))
