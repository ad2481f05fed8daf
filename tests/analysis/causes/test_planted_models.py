"""One known block moves the image to the answer position: it is found, from model to results.json.

On small random models of two families.
"""

import pytest

from tests.analysis.causes.conftest import asked
from tests.analysis.conftest import results_of


def estimates(shares: list[dict]) -> list[float]:
    return [each["estimate"] for each in shares]


@pytest.mark.parametrize(
    ("family", "block"),
    [("llava", 1), ("llava", 3), ("qwen2_vl", 2)],
)
def test_the_one_block_that_moves_the_image_is_found(
    causes, one_mover, pictures, tmp_path, family, block
):
    run = tmp_path / "run"
    ended = causes(*asked(one_mover(family, block), pictures, run), "--quick")
    assert (ended.code, ended.err) == (0, "")
    found = results_of(run)["studies"]["causes"]["label"]
    every = found["every"]
    assert every["follows"]["shown"]
    assert every["follows"]["share_right"] > 0.9
    places = every["places"]
    n_layers = len(places["image"]) - 1
    before, after = [1.0] * block, [1.0] * (n_layers + 1 - block)
    image, answer = before + [0.0] * len(after), [0.0] * len(before) + after
    assert estimates(places["image"]) == pytest.approx(image, abs=1e-4)
    assert estimates(places["answer"]) == pytest.approx(answer, abs=1e-4)
    assert estimates(places["question"]) == pytest.approx([0.0] * len(image), abs=1e-4)
    # Without a look at the image after a layer all is left if the block lies before it.
    assert estimates(found["cut"]) == pytest.approx(answer, abs=1e-4)
    for over in (every["out"], every["into"]):
        assert over["layer"] == {"estimate": block, "low": block, "high": block}
        assert over["fb_half"] == {"low": block, "high": block}
        assert over["at"]["estimate"] == pytest.approx(block - 0.5, abs=1e-3)
    assert (every["window"]["start"], every["window"]["end"]) == (block - 1, block)
    # Only from this block on is there anything to read at the answer position.
    for read in found["readable"].values():
        assert max(estimates(read["effect"])[:block]) < 0.05
        if read["half"] is not None:
            assert read["half"]["estimate"] >= block - 1
    assert found["readable"]["linear_probe"]["fb_half"] == {"low": block, "high": block}
    assert found["readable"]["logit_lens"]["fb_half"]["low"] >= block
    assert not any(found["unused"].values())
