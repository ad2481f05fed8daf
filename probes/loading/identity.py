"""Which model is it? Told from files alone, so that a finished study need not load the model."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from probes.loading.digest_cache import file_digest, is_known

BUNDLED_FOLDER = Path(__file__).parent.parent / "bundled" / "model"
# What decides the residuals in a model folder: weights, configurations, tokenizer, template, and
# what counts only where it is allowed, pickled weights and code.
_IDENTITY_SUFFIXES = frozenset(
    [".safetensors", ".json", ".jinja", ".txt", ".model", ".tiktoken", ".bin", ".py"]
)


def source_of(name: str) -> str:
    """The folder or Hub id behind a model's name; "bundled" is the model of the package.

    >>> source_of("bundled") == str(BUNDLED_FOLDER), source_of("llava-hf/llava-1.5-7b-hf")
    (True, 'llava-hf/llava-1.5-7b-hf')
    """
    return str(BUNDLED_FOLDER) if name == "bundled" else name


def folder_identity(folder: Path) -> str:
    """sha256 over the names and contents of the files that decide the residuals.

    Large files whose content is known are not read again; see `digest_cache`.

    >>> folder_identity(BUNDLED_FOLDER) == vlm.revision
    True
    """
    return files_digest(folder, _deciding(folder))


def is_quickly_identified(name: str) -> bool:
    """Whether a model is told without reading large files: a Hub id, or a folder that was before.

    >>> is_quickly_identified("bundled")
    True
    """
    folder = Path(source_of(name))
    return not folder.is_dir() or all(is_known(path) for path in _deciding(folder))


def _deciding(folder: Path) -> list[Path]:
    # A processor also takes templates from this folder within.
    paths = [*folder.iterdir(), *folder.glob("additional_chat_templates/*")]
    return [path for path in paths if path.suffix in _IDENTITY_SUFFIXES and path.is_file()]


def files_digest(folder: Path, paths: Iterable[Path]) -> str:
    """sha256 over the names in a folder, and the contents, of those paths that are files.

    >>> config = BUNDLED_FOLDER / "config.json"
    >>> files_digest(BUNDLED_FOLDER, [config]) == files_digest(BUNDLED_FOLDER, [config, config])
    False
    """
    total = hashlib.sha256()
    for path in sorted(path for path in paths if path.is_file()):
        total.update(f"{path.relative_to(folder)} {file_digest(path)}\n".encode())
    return f"sha256:{total.hexdigest()}"


def known_revision(name: str, revision: str | None) -> str | None:
    """What `load_vlm(name, revision=revision).revision` will be, if that can be told offline.

    It is the hash of its files for a folder, and for a Hub id the commit of the copy in the local
    cache. It is None if there is neither, for then only loading will tell.

    >>> known_revision("bundled", None) == vlm.revision
    True
    >>> known_revision("./no/such/folder", None) is None
    True
    """
    source = source_of(name)
    if Path(source).is_dir():
        return folder_identity(Path(source))
    if Path(source).is_absolute() or source.startswith("."):
        return None
    # Here, because a model in a folder does not wait for what speaks with the Hub.
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        cached = try_to_load_from_cache(source, "config.json", revision=revision)
    except HFValidationError:
        return None
    return Path(cached).parent.name if isinstance(cached, str) else None
