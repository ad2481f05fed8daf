"""Which sizes of images a model's processor takes, asked before any image is captured.

Processors have limits of their own, such as the shape of a strip or the number of tiles, and say so
by raising in the middle of a study. What they do with an image depends on its size alone, so one
plain image of each size tells all.
"""

from weakref import WeakKeyDictionary

from PIL import Image

from probes.readable_tokens import n_positions
from probes.vlm import VLM

_QUESTION = "What is this?"
_LONGEST = 200
_told: WeakKeyDictionary[VLM, dict[tuple[int, int], str | None]] = WeakKeyDictionary()


def size_fault(vlm: VLM, size: tuple[int, int]) -> str | None:
    """What is wrong with images of this width and height in pixels for the model, in a few words;
    None if it takes them.

    Assumes that the content of an image does not matter. A size is tried once for each model.

    >>> size_fault(vlm, (96, 96))  # None: it takes them
    """
    known = _told.setdefault(vlm, {})
    if size not in known:
        known[size] = _fault(vlm, size)
    return known[size]


def _fault(vlm: VLM, size: tuple[int, int]) -> str | None:
    try:
        inputs = vlm.processed([Image.new("RGB", size, "gray")], [_QUESTION])
    # Processors raise what they like: nobody lists it for all families.
    except Exception as error:
        reason = str(error).strip() or "it fails without a reason"
        return reason if len(reason) <= _LONGEST else f"{reason[:_LONGEST]}..."
    most, n_tokens = n_positions(vlm), inputs["input_ids"].shape[-1]
    if most is not None and n_tokens > most:
        return f"it takes {n_tokens:,} tokens with a question, the model reads {most:,} at most"
    return None
