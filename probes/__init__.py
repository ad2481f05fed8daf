"""Everything that touches the model: loading, capture, unembedding, readouts."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from probes.linear_probe import LinearProbe
    from probes.loading.load import load_vlm
    from probes.tuned_lens import TunedLens
    from probes.vlm import VLM

__all__ = ["VLM", "LinearProbe", "TunedLens", "load_vlm"]


def __getattr__(name: str) -> Any:
    # Torch and transformers take seconds to import: a command's --help should not wait for them.
    if name == "load_vlm":
        from probes.loading.load import load_vlm

        return load_vlm
    if name == "VLM":
        from probes.vlm import VLM

        return VLM
    if name == "TunedLens":
        from probes.tuned_lens import TunedLens

        return TunedLens
    if name == "LinearProbe":
        from probes.linear_probe import LinearProbe

        return LinearProbe
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
