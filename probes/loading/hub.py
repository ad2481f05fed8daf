"""A model of the Hub, in the folder that its library keeps it in."""

from collections.abc import Sequence
from pathlib import Path

from huggingface_hub import snapshot_download

from data_prep.errors import UserError
from probes.loading.checked.weight_files import (
    INDEX,
    PICKLED,
    PICKLED_INDEX,
    WHOLE,
    named_files,
)
from probes.loading.options import Loading
from probes.loading.remarks import reason, without_remarks

# What processors, tokenizers, configurations and adapters are read from; indices are among them.
_SMALL = ("*.json", "*.jinja", "*.txt", "*.model", "*.tiktoken")


def fetch_description(source: str, loading: Loading) -> Path:
    """The folder of one commit of a Hub model, with everything but its weights.

    It is named after the commit. UserError if it can neither be fetched nor is here.

    >>> fetch_description("somebody/some-model", Loading())  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    data_prep.errors.UserError: cannot get the configuration of somebody/some-model (...
    """
    code = ("*.py",) if loading.trust_remote_code else ()
    try:
        return _fetched(source, loading.revision, (*_SMALL, *code))
    except Exception as error:  # of the network, the Hub, the disk
        raise UserError(
            f"cannot get the configuration of {source} ({reason(error)}): is it the name of an "
            "existing folder? A Hub model must be public or you logged in (`hf auth login`, and "
            "for a gated one its terms accepted on its page); without a network, fetch it "
            f"elsewhere with `hf download {source} --local-dir FOLDER` and give the folder"
        ) from error


def fetch_weights(source: str, folder: Path, *, allow_pickle: bool) -> None:
    """Put the weights beside a description of a Hub model, those that are read and no others.

    >>> fetch_weights("somebody/some-model", folder, allow_pickle=False)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    data_prep.errors.UserError: cannot load the weights of somebody/some-model (...
    """
    wanted: Sequence[str] = (WHOLE,)
    if (folder / INDEX).exists() or (allow_pickle and (folder / PICKLED_INDEX).exists()):
        wanted = named_files(folder, source, allow_pickle=allow_pickle)
    try:
        _fetched(source, folder.name, wanted)
        if allow_pickle and wanted == (WHOLE,) and not (folder / WHOLE).exists():
            _fetched(source, folder.name, (PICKLED,))
    except Exception as error:
        raise UserError(
            f"cannot load the weights of {source} ({reason(error)}): fetch it again with "
            f"`hf download {source}`"
        ) from error


def _fetched(source: str, revision: str | None, patterns: Sequence[str]) -> Path:
    with without_remarks():
        return Path(snapshot_download(source, revision=revision, allow_patterns=list(patterns)))
