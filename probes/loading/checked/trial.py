"""The texts of a model folder are tried in a process of their own before they are used in ours."""

import os
import subprocess
import sys
from pathlib import Path

from data_prep.errors import UserError
from probes.loading.identity import files_digest

_CHILD = Path(__file__).with_name("trial_child.py")
# The bound of its computing time ends it before, unless it waits for something.
_MOST_SECONDS = 45
_TEXTS = ("*.json", "*.jinja", "additional_chat_templates/*.jinja")
# A process that loads a model again, or another with the same texts, need not try them again.
_TAME: set[str] = set()


def require_tame_texts(folder: Path, source: str) -> None:
    """UserError if the chat template or the tokenizer of a folder takes time or memory without
    bounds, or makes thousands of tokens of a short question.

    It takes a quarter of a second, and for the largest tokenizers some seconds; the same texts are
    tried once in a process.

    >>> from probes.loading.identity import BUNDLED_FOLDER
    >>> require_tame_texts(BUNDLED_FOLDER, "bundled")  # says nothing
    """
    texts = files_digest(folder, (path for each in _TEXTS for path in folder.glob(each)))
    if texts in _TAME:
        return
    _require_tame(folder, source)
    _TAME.add(texts)


def _require_tame(folder: Path, source: str) -> None:
    # -P: what lies in the folder of the child is not to be taken for a library.
    command = [sys.executable, "-P", str(_CHILD), str(folder.resolve())]
    try:
        ended = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_MOST_SECONDS,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "TOKENIZERS_PARALLELISM": "false", "RAYON_NUM_THREADS": "1"},
            check=False,
        )
        steps, said, code = ended.stdout.splitlines(), ended.stderr, ended.returncode
    except subprocess.TimeoutExpired as error:
        output = error.stdout or b""
        text = output.decode(errors="replace") if isinstance(output, bytes) else output
        steps, said, code = text.splitlines(), "", -1
    except OSError as error:
        raise UserError(
            f"cannot start {sys.executable} to try the chat template and tokenizer of {source} "
            f"({error.strerror})"
        ) from error
    if steps[-1:] == ["done"] and code == 0:
        return
    what = steps[-1] if steps else "the chat template or the tokenizer"
    last = said.strip().rpartition("\n")[2]
    why = last if code == 1 and last.startswith("makes ") else "takes time or memory without bounds"
    raise UserError(
        f"{what} of {source} {why}: take the files of the model's own publisher, or save the "
        "processor again"
    )
