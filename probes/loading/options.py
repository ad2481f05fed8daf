"""How a model is to be loaded."""

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal, get_args

import torch

from data_prep.errors import UserError
from probes.devices import working_device
from probes.prompts import PromptStyle

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
DeviceMap = Literal["auto", "balanced", "sequential"]
Gate = Literal["full", "quick"]
""""full": every check of the gate; "quick": those that one item and two forward passes allow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """Options of `load_vlm`, checked."""

    device: str = "auto"
    """The device to load on; "auto" is CUDA where there is one and the CPU elsewhere."""
    device_map: DeviceMap | None = None
    """Spread over all devices by accelerate, for models larger than one of them."""
    dtype: str = "float32"
    quantize: Literal[4, 8] | None = None
    """Bits of the weights of all blocks (bitsandbytes; 4: nf4, 8: LLM.int8). The head stays."""
    attention: str | None = None
    """Attention implementation, such as eager, sdpa, flash_attention_2; None: transformers'
    choice."""
    revision: str | None = None
    """The revision of a Hub model: a branch, tag or commit."""
    prompt_style: PromptStyle = "card"
    trust_remote_code: bool = False
    """Run code that comes with the checkpoint."""
    allow_pickle: bool = False
    """Read weights from .bin files where there are no others, without running code in them."""
    gate: Gate = "full"

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise UserError(f"unknown dtype {self.dtype!r}: choose from {', '.join(DTYPES)}")
        if self.prompt_style not in get_args(PromptStyle):
            raise UserError(
                f"unknown prompt style {self.prompt_style!r}: choose from "
                f"{', '.join(get_args(PromptStyle))}"
            )
        if self.gate not in get_args(Gate):
            raise UserError(f"unknown gate {self.gate!r}: choose from {', '.join(get_args(Gate))}")
        if self.device_map is not None and self.device_map not in get_args(DeviceMap):
            raise UserError(
                f"unknown device map {self.device_map!r}: choose from "
                f"{', '.join(get_args(DeviceMap))}"
            )
        if self.device_map is not None and self.device != "auto":
            raise UserError(
                f"a device map chooses the devices, got device {self.device!r} beside it: leave "
                "one out"
            )
        if self.quantize is None:
            return
        if self.quantize not in (4, 8):
            raise UserError(f"weights are quantized to 4 or 8 bits, got {self.quantize}")
        if self.quantize == 8 and self.dtype != "float16":
            raise UserError(
                f"8-bit weights are multiplied in float16, got dtype {self.dtype}: add --dtype "
                "float16, or take --quantize 4"
            )
        if find_spec("bitsandbytes") is None:
            raise UserError(
                "quantization needs bitsandbytes, which is not installed: pip install -e "
                "'.[quantize]'"
            )

    @property
    def torch_dtype(self) -> torch.dtype:
        return DTYPES[self.dtype]

    @property
    def target(self) -> torch.device:
        """The device, known to work. UserError for one that cannot be used here."""
        return working_device(self.device)
