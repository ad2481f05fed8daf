"""What every command that works on a run shares: its options, and opening the run that they
name."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, final

import tyro

from analysis.commands.declared_order import declared_order
from analysis.commands.shipped_studies import study_named
from analysis.run.folder import claim, recorded_identity, recorded_study
from analysis.run.kept_data import keep_data, kept_data
from analysis.run.opened import BatchSize, Engine, OpenRun
from analysis.run.study import Study
from data_prep.command_line import from_command_line, require_values
from data_prep.errors import UserError
from data_prep.option_rules import Within, require_rules
from data_prep.scene_data import SceneData
from data_prep.sources import open_data
from probes.loading.identity import known_revision

if TYPE_CHECKING:  # a finished run needs neither torch nor the model
    from probes.vlm import VLM


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """The options of every command that works on a run; commands add their own."""

    run: Path | None = None
    """Folder of the run; default: one named after model, data and study, under runs/."""
    study: Path | None = None
    """Study file to start from, or the name of a shipped one (analysis/studies): the plan, and in a
    table [COMMAND] the options of a command. What else is given here replaces what it says. An
    order of attributes in its table [order] is declared if the run is begun with the file."""
    device: str = "auto"
    """Where the model runs: cpu, cuda, cuda:1, mps; auto: CUDA where there is one, else the
    CPU."""
    device_map: Literal["auto", "balanced", "sequential"] | None = None
    """Spread a model that is larger than one device over all of them."""
    trust_remote_code: bool = False
    """Run code that comes with the model."""
    allow_pickle: bool = False
    """Read weights from .bin files if there are no others; no code in them is run."""
    engine: Engine = "local"
    """Who captures residuals: this process, or the workers of a Ray cluster (the one of
    RAY_ADDRESS, else this machine's CPUs or GPUs)."""
    batch_size: Annotated[BatchSize, Within(1, 100_000, otherwise=", or auto")] = "auto"
    """Forward passes run together; auto: 32 on a CPU (4 for models above 1e9 parameters), on an
    accelerator the largest that is worth its memory. A capture that goes on keeps its own."""
    plan: Annotated[Study, tyro.conf.arg(name="")] = field(default_factory=Study)

    @final
    def __post_init__(self) -> None:
        """UserError for values that a field cannot have, of this class or of one derived from it,
        and for values that do not go together.

        Derived classes must not replace this: they check their own options in `require_consistent`.
        """
        require_rules(self, typed=True)
        self.require_consistent()

    def require_consistent(self) -> None:
        """UserError for options of a command that do not go together; this class has none."""

    def require_attributes(self, data: SceneData) -> None:
        """UserError if the plan, or the command, names attributes that the data does not have."""
        data.chosen(self.plan.lens_attributes)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeOptions(RunOptions):
    """The options of a command that treats attributes one by one, and so can be given several."""

    attr: tuple[str, ...] = ("usual",)
    """Attributes of the data, or all. Scenes in CLEVR's terms have color, shape, material, size and
    count; usual: the first three of these, all of other data."""

    def require_attributes(self, data: SceneData) -> None:
        # Not by super(): a slotted dataclass is another class than the one it was written as.
        RunOptions.require_attributes(self, data)
        self.attributes(data)

    def attributes(self, data: SceneData) -> tuple[str, ...]:
        """The attributes asked for, each once. UserError for none, or for one that is unknown."""
        if not self.attr:
            raise UserError(f"--attr needs at least one of {', '.join(data.attributes)}, or all")
        return data.chosen(self.attr)


Options = TypeVar("Options", bound=RunOptions)


def open_run(options: RunOptions) -> OpenRun:
    """The run that the options name, new or begun before; the model is loaded only if its
    revision cannot be told without."""
    study = options.plan
    recorded = recorded_identity(options.run)
    data = _data(options, recorded)
    options.require_attributes(data)

    arguments = model_arguments(options)

    @cache
    def load_model() -> "VLM":
        from probes import load_vlm

        # Beside workers, which need the accelerators whole, this process only looks at the model.
        here = {"device": "cpu", "device_map": None} if options.engine == "ray" else {}
        return load_vlm(study.model, **{**arguments, **here})

    revision = known_revision(study.model, study.revision)
    if revision is None and recorded is not None and recorded["plan"]["model"] == study.model:
        # What was captured where the model is can be read where it is not.
        revision = str(recorded["model_revision"])
    revision = revision or load_model().revision
    made_from = {"model_revision": revision, "data_fingerprint": data.fingerprint}
    declared = declared_order(options.study, data, study.identity(**made_from))
    run = claim(options.run, study, **made_from, declared=declared)
    keep_data(run, data)

    def load_to_work() -> "VLM":
        run.require_free()  # before the model is loaded, not when there is something to keep
        return load_model()

    def size_fault(size: tuple[int, int]) -> str | None:
        from probes.image_sizes import size_fault as fault_of

        return fault_of(load_to_work(), size)

    about = {
        "model": study.model,
        "data": data.name,
        **made_from,
    }
    return OpenRun(
        run=run,
        data=replace(data, size_fault=size_fault),
        load_model=load_to_work,
        about=about,
        engine=options.engine,
        batch_size=options.batch_size,
        model_arguments=arguments,
    )


def model_arguments(options: RunOptions) -> dict[str, Any]:
    """The arguments of `load_vlm` beside the model's name."""
    study = options.plan
    return {
        "device": options.device,
        "device_map": options.device_map,
        "dtype": study.dtype,
        "quantize": study.quantize,
        "attention": study.attention,
        "revision": study.revision,
        "prompt_style": study.prompt_style,
        "trust_remote_code": options.trust_remote_code,
        "allow_pickle": options.allow_pickle,
    }


def _data(options: RunOptions, recorded: Mapping[str, Any] | None) -> SceneData:
    """The data of the plan; where it is not at hand, what the run has kept of it, and then a
    message says so."""
    study = options.plan
    try:
        return open_data(study.data, study.data_options)
    except UserError as error:
        same = recorded is not None and recorded["plan"]["data"] == study.data
        kept = kept_data(options.run) if same else None
        if kept is None:
            raise
        print(f"note: {error}; going on with what {options.run} holds", file=sys.stderr)
        return kept


def parse_options(kind: type[Options], *, command: str, arguments: Sequence[str]) -> Options:
    """The options of a command line. Options that it does not give are taken from the study file
    that it names, or else from that of the run."""
    require_values(arguments)
    parse = partial(from_command_line, kind, command=command, arguments=arguments)
    # Only the two together need make a plan: a level in one may ask for resamples in the other.
    chooser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    chooser.add_argument("--study", type=Path)
    chooser.add_argument("--run", type=Path)
    try:
        named = chooser.parse_known_args(arguments)[0]
    except argparse.ArgumentError:
        return parse()  # raises: says what is wrong with it
    file = named.study or (None if named.run is None else recorded_study(named.run))
    if file is None:
        return parse()
    study = study_named(file)
    default = kind(plan=study.plan)
    shared = {each.name for each in fields(RunOptions)}
    own = [each.name for each in fields(kind) if each.name not in shared]
    if declared := study.arguments(command.rpartition(".")[2], own):
        try:
            default = from_command_line(kind, command=command, arguments=declared, default=default)
        except UserError as error:
            raise UserError(f"{file}: {error}") from error
    return parse(default=default)
