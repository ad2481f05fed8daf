"""The signals by their names, without what computes them."""

from collections.abc import Mapping

STATED, PROBE = "stated", "probe"
SIGNAL_NAMES: Mapping[str, str] = {
    STATED: "stated probability",
    "information": "information claimed",
    "entropy": "entropy of the next token",
    "image": "divergence from a blank image",
    "last": "divergence from the last layer",
    "words": "the word in the image's tokens",
    "attention": "attention to the image",
    PROBE: "linear probe",
}
"""What each signal is called. stated: the answers' own probability (for absence among yes and no
that of no, else how little the preferred answer has). information: bits that the layer claims to
tell about the answer, by a reader fitted on other scenes, fewer speaking for absence."""
