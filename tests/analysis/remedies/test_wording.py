"""What may be said of remedies, in all cases: shown, not shown, not claimed, not checked."""

import json
from dataclasses import replace

import pytest
from matplotlib.figure import Figure

from analysis.effects.found import Interval
from analysis.remedies.drawing import draw_remedies
from analysis.remedies.found import HeldOut, Remedied
from analysis.remedies.report import remedies_text
from analysis.remedies.wording import sentences, share, short, signed
from analysis.typed import read_back, written
from tests.analysis.remedies.made_up import remedied, with_no


def said(found: Remedied) -> str:
    return "\n".join(sentences(found))


def test_what_is_shown_over_seeds_is_said_with_its_size_and_adjusted_p():
    text = said(remedied())
    assert (
        "Over 3 seeds none5 raises the share of absent things to which it answers none by .450 "
        "(.438 to .462), p = .008 adjusted over arms."
    ) in text
    assert "contrast lowers the share of yes by .200 (.188 to .212), p = .008" in text
    assert "No change is shown by none5 in: none where there, right where there" in text


def test_harm_is_excluded_only_where_equivalence_is_shown():
    text = said(remedied())
    assert (
        "none5 does no harm to what can be answered: right where there changes by +.002 (-.010 to "
        "+.014), which is shown to lie within .02 (p = .030)."
    ) in text
    assert (
        "That contrast does no harm is not shown: right where there changes by -.150 (-.162 to "
        "-.138), and may lie outside of .02 (p = .900 for equivalence)."
    ) in text


def test_of_one_seed_nothing_is_claimed():
    found = remedied(("plain", "none5"), (0,))
    text = said(found)
    assert "none5 has one seed beside plain, so nothing is claimed over seeds" in text
    assert "raises" not in text
    assert "no harm" not in text
    assert "detection" not in text
    assert "adjusted" not in text
    assert "none where absent" in remedies_text(found)


def test_an_arm_that_shares_no_seed_is_not_compared():
    found = replace(remedied(), against_plain=())
    assert "none5 shares no seed with plain: it is not compared." in said(found)
    assert "minus plain" not in remedies_text(found)


def test_plain_alone_is_told_and_compared_with_nothing():
    found = remedied(("plain",), (0,))
    text = said(found)
    assert text.startswith("1 model of plain answered the same 800 questions")
    assert "plain, seed 0: shares of absent things to which it answers none .000" in text
    assert "nothing is claimed" not in text


def test_whether_scenes_were_held_out_is_said_as_it_was_checked():
    found = remedied()
    assert "none of the 4,397 scenes of the training" in said(found)
    unchecked = HeldOut(n_compared=None, trained_on="remedy-scenes, split train")
    assert "was not checked" in said(replace(found, held_out=unchecked))


def test_a_bare_no_is_mentioned_only_where_it_is_said():
    assert "bare" not in said(remedied())
    assert "plain with seed 0 to 25.0%; it is not counted as none" in said(with_no(remedied()))


def test_the_text_holds_tables_sentences_and_notes():
    text = remedies_text(remedied())
    assert "AUROC of the probe" in text
    assert "+.450 (+.438 to +.462)   .008" in text
    assert "no harm" in text
    assert "note: left out, for their training has not ended: none20-0" in text
    assert max(map(len, text.split("\n4")[0].split("Over 3")[0].splitlines()[:40])) <= 100


@pytest.mark.parametrize(
    ("value", "shown"), [(0.5, ".500"), (-0.0001, ".000"), (1.0, "1.000"), (-0.25, "-.250")]
)
def test_shares_are_written_without_the_zero_before_them(value: float, shown: str):
    assert short(value) == shown


def test_differences_have_signs_and_shares_have_not():
    one = Interval(estimate=0.1, low=-0.1, high=0.30001)
    assert signed(one) == "+.100 (-.100 to +.300)"
    assert share(one) == ".100 (-.100 to .300)"


def test_results_are_read_back_as_they_were_written():
    found = remedied()
    assert read_back(Remedied, json.loads(json.dumps(written(found))), "it") == found


def test_the_figure_has_a_mark_for_every_model():
    figure = Figure()
    found = remedied()
    draw_remedies(figure, found)
    left, right = figure.axes
    marks = [line for line in left.lines if line.get_marker() not in ("None", "")]
    assert len(marks) == len(found.models)
    assert [label.get_text() for label in right.get_yticklabels()] == list(found.arms)
