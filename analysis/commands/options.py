"""What every command that works on a run shares: its options, and opening the run that they
name."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeVar, final

import tyro

from analysis.commands.declared_order import declared_order
from analysis.commands.shipped_studies import study_named
from analysis.commands.taken_scenes import begun_with, require_askable, with_what_is_askable
from analysis.run.folder import claim, expected_run, recorded_identity, recorded_study
from analysis.run.kept_data import keep_data, kept_data
from analysis.run.opened import BatchSize, Engine, OpenRun
from analysis.run.scores_only import open_scores
from analysis.run.study import Study
from data_prep.command_line import from_command_line, require_values
from data_prep.errors import UserError
from data_prep.given_scores.data import SCORES_ONLY, are_scores
from data_prep.option_rules import Within, require_rules
from data_prep.scene_data import SceneData
from data_prep.sources import open_data
from data_prep.terminal.progress import show_progress
from probes.loading.identity import is_quickly_identified, known_revision

if TYPE_CHECKING:  # a finished run needs neither torch nor the model
    from analysis.capture.residuals import PositionName
    from probes.vlm import VLM


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """The options of every command that works on a run; commands add their own."""

    runs_more: ClassVar[bool] = False
    """Whether the command runs forward passes beside the capture of residuals of its items."""
    scores_suffice: ClassVar[bool] = False
    """Whether the command needs neither model nor images, and so works on scores from elsewhere."""

    run: Path | None = None
    """Folder of the run; default: one named after model, data and study, under runs/."""
    study: Path | None = None
    """Study file to start from, or the name of a shipped one (analysis/commands/studies): the plan,
    and in a table [COMMAND] the options of a command. What else is given here replaces what it
    says. An order of attributes in its table [order] is declared if the run is begun with the
    file."""
    device: str = "auto"
    """Where the model runs: cpu, cuda, cuda:1, mps; auto: CUDA where there is one, else the
    CPU."""
    device_map: Literal["auto", "balanced", "sequential"] | None = None
    """Spread a model that is larger than one device over all of them."""
    trust_remote_code: bool = False
    """Run code that comes with the model."""
    allow_pickle: bool = False
    """Read weights from .bin files if there are no others; no code in them is run."""
    gate: Literal["full", "quick"] = "full"
    """What is compared when the model is loaded: full, with padded batches and several images;
    quick, one item alone, for models that take minutes (python -m probes.gate does the rest)."""
    engine: Engine = "local"
    """Who captures residuals: this process, or the workers of a Ray cluster (the one of
    RAY_ADDRESS, else this machine's CPUs or GPUs)."""
    batch_size: Annotated[BatchSize, Within(1, 100_000, otherwise=", or auto")] = "auto"
    """Forward passes run together; auto: 32 on a CPU (4 for models above 1e9 parameters), on an
    accelerator the largest that is worth its memory. A capture that goes on keeps its own."""
    plan_only: Annotated[bool, tyro.conf.arg(name="plan")] = False
    """Do nothing but say what is to be done: scenes, items, forward passes, time, disk, memory, and
    what is there already. Nothing is written."""
    quiet: bool = False
    """Show no progress: neither bars nor lines."""
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

    @property
    def judges(self) -> bool:
        """Whether the command takes statistics of attributes, for which there must be enough
        scenes, and not only a look at some items."""
        return True

    def measured(self, data: SceneData) -> tuple[str, ...]:
        """The attributes whose items the command measures; this class has none."""
        return ()

    def captures(self, opened: OpenRun) -> "tuple[tuple[str, PositionName], ...]":
        """The attributes whose residuals the command needs, and at which position."""
        return tuple((name, "answer") for name in self.measured(opened.data))

    @property
    def n_readouts(self) -> int:
        """How many readouts read the residuals."""
        return 1

    def require_attributes(self, data: SceneData) -> None:
        """UserError if the plan, or the command, names attributes that the data does not have."""
        data.chosen(self.plan.lens_attributes)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeOptions(RunOptions):
    """The options of a command that treats attributes one by one, and so can be given several."""

    attr: tuple[str, ...] = ("usual",)
    """Attributes of the data, or all. Scenes in CLEVR's terms have color, shape, material, size and
    count; usual: the first three of these, all of other data. What cannot be asked of these scenes
    is left out, unless it is named here."""
    declared: Annotated[tuple[str, ...], tyro.conf.Suppress, tyro.conf.Fixed] = ()
    """The attributes that a study file names, if they are asked because it does."""

    def require_attributes(self, data: SceneData) -> None:
        # Not by super(): a slotted dataclass is another class than the one it was written as.
        RunOptions.require_attributes(self, data)
        self.attributes(data)

    def attributes(self, data: SceneData) -> tuple[str, ...]:
        """The attributes asked for, each once. UserError for none, or for one that is unknown."""
        if not self.attr:
            raise UserError(f"--attr needs at least one of {', '.join(data.attributes)}, or all")
        names = data.chosen(self.attr)
        return data.askable(names) if self.attr == self.declared else names

    def measured(self, data: SceneData) -> tuple[str, ...]:
        return self.attributes(data)


Options = TypeVar("Options", bound=RunOptions)


def open_run(options: RunOptions) -> OpenRun:
    """The run that the options name, new or begun before; the model is loaded only if its
    revision cannot be told without.

    With --plan nothing is begun: what is to be done is printed, and SystemExit ends the command.
    """
    show_progress(quiet=options.quiet)
    recorded = recorded_identity(options.run)
    data = _data(options, recorded)
    options.require_attributes(data)
    study = begun_with(options.plan, data, recorded)
    if are_scores(study.data):
        if not options.scores_suffice:
            raise UserError(SCORES_ONLY)
        if options.plan_only:
            raise UserError("--plan tells of forward passes, and scores need none: leave it out")
        declare = partial(declared_order, options.study, data)
        names = options.measured(data) if options.judges else ()
        return open_scores(options.run, study, data, names=names, declare=declare)

    # Before the model is loaded, which may have to be done to learn its revision.
    asked = with_what_is_askable(data, study, options.run) if options.judges else data
    require_askable(asked, options.measured(asked), wanted=options.measured(data))
    arguments = model_arguments(options)
    # Beside workers, which need the accelerators whole, this process only looks at the model.
    here = {"device": "cpu", "device_map": None} if options.engine == "ray" else {}

    @cache
    def load_model() -> "VLM":
        from probes import load_vlm

        return load_vlm(study.model, **{**arguments, **here})

    begins = recorded is None and not options.plan_only
    if begins and not is_quickly_identified(study.model):
        # Of gigabytes that do not fit no checksum is needed.
        from probes.loading.load import require_room
        from probes.loading.options import Loading

        require_room(study.model, Loading(**{**arguments, **here}))
    revision = known_revision(study.model, study.revision)
    if revision is None and recorded is not None and recorded["plan"]["model"] == study.model:
        # What was captured where the model is can be read where it is not.
        revision = str(recorded["model_revision"])
    revision = revision or load_model().revision
    made_from = {"model_revision": revision, "data_fingerprint": data.fingerprint}
    declared = declared_order(options.study, data, study.identity(**made_from))
    if options.plan_only:
        run = expected_run(options.run, study, **made_from)
    else:
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
    opened = OpenRun(
        run=run,
        data=replace(asked, size_fault=size_fault),
        load_model=load_to_work,
        about=about,
        engine=options.engine,
        batch_size=options.batch_size,
        model_arguments=arguments,
    )
    if options.plan_only:
        from analysis.forecast.command import show_plan

        show_plan(
            opened,
            options.captures(opened),
            n_readouts=options.n_readouts,
            runs_more=options.runs_more,
        )
        raise SystemExit(0)
    return opened


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
        "gate": options.gate,
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
        if not are_scores(study.data):  # of them the run has kept all that it was asked
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
    name = command.rpartition(".")[2]
    if declared := study.arguments(name, own):
        try:
            default = from_command_line(kind, command=command, arguments=declared, default=default)
        except UserError as error:
            raise UserError(f"{file}: {error}") from error
    options = parse(default=default)
    if isinstance(options, AttributeOptions) and "attr" in study.options.get(name, {}):
        named = any(word.partition("=")[0] == "--attr" for word in arguments)
        return options if named else replace(options, declared=options.attr)
    return options
