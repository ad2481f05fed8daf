"""What is said of absent things, in every branch, from made-up results."""

from dataclasses import replace

import pytest
from matplotlib.figure import Figure

from analysis.effects.found import LayerSet
from analysis.hallucination.drawing import draw_hallucination, save_hallucination_figure
from analysis.hallucination.names import PROBE
from analysis.hallucination.report import hallucination_text
from analysis.hallucination.wording import asked_about, hundredths, noted, percent, short
from analysis.hallucination.wording import sentences as all_sentences
from analysis.wording import listed
from tests.paper.made_up_absence import discriminated, emerged, hallucinated, near, with_signal


def sentences(name, found):
    """All sentences as one text, each of which is whole."""
    said = all_sentences(name, found)
    for each in said:
        assert each[0].isupper()
        assert each.endswith(".")
        assert not each.endswith("..")
        assert "  " not in each
    return " ".join(said)


def test_first_of_all_it_says_what_was_asked_of_how_many_at_which_level():
    said = all_sentences("exist", hallucinated())[0]
    assert said == (
        "Asked whether a thing is there: 1,200 questions about 600 scenes, 600 of them about what "
        "is not there (95% intervals over 300 groups of scenes)."
    )
    assert asked_about("presence") == asked_about("exist")
    assert asked_about("color") == "for the color of things that may not be there"


@pytest.mark.parametrize(
    ("criterion", "by", "lean"),
    [
        (-0.3, 0.1, "it leans to yes"),
        (0.3, 0.1, "it leans to no"),
        (-0.06, 0.09, "a lean to yes or to no is not shown"),
    ],
)
def test_a_lean_is_claimed_only_where_it_is_shown(criterion, by, lean):
    answers = discriminated(yes=0.5, criterion=criterion, by=by)
    said = sentences("exist", replace(hallucinated(), said=answers))
    assert "The model says yes to 83.7% (81.7 to 85.7) of what is there and to 19.3%" in said
    assert f": {lean}." in said


def test_more_is_known_inside_where_the_probe_is_shown_to_beat_what_is_said():
    said = sentences("exist", hallucinated())
    assert "So more is known inside than is said at the end: at layers 5 to 6, by up to .06" in said
    assert "of AUROC at layer 6 (p < .001, adjusted over layers)." in said
    assert "At layer 0 it tells less (adjusted over layers)." in said
    assert "half of its rise above guessing is reached at layer 2.5 (2.4 to 2.7)" in said


def test_nothing_more_is_claimed_where_no_layer_is_shown():
    found = hallucinated()
    inside = tuple(replace(each, p=0.2) for each in found.absent.inside)
    said = sentences("exist", replace(found, absent=replace(found.absent, inside=inside)))
    assert "That the residual tells more than is said at the end is shown at no layer." in said
    assert "tells less" not in said


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"outcome": "not_emerged"}, "; that it rises above guessing is not shown."),
        ({"outcome": "from_start"}, "; it is above guessing from the first layer on."),
        ({"outcome": "died"}, "; it rises above guessing, and falls back to it."),
        ({"lambda_half": None}, "is reached at a layer of the set 2 to 3."),
        ({"lambda_half": None, "fb_half": LayerSet(low=3, high=None)}, "of the set 3 or later."),
    ],
)
def test_where_the_probe_rises(changed, words):
    found = with_signal(hallucinated(), PROBE, emerged=replace(emerged(), **changed))
    assert words in sentences("exist", found)


def test_without_a_probe_nothing_is_said_of_one():
    found = hallucinated(probe=False)
    said = sentences("exist", found)
    assert "probe" not in said
    assert "told at the last layer by the stated probability with .90" in said
    assert noted(found.notes) == ["No probe of absent answers: too few items of one side."]
    lacking_layers = with_signal(hallucinated(), PROBE, emerged=None)
    assert "(.92 to .96) at the last layer. So more" in sentences("exist", lacking_layers)


def test_premises_are_told_by_how_unsure_the_model_is():
    said = sentences("color", hallucinated(premise=True))
    assert "a color is the model's most probable next word in 92.3% (90.3 to 94.3)" in said
    assert "has a probability of .70 (.68 to .72) on average, against .82 (.80 to .84)" in said
    assert "How little the preferred answer has at the last layer tells absence with" in said
    assert "are wrong, each about a thing that is not there among them." in said
    assert "says yes" not in said


def test_right_and_wrong_are_left_out_where_they_were_not_told_apart():
    assert "214 are answered wrong" in sentences("exist", hallucinated())
    assert "answered wrong" not in sentences("exist", hallucinated(wrong=False))


def test_the_best_signal_is_named_as_chosen_after_looking():
    found = hallucinated()
    best = "by the linear probe, over all coverages the best of 8 signals (chosen after looking)"
    assert best in sentences("exist", found)
    same = dict.fromkeys(found.abstained, found.abstained["stated"])
    said = sentences("exist", replace(found, abstained=same))
    assert "by the stated probability, 14.0% (12.0 to 16.0) of the others are wrong." in said
    assert "chosen after" not in said
    assert "held back" not in sentences("exist", replace(found, abstained={}))


def test_numbers_are_short_and_have_no_negative_zero():
    assert [short(each) for each in (0.5, -0.06, -0.001, 1.0, 0.999, 12.3)] == [
        ".50", "-.06", ".00", "1.00", "1.00", "12.30",
    ]  # fmt: skip
    assert hundredths(near(0.9)) == ".90 (.88 to .92)"
    assert percent(near(0.9)) == "90.0% (88.0 to 92.0)"
    assert [listed(list("abc")[:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]


def test_tables_hold_best_and_last_layer_and_every_signal():
    text = hallucination_text("exist", hallucinated())
    assert "exist: absent or there, 600 of 1,200 questions" in text
    assert "exist: answered wrong or right, 214 of 1,200 questions" in text
    assert "baseline: text alone" in text
    assert max(map(len, text.split("Asked")[0].splitlines())) <= 100
    bare = replace(hallucinated(probe=False, wrong=False), abstained={})
    text = hallucination_text("exist", bare)
    assert "answered wrong" not in text
    assert "held back" not in text
    assert "note: no probe of absent answers" in text


def test_each_signal_has_a_curve_and_one_name_in_the_legend(tmp_path):
    figure = Figure(figsize=(5.5, 2.9), layout="constrained")
    draw_hallucination(figure, "exist", hallucinated())
    left, right = figure.axes
    assert len(left.lines) == 8 + 1  # and the line of guessing
    assert len(right.lines) == 2  # stated and the probe, which does best
    (legend,) = figure.legends
    assert len(legend.get_texts()) == 8
    files = save_hallucination_figure("color", hallucinated(premise=True, probe=False), tmp_path)
    assert [file.name for file in files] == ["hallucination-color.pdf", "hallucination-color.png"]
