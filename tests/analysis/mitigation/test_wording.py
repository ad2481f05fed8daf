"""What is said of methods against hallucination, in every branch, from made-up results."""

from dataclasses import replace

import pytest
from matplotlib.figure import Figure

from analysis.effects.found import Interval
from analysis.mitigation.drawing import PANELS, draw_mitigation, height_in, save_mitigation_figure
from analysis.mitigation.found import Kind, Mitigated, Verdict
from analysis.mitigation.report import mitigation_rows, mitigation_text
from analysis.mitigation.wording import labelled, plain, signed
from analysis.mitigation.wording import sentences as all_sentences
from analysis.notebook.rows import row_tables
from tests.paper.made_up_absence import DANGEROUS, compared, judged, mitigated


def sentences(found):
    """All sentences as one text, each of which is whole."""
    said = all_sentences("exist", found)
    for each in said:
        assert each[0].isupper()
        assert each.endswith(".")
        assert not each.endswith("..")
        assert "  " not in each
    return " ".join(said)


def only(verdict: Verdict, gain: float, kind: Kind = "decoding") -> Mitigated:
    """Results of one method alone."""
    return mitigated({"A": (kind, verdict, gain)}, premises=())


def test_first_of_all_it_says_what_was_asked_of_how_many_at_which_level():
    assert all_sentences("exist", mitigated())[0] == (
        "Asked whether a thing is there, on 299 scenes that nothing was tuned on (598 questions; "
        "95% intervals over 150 groups of scenes): greedy answers are right in 82.2% (80.2 to "
        "84.2), yes in 51.5% (49.5 to 53.5), and tell what is there with an AUROC of .90 (.88 to "
        ".92)."
    )


def test_where_nothing_is_left_to_gain_it_says_so():
    assert "left to gain" not in sentences(mitigated())
    near = replace(mitigated(), greedy_area=Interval(estimate=0.986, low=0.96, high=0.99))
    assert "So .014 (.01 to .04) of AUROC is left to gain: that a method gains" in sentences(near)


def test_a_gain():
    said = sentences(only("gain", 0.04))
    assert "higher than that of greedy answers with: A (+.040 (+.028 to +.052), p < .001)." in said
    assert "These p-values are adjusted by Holm's method over all methods." in said
    assert "A greater share is right than of greedy answers whose threshold is moved" in said
    assert "lower" not in said


def test_a_loss():
    said = sentences(only("loss", -0.04))
    assert "With no method is the AUROC, which no shift of the threshold changes, shown to" in said
    assert "It is lower with: A (-.040 (-.052 to -.028), p < .001)." in said
    assert "No method is shown to be right more often than greedy answers whose threshold" in said
    assert "A smaller share is right than of these with: A (-.020" in said


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        ("no gain", "A difference of .01 or more in AUROC is ruled out for: A."),
        ("not shown", "Neither a difference in AUROC nor that there is none is shown for: A."),
    ],
)
def test_without_a_difference(verdict, words):
    said = sentences(only(verdict, 0.0))
    assert words in said
    assert "Holm" not in said
    assert "the share of yes differs by 2 points or more with no method." in said
    assert "No method is shown to be right more often than greedy answers whose threshold" in said


def test_placebos_are_named_as_such_wherever_they_stand():
    said = sentences(only("gain", 0.04, kind="placebo"))
    assert said.count("A (placebo)") == 3
    assert "A (placebo) (+.040" in said
    assert labelled("A", judged("decoding", "gain", 0.1, premises=())) == "A"


def test_a_method_that_moves_the_threshold_is_named_with_where_to():
    said = sentences(only("not shown", 0.03))
    assert "the share of yes, 51.5% with greedy answers, differs by 2 points or more with" in said
    assert "with: A (to 57.5% (55.5 to 59.5))." in said


def test_the_layer_of_the_cut_is_named_where_there_is_one():
    assert "cuts the image late, that is after layer 4, by which" in sentences(mitigated())
    assert "cuts the image" not in sentences(mitigated(cut_after=None))


def test_declining_and_harm_by_premise():
    said = sentences(mitigated())
    assert (
        "Of 400 questions for the color of absent things, absence by a probe declines 71.0% (69.0 "
        "to 73.0) of them and 6.2% (4.2 to 8.2) of those about what is there; "
    ) in said
    harmed = "A smaller share of the 400 questions for the color of what is there is answered right"
    assert f"{harmed} with: absence by a probe (-.050 (-.062 to -.038), p < .001); " in said
    no_premise = sentences(only("gain", 0.04))
    assert "declines" not in no_premise
    assert "harm" not in no_premise


def test_no_harm_is_claimed_where_none_is_shown():
    found = mitigated({"A": ("decoding", "no gain", 0.0)})
    bare = replace(found, methods={"A": found.methods["A"]})
    assert "No method is shown to harm 400 questions for the color of what is there." in sentences(
        bare
    )
    one = bare.methods["A"]
    better = replace(one.harm["color"], lost=compared(0.05, shown=True))
    found = replace(bare, methods={"A": replace(one, harm={"color": better})})
    assert "A greater share of the 400 questions for the color" in sentences(found)


def test_differences_have_signs_and_no_negative_zero():
    assert signed(compared(0.012, shown=False)) == "+.012 (.000 to +.024)"
    assert signed(compared(-0.0001, shown=False)) == ".000 (-.012 to +.012)"
    assert (plain(0.01), plain(1.0), plain(2.5)) == (".01", "1", "2.5")


def test_tables_hold_every_method_that_answers():
    text = mitigation_text("exist", mitigated())
    head, _, premises = text.partition("color of things that may not be there")
    assert "threshold moved" in head
    assert '"or none"' not in head
    assert '"or none" in the prompt' in premises
    assert DANGEROUS in text
    assert max(map(len, text.split("Asked")[0].splitlines())) <= 100
    assert "note: left out: methods" in mitigation_text("exist", mitigated(cut_after=None))


def test_each_method_that_answers_has_a_row_and_its_name_stays_text(tmp_path):
    found = mitigated()
    figure = Figure(figsize=(5.5, height_in(found)), layout="constrained")
    draw_mitigation(figure, "exist", found)
    labels = figure.axes[0].get_yticklabels()
    assert len(labels) == 8
    assert labels[-1].get_text() == DANGEROUS
    assert not labels[-1].get_parse_math()
    (legend,) = figure.legends
    assert {each.get_text().removeprefix("AUROC: ") for each in legend.get_texts()} == {
        "gain", "loss", "no gain", "not shown",
    }  # fmt: skip
    for file in save_mitigation_figure("exist", found, tmp_path):
        assert file.stat().st_size > 1000


def test_a_row_and_a_table_for_every_method_that_answers_yes_or_no():
    found = mitigated()
    rows = mitigation_rows(found)
    judged_ones = [name for name, each in found.methods.items() if each.gain is not None]
    assert [each["method"] for each in rows] == [
        labelled(name, found.methods[name]) for name in judged_ones
    ]
    assert all(each["low"] <= each["less greedy"] <= each["high"] for each in rows)
    table = row_tables(found)["methods"]
    assert [each["name"] for each in table] == list(found.methods)
    assert [each.get("gain.p") for each in table] == [
        None if each.gain is None else each.gain.p for each in found.methods.values()
    ]


@pytest.mark.parametrize("name", PANELS)
def test_a_panel_alone_names_its_rows(name):
    found = mitigated()
    axes = Figure().subplots()
    PANELS[name](axes, found)
    named = [each.get_text() for each in axes.get_yticklabels()]
    assert len(named) == len(set(named)) == len(mitigation_rows(found))
    assert all(named)
    assert axes.get_lines()
