"""What a run keeps of its data, so that it can be read where neither images nor scenes are at
hand."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from analysis.run.folder import Run
from data_prep.attributes import Attribute, attribute_of
from data_prep.errors import UserError
from data_prep.files.durable import write_durably
from data_prep.files.sealed import read_sealed_json, sealed_json
from data_prep.questions import Question
from data_prep.scene_data import SceneData

_FILE = "data.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class _KeptAsking:
    """Stands for the questions of data that is not at hand: the run's items hold what was asked,
    and nothing new can be asked."""

    attributes: Mapping[str, Attribute]
    usual: tuple[str, ...]
    left_out: Mapping[str, str]

    def offers(self, scene: Any, name: str, questions: str) -> tuple[Question, ...]:
        return ()

    def why_not(self, scene: Any, name: str, questions: str) -> str:
        return "the data is not here"

    def remedy(self, reasons: Mapping[str, int], questions: str) -> str:
        return "ask on the machine that has the data"


def keep_data(run: Run, data: SceneData) -> None:
    """Write the names, answer sets and fingerprint of the data into the run, once."""
    if (run.folder / _FILE).exists():
        return
    content = {
        "name": data.name,
        "fingerprint": data.fingerprint,
        "usual": data.asking.usual,
        "left_out": dict(data.asking.left_out),
        "attributes": {
            name: {"words": dict(each.words), "from_data": each.from_data}
            for name, each in data.attributes.items()
        },
    }
    write_durably(run.folder / _FILE, sealed_json(content))


def kept_data(folder: Path | None) -> SceneData | None:
    """The data of a run as far as the run has kept it: there are no scenes in it, and no images.

    None if nothing was kept. UserError if what was kept is damaged.
    """
    path = None if folder is None else folder / _FILE
    if path is None or not path.exists():
        return None
    try:
        kept = read_sealed_json(path)
        asking = _KeptAsking(
            attributes={
                name: attribute_of(name, each["words"], from_data=each["from_data"])
                for name, each in kept["attributes"].items()
            },
            usual=tuple(kept["usual"]),
            left_out=kept["left_out"],
        )
        name, fingerprint = str(kept["name"]), str(kept["fingerprint"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path} is damaged ({error}): copy it again from its source") from error

    def absent(key: str) -> NoReturn:
        raise UserError(
            f"the images of {name} are not here, got asked for {key!r}: do this part on the "
            "machine that has them, and copy the run folder"
        )

    return SceneData(
        scenes=(),
        asking=asking,
        open_image=absent,
        image_size=absent,
        name=name,
        fingerprint=fingerprint,
    )
