"""results.json as a whole: it reads back into itself, and says what it does not know."""

import json

import pytest

from analysis.effects.found import Crossing, Finding, fields_of
from analysis.results import Results
from analysis.run.folder import claim
from analysis.run.results import add_finding, add_study, read_results
from analysis.typed import read_back, written
from data_prep.errors import UserError
from tests.analysis.planted import QUICK
from tests.paper.made_up import results
from tests.paper.made_up_findings import finding, typed_finding

ABOUT = {"model": "m", "model_revision": "r", "data": "d", "data_fingerprint": "f" * 64}


def test_a_whole_run_reads_back_into_itself(tmp_path):
    content = results(tmp_path)
    found = read_back(Results, content, "it")
    again = json.loads(json.dumps(written(found), allow_nan=False))
    assert again == json.loads(json.dumps(content))
    assert read_back(Results, again, "it") == found
    assert list(found.by_attribute("logit_lens")) == list(content["attributes"])
    assert list(found.of_attribute("color")) == ["logit_lens", "tuned_lens", "linear_probe"]
    assert found.of_attribute("taste") == {}
    assert found.n_findings == 15


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"horizon": "last"}, "horizon"),
        ({"outcome": "perhaps"}, "outcome"),
        ({"fb_half": {"low": 3}}, "fb_half/high"),
        ({"more": 1}, "more"),
    ],
)
def test_a_finding_that_is_none_is_refused_with_its_place(change, place):
    with pytest.raises(UserError, match=rf"^it is damaged or of another version \({place}: "):
        read_back(Finding, finding("color", onset=3.4) | change, "it")


def test_what_is_added_to_a_run_is_read_as_it_was(tmp_path):
    run = claim(tmp_path / "run", QUICK, model_revision="r", data_fingerprint="f" * 64)
    one = typed_finding("color", onset=3.4)
    assert read_results(run) is None
    add_finding(run, "color", "logit_lens", one, ABOUT)
    kept = add_study(run, "other", {"numbers": [1, 2.5]}, ABOUT)
    found = read_results(run)
    assert found == kept
    assert found is not None
    assert found.studies == {"other": {"numbers": [1, 2.5]}}
    own = fields_of(found.of_attribute("color")["logit_lens"])
    # Alone in its run, its adjusted p is its own.
    assert own == fields_of(one) | {"omnibus_p_holm": one.largest_p}


def test_fields_of_a_result_make_a_wider_one():
    crossing = Crossing(estimate=2.5, low=2.0, high=3.0, level=0.95)
    assert Crossing(**fields_of(crossing)) == crossing
    assert list(fields_of(crossing)) == ["estimate", "low", "high", "level"]
