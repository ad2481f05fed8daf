"""Training-free decoding against hallucination: pure functions on next-token logits."""

from probes.decoding.contrast import contrast, m3id
from probes.decoding.deco import DecoLogits, deco
from probes.decoding.dola import DolaLogits, dola
from probes.decoding.plausible import cut_implausible, plausible
from probes.decoding.sled import sled

__all__ = [
    "DecoLogits",
    "DolaLogits",
    "contrast",
    "cut_implausible",
    "deco",
    "dola",
    "m3id",
    "plausible",
    "sled",
]
