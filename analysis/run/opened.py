"""A run that is open: its folder, its data, and its model on demand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from analysis.run.folder import Run
from data_prep.scene_data import SceneData

if TYPE_CHECKING:  # a finished run needs neither torch nor the model
    from probes.vlm import VLM

Engine = Literal["local", "ray"]
BatchSize = Literal["auto"] | int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRun:
    """A claimed run folder with its data, and its model on demand."""

    run: Run
    data: SceneData
    load_model: "Callable[[], VLM]"
    """Gives the model; it is loaded at the first call."""
    about: Mapping[str, Any]
    """The facts about model and data that every results.json records."""
    engine: Engine = "local"
    batch_size: BatchSize = "auto"
    model_arguments: Mapping[str, Any] = field(default_factory=dict)
    """The arguments of `load_vlm`, for the workers of an engine, which load the model
    themselves."""

    @property
    def lens_attributes(self) -> tuple[str, ...]:
        """The attributes on whose answer positions the tuned lens is trained."""
        return self.data.chosen(self.run.study.lens_attributes)

    def tokenizer(self) -> Any:
        """The model's tokenizer. Loads the model if it is not loaded yet."""
        return self.load_model().tokenizer
