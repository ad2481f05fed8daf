"""What was checked of a model, with the differences found: a certificate.

    python -m probes.gate MODEL --out certificate.json
    python -m probes.gate MODEL --residuals FILE.safetensors

The second checks residuals that another tool captured. A check that fails ends the command with
code 1.
"""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Literal

import tyro

from data_prep.command_line import from_command_line
from data_prep.errors import one_line_errors
from data_prep.files.durable import write_durably
from data_prep.files.output import require_output_file
from data_prep.option_rules import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class GateOptions:
    """Check a model at the gate, and write down what was found."""

    model: Annotated[str, Place(), tyro.conf.Positional]
    """"bundled", a model folder, or a Hub id."""
    residuals: Path | None = None
    """Check what another tool captured instead: a safetensors file with the tensors `residuals`
    [item, layer, d_model] at the answer position, and `logits`, the model's own, [item, vocab] or
    [item, token, vocab]."""
    out: Path | None = None
    """Where to write the certificate, as JSON; default: only print it."""
    gate: Literal["full", "quick"] = "full"
    """quick: one item, two forward passes, and what the model says is left out."""
    device: str = "auto"
    """Where the model runs: cpu, cuda, cuda:1, mps; auto: CUDA where there is one, else the
    CPU."""
    device_map: Literal["auto", "balanced", "sequential"] | None = None
    """Spread a model that is larger than one device over all of them."""
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    """Format of numbers that the model computes in."""
    quantize: Literal[4, 8] | None = None
    """Bits of the weights of the blocks; default: those of the dtype."""
    attention: str | None = None
    """Implementation of attention, such as sdpa or eager; default: the library's choice."""
    revision: str | None = None
    """Of a Hub model: a branch, tag or commit."""
    prompt_style: Literal["card", "one_word", "bare"] = "card"
    """card: the model's own chat template; one_word: asked for a word; bare: no template."""
    trust_remote_code: bool = False
    """Run code that comes with the model."""
    allow_pickle: bool = False
    """Read weights from .bin files if there are no others; no code in them is run."""


def main(options: GateOptions) -> int:
    """Prints the certificate, writes it if asked to, and gives the exit code.

    >>> main(GateOptions(model="bundled", device="cpu", gate="quick"))  # doctest: +ELLIPSIS
    bundled: what is read from it against what it computes
    ...
    16 of 16 checks passed
    0
    """
    if options.out is not None:
        require_output_file(options.out, "--out")
    # Torch and transformers take seconds to import: --help should not wait for them.
    from probes.gate.certified import certify_model, certify_residuals
    from probes.loading.options import Loading

    loading = Loading(**{each.name: getattr(options, each.name) for each in fields(Loading)})
    if options.residuals is None:
        certificate = certify_model(options.model, loading)
    else:
        certificate = certify_residuals(options.model, loading, options.residuals)
    if options.out is not None:
        write_durably(options.out, certificate.content())
    print("\n".join(certificate.lines()))
    return 0 if certificate.passed else 1


if __name__ == "__main__":
    with one_line_errors():
        raise SystemExit(main(from_command_line(GateOptions, command="python -m probes.gate")))
