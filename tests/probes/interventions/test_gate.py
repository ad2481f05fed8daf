"""The gate of interventions lets every family pass, and refuses what it should."""

import pytest
import torch

from probes.interventions.gate import check_interventions
from probes.interventions.pass_on import Intervened
from probes.interventions.tail import KeysAndValues
from probes.unembedding import GateError
from tests.probes.families.small import FAMILIES

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_passes(name, loaded):
    found = check_interventions(loaded(name))
    assert found.worst < 1e-5
    assert found.worst_tail < 1e-5
    assert (found.worst_tail == 0) == (name in ("paligemma", "paligemma2", "mllama"))
    assert found.safe_from == (2 if name == "qwen3_vl" else 0)
    assert found.whole_from == {"qwen3_vl": 2, "mllama": 4}.get(name, 0)


def test_a_pass_that_goes_on_otherwise_is_refused(loaded, monkeypatch):
    go_on = Intervened.go_on
    monkeypatch.setattr(Intervened, "go_on", lambda *given: go_on(*given) * (1 + 1e-6))
    with pytest.raises(GateError, match="must change nothing, got a difference of"):
        check_interventions(loaded("llava"))


def test_an_image_that_comes_from_beside_is_refused(loaded, monkeypatch):
    """Mllama's stream does not hold the image before its last cross attention."""
    monkeypatch.setattr("probes.interventions.gate._last_beside", lambda vlm: 0)
    with pytest.raises(GateError, match=r"put in at layer 0 of Mllama.* must give that image's"):
        check_interventions(loaded("mllama"))


def test_an_edit_that_misses_is_refused(loaded, monkeypatch):
    vlm = loaded("llava")
    kept = Intervened.go_on

    def late(self, layer, stream):
        return kept(self, layer, torch.where(torch.tensor(layer < 3), self.streams[layer], stream))

    monkeypatch.setattr(Intervened, "go_on", late)
    with pytest.raises(GateError, match="put in at layer 0 of LlavaForConditionalGeneration"):
        check_interventions(vlm)


def test_a_tail_beside_wrong_keys_is_refused(loaded, monkeypatch):
    update = KeysAndValues.update

    def forgets(self, keys, values, layer_idx, *more):
        own = update(self, keys, values, layer_idx, *more)
        return own if self.start is None else (own[0] * 1.01, own[1])

    monkeypatch.setattr(KeysAndValues, "update", forgets)
    with pytest.raises(GateError, match="must give what one over all tokens gives"):
        check_interventions(loaded("llava"))
