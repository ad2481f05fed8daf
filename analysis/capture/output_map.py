"""The model's output map, kept beside the residuals.

With it a run that was captured on one machine is read on another, without the model.
"""

from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from analysis.capture.token_texts import keep_token_texts
from analysis.run.opened import OpenRun
from data_prep.errors import UserError

if TYPE_CHECKING:  # transformers takes seconds to import, and a captured run does not need it
    from probes.unembedding import Unembedding
    from probes.vlm import VLM

Stamps = frozenset[tuple[str, int, int]]
"""Name, size and time of change of each file of a folder."""
# The folder also keeps answer trees, which come with every attribute.
_FILES = ("unembedding.safetensors", "unembedding.json", "token-texts.json")
# What this process has compared or written already: a head takes seconds, and a study asks again
# for every attribute.
_KEPT: "WeakKeyDictionary[VLM, dict[Path, Stamps]]" = WeakKeyDictionary()


def output_map(opened: OpenRun) -> "Unembedding":
    """The model's final norm and head, as they were kept when the residuals were captured, on the
    device that was asked for: what is read through them is computed there.

    Beside Ray's workers, which need the accelerators whole, that is the CPU. UserError for a device
    that cannot be used here.
    """
    from probes.devices import working_device
    from probes.unembedding import Unembedding

    asked = "cpu" if opened.engine == "ray" else opened.model_arguments.get("device", "cpu")
    return Unembedding.load(opened.run.output_map).on(working_device(asked))


def keep_output_map(opened: OpenRun, vlm: "VLM") -> None:
    """Write the model's final norm and head into the run, with the texts of all tokens, unless
    they are there."""
    folder = opened.run.output_map
    known = _KEPT.setdefault(vlm, {})
    if known.get(folder) == _stamps(folder):
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the folder {folder}: {error.strerror}") from error
    vlm.unembedding.save(folder)
    keep_token_texts(folder, vlm.tokenizer, vlm.unembedding.n_vocab)
    known[folder] = _stamps(folder)


def _stamps(folder: Path) -> Stamps:
    stats = [(name, (folder / name).stat()) for name in _FILES if (folder / name).exists()]
    return frozenset((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)
