"""Products are made in bfloat16 only where the processor can."""

import pytest
import torch

from probes import native_products
from probes.native_products import multiplies_bfloat16, quick_products

CPU = torch.device("cpu")


@pytest.mark.parametrize("native", [True, False])
def test_bfloat16_is_used_where_it_is_native(native, monkeypatch):
    monkeypatch.setattr(native_products, "multiplies_bfloat16", lambda device: native)
    with quick_products(CPU):
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype == (torch.bfloat16 if native else torch.float32)
    assert not torch.is_autocast_enabled("cpu")


def test_accelerators_can():
    assert multiplies_bfloat16(torch.device("cuda"))


def test_pytorch_still_tells_of_the_processor():
    assert multiplies_bfloat16(CPU) in (True, False)
