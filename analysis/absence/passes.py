"""The forward passes that questions about absence need, under every condition: captured once, into
the run."""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from PIL import Image

from analysis.absence.questions import Questions
from analysis.capture.answer_trees import answer_trees
from analysis.capture.other_questions import ask_of
from analysis.capture.passes import BLANK
from analysis.run.opened import OpenRun
from analysis.streams import Stream, stream_rng
from data_prep.attributes import Attribute, attribute_of, stream_key
from data_prep.noise import diffusion_noised

if TYPE_CHECKING:  # torch takes seconds to import, and a finished run does not need it
    from probes.answers.tree import AnswerTree
    from probes.residuals.rows import StoredRows

Condition = Literal["real", "blank", "other", "noised", "disturbed", "or none"]
NONE = "none"
OR_NONE = "{question} If there is none, answer none."
DISTURBED = "You are a confused object detector. {question}"
"""The disturbance that Wang et al. (2024), arXiv:2403.18715, put before a question."""
NOISE_STEP = 500
"""The step of the diffusion at which VCD looks at an image (of 1000)."""
_NOISED = "noised:"
_HALF = (0.5, 0.5, 0.5)
Scale = tuple[tuple[float, ...], tuple[float, ...]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Passes:
    """The residuals of some passes at the nodes where their answers are read, one pass for each
    item. They stay on disk until they are read."""

    rows: "StoredRows"
    trees: "tuple[AnswerTree, ...]"
    """The answer tree of each item's question."""
    n_passes: int
    """How many forward passes this took beside those of the condition real."""

    @property
    def answers(self) -> tuple[str, ...]:
        return self.trees[0].answers


def passes_of(opened: OpenRun, questions: Questions, condition: Condition) -> Passes:
    """The passes of a condition, from the run or captured now.

    real: image and question. blank: the uniform image. other: the image of a scene in
    another group that the same text is asked of, which is a real pass already. noised: the image
    under diffusion noise. disturbed: after a misleading instruction. or none: after the question it
    is said that the answer may be none, and none is scored among the answers.
    """
    items = questions.items
    make: Mapping[Condition, Callable[[], list[tuple[str, str, str]]]] = {
        "real": lambda: _each(items["image"], items["question"]),
        "blank": lambda: _each([BLANK] * len(items), items["question"]),
        "other": lambda: _each(other_images(opened, questions), items["question"]),
        "noised": lambda: _each([f"{_NOISED}{each}" for each in items["image"]], items["question"]),
        "disturbed": lambda: _each(
            items["image"], [DISTURBED.format(question=each) for each in items["question"]]
        ),
        "or none": lambda: _each(
            items["image"], [OR_NONE.format(question=each) for each in items["question"]]
        ),
    }
    wanted = make[condition]()
    shared = condition in ("real", "other")
    # Most passes of the condition other are real ones: all are kept together, each made once.
    every = [*make["real"](), *make["other"]()] if shared else wanted
    folder = f"absence-{'real' if shared else condition.replace(' ', '-')}-{questions.digest}"
    source = list(dict.fromkeys(every))
    words = with_none(questions.answers) if condition == "or none" else questions.answers
    asked = ask_of(_noising(opened), items, source, words, folder=folder)
    texts = [text for _, _, text in wanted]
    return Passes(
        rows=asked.rows([pass_id for pass_id, _, _ in wanted]),
        trees=tuple(answer_trees(opened, words, texts).of(texts)),
        n_passes=len(set(wanted) - (set(make["real"]()) if shared else set())),
    )


def with_none(answers: Attribute) -> Attribute:
    """The same answers, and besides them that there is none."""
    words = {name: answers.words[name] for name in answers.answers}
    return attribute_of(answers.name, words | {NONE: (NONE,)})


def other_images(opened: OpenRun, questions: Questions) -> list[str]:
    """For every item the image of a scene in another group: of one that the same text is asked of,
    else of any.

    Not of its own group: there the same text has the opposite answer, and to be told so by a
    contrast would be to be told the answer.
    """
    items = questions.items
    rng = opened.run.study.rng(Stream.OTHER_IMAGES, stream_key(questions.name))
    rows = list(zip(items["image"], items["question"], items["group"], strict=True))
    by_text: dict[str, list[tuple[str, str]]] = {}
    for image, text, group in rows:
        by_text.setdefault(text, []).append((image, group))
    every = [(image, group) for image, _, group in rows]
    found = []
    for _, text, group in rows:
        for offers in (by_text[text], every):
            others = sorted({image for image, other in offers if other != group})
            if others:
                found.append(others[int(rng.integers(len(others)))])
                break
    return found


def _each(images: object, texts: object) -> list[tuple[str, str, str]]:
    """Passes that are named after what they show and ask, so that equal ones are run once."""
    pairs = zip(images, texts, strict=True)  # pyright: ignore[reportArgumentType]
    return [(f"{image}|{text}", image, text) for image, text in pairs]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Noised:
    """Opens images, also under noise, which is as strong as after the processor."""

    open: Callable[[str], Image.Image]
    seed: int
    scale: Callable[[], Scale]
    """Mean and spread that the model's processor takes off an image's values."""

    def __call__(self, key: str) -> Image.Image:
        if not key.startswith(_NOISED):
            return self.open(key)
        own = key.removeprefix(_NOISED)
        rng = stream_rng(self.seed, Stream.NOISED_IMAGES, zlib.crc32(own.encode()))
        mean, spread = self.scale()
        return diffusion_noised(self.open(own), step=NOISE_STEP, rng=rng, mean=mean, spread=spread)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sized:
    """The sizes of images, also of those under noise."""

    size: Callable[[str], tuple[int, int]]

    def __call__(self, key: str) -> tuple[int, int]:
        return self.size(key.removeprefix(_NOISED))


def _noising(opened: OpenRun) -> OpenRun:
    data = opened.data
    noised = replace(
        data,
        open_image=_Noised(
            open=data.open_image, seed=opened.run.study.seed, scale=lambda: _scale(opened)
        ),
        image_size=_Sized(size=data.image_size),
    )
    return replace(opened, data=noised)


def _scale(opened: OpenRun) -> Scale:
    """Mean and spread of the model's image processor; half of the range for one without."""
    own = opened.load_model().processor.image_processor
    mean, spread = (getattr(own, name, None) or _HALF for name in ("image_mean", "image_std"))
    return (tuple(mean), tuple(spread)) if len(mean) == len(spread) == 3 else (_HALF, _HALF)
