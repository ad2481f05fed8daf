"""The declared plan of a study: everything that is decided before looking at a result."""

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from typing import Annotated, Any, Literal

import numpy as np

from analysis.run.format import FORMAT
from analysis.streams import Stream, stream_rng
from data_prep.command_line import NamedTexts
from data_prep.errors import UserError
from data_prep.option_rules import (
    MOST_LAYERS,
    MOST_RESAMPLES,
    MOST_SCENES,
    MOST_SEED,
    Between,
    Filled,
    Place,
    Within,
    require_rules,
)
from data_prep.sources import DataOptions

NAMES = ("model", "data", "contrast")
"""Fields of a plan that say where something lies. They are left out of the study's hash, which
takes what lies there instead."""

# That of `stats.shuffled_labels`, which a plan does not wait for: scenes of one text are compared
# among each other, and fewer give intervals that are too narrow.
_LEAST_PER_TEXT = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """What is asked of which model about which scenes, and how the answers are judged."""

    model: Annotated[str, Place()] = "bundled"
    """"bundled", a model folder, or a Hugging Face Hub id."""
    revision: str | None = None
    """Branch, tag or commit of a Hub model."""
    dtype: str = "float32"
    """Number format of the model: float32, bfloat16 or float16."""
    quantize: Literal[4, 8] | None = None
    """Keep the model's weights in 4 or 8 bits (needs the extra `quantize`)."""
    attention: str | None = None
    """Attention implementation: eager, sdpa, flash_attention_2; default: transformers' choice."""
    prompt_style: Literal["card", "one_word", "bare"] = "card"
    """The prompt around a question: the checkpoint's own template (card), the same after asking
    for a single word or phrase (one_word), or nothing but image and question (bare)."""
    data: Annotated[str, Place()] = "bundled"
    """"bundled"; clevr:FOLDER[:SPLIT], CLEVR's layout or its zip archive; coco:FOLDER[:SPLIT],
    COCO's layout; images:FOLDER[:CSV], own images with labels from sub-folders or a CSV;
    hub:NAME[:SPLIT], a data set of the Hugging Face Hub, or a folder of its layout;
    scores:FILE, scores that were captured elsewhere (--scores of analysis.emergence)."""
    contrast: Annotated[str | None, Place()] = None
    """With images:FOLDER a second folder: asked is whether an image shows what the first holds."""
    columns: NamedTexts = field(default_factory=dict)
    """With hub:NAME its columns: --columns image=img kind=label, image for the images, any other
    name for an attribute. Default: its images and its classes."""
    ask: NamedTexts = field(default_factory=dict)
    """Own question texts of photographs, by attribute: --ask label="What bird is this?". The text
    for presence holds {category}."""
    negatives: Literal["random", "popular", "adversarial"] = "random"
    """Which absent categories presence asks for (POPE): any, the most frequent ones, or those
    that stand most often beside the present ones."""
    skip_broken: bool = False
    """Leave out images that cannot be read, instead of refusing to begin; they are counted."""
    min_scenes_per_answer: Annotated[int, Within(1, MOST_SCENES)] = 5
    """Least number of scenes that an answer must have; labels of photographs only."""
    scenes: Annotated[int | Literal["all"] | None, Within(1, MOST_SCENES, otherwise=", or all")] = (
        None
    )
    """Use the first so many scenes only, or all; default: the first 2,000 of CLEVR's, all of other
    data."""
    questions: Literal["referring", "main", "all", "foremost"] = "referring"
    """Which scenes are asked: those with several objects ("What color is the large sphere?"),
    those with one ("Color of the main object:"), or both; foremost asks every scene for its main
    object in those words, taken as the foremost one, as notebooks do."""
    min_scenes_per_text: Annotated[int, Within(1, MOST_SCENES)] = 20
    """Least number of scenes that a question text must serve, 5 or more: scores are compared among
    them. 1: images are swapped instead."""
    swaps: Annotated[int, Within(1, 1000)] = 4
    """Other images per item where texts serve single scenes, so that images must be swapped."""
    whole_words: bool = False
    """Keep residuals after every token of every spelling, and not only where answers part: adds
    the probability of whole words to the choices that the emergence layer is tried under."""
    lens_attributes: Annotated[
        tuple[str, ...], Filled("at least one attribute to train the lens on")
    ] = ("usual",)
    """Attributes on whose answer positions the tuned lens is trained; usual: color, shape and
    material of CLEVR-style scenes, all of other data."""
    margin: Annotated[
        float, Between(0, 1, remedy="it is a share of the answer's entropy, 0.05 is usual")
    ] = 0.05
    """Least effect that matters, as share of the answer's entropy."""
    plateau: Annotated[tuple[int, int] | None, Within(0, MOST_LAYERS)] = None
    """First and last layer of the plateau window; default: the last quarter of the layers."""
    horizon: Annotated[
        int | None, Within(1, MOST_LAYERS, remedy="layer 0 is what enters block 1")
    ] = None
    """Last layer considered; default: the last there is."""
    level: Annotated[float, Between(0, 1, remedy="0.95 is usual")] = 0.95
    """Of intervals and sets; tests are at 1 - level."""
    n_resamples: Annotated[int, Within(1, MOST_RESAMPLES)] = 10_000
    """Bootstrap resamples, sign flips and relabellings."""
    seed: Annotated[int, Within(0, MOST_SEED)] = 0
    """Every random draw of the study follows from it."""

    def __post_init__(self) -> None:
        require_rules(self, typed=False)
        if 1 < self.min_scenes_per_text < _LEAST_PER_TEXT:
            raise UserError(
                f"min_scenes_per_text must not be 2 to {_LEAST_PER_TEXT - 1}, got "
                f"{self.min_scenes_per_text}: take {_LEAST_PER_TEXT} or more, or 1: then images "
                "are swapped"
            )
        if self.plateau is not None and self.plateau[0] > self.plateau[1]:
            raise UserError(
                f"plateau must be its first and last layer, got {list(self.plateau)}: give them "
                "in rising order"
            )
        require_resamples(self.n_resamples, self.level)

    def identity(self, *, model_revision: str, data_fingerprint: str) -> str:
        """Hash of the plan, the model's revision and the data: the same hash gives the same
        results."""
        content = {
            "format": FORMAT,
            "plan": {**asdict(self), **dict.fromkeys(NAMES)},  # what they name decides:
            "model_revision": model_revision,
            "data_fingerprint": data_fingerprint,
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @property
    def data_options(self) -> DataOptions:
        """The part of the plan that says how the data is read, beside its name."""
        return DataOptions(
            contrast=self.contrast,
            columns=self.columns,
            ask=self.ask,
            negatives=self.negatives,
            limit=self.n_scenes,
        )

    @property
    def n_scenes(self) -> int | None:
        """How many scenes are taken at most; None for all that there are."""
        return None if self.scenes == "all" else self.scenes

    def begun_with(self, n_scenes: int, *, usual: int | None) -> "Study":
        """The plan as it is declared when a run is begun with data of so many scenes.

        Of data with more scenes than are usual, those are taken that are usual, unless the plan
        says how many. The run then records the number: its hash does not rest on a default.
        """
        if self.scenes is not None or usual is None or n_scenes <= usual:
            return self
        return replace(self, scenes=usual)

    def require_layers(self, n_layers: int) -> None:
        """UserError if the plateau or the horizon lies beyond the last layer of a model."""
        horizon = n_layers if self.horizon is None else self.horizon
        if horizon > n_layers:
            raise UserError(
                f"horizon must be a layer of the model, 1 to {n_layers}, got {horizon}: lower it"
            )
        if self.plateau is not None and self.plateau[1] > horizon:
            raise UserError(
                f"plateau must end by layer {horizon}, the last considered, got "
                f"{list(self.plateau)}: lower it"
            )

    def rng(self, stream: Stream, *key: int) -> np.random.Generator:
        """The generator of the random draws of `stream` about what `key` says; it does not depend
        on what was drawn before."""
        return stream_rng(self.seed, stream, *key)

    def to_toml(self) -> str:
        """The plan as the text of a study file; fields that are None are left out."""
        lines = [
            f"{name} = {_toml(value)}" for name, value in asdict(self).items() if value is not None
        ]
        return "\n".join(lines) + "\n"


def require_resamples(n_resamples: int, level: float) -> None:
    """UserError for too few resamples to read an interval of this level from."""
    least = round(40 / (1 - level))
    if n_resamples < 40 / (1 - level):
        raise UserError(
            f"n_resamples must be at least {least} for level {level}, got {n_resamples}: take more"
        )


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        pairs = (f"{_toml(name)} = {_toml(each)}" for name, each in value.items())
        return f"{{{', '.join(pairs)}}}"
    return json.dumps(value, ensure_ascii=False)
