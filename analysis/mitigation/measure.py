"""Measures what helps against hallucination: every method, tuned on a third of the scenes and
judged on the others."""

from analysis.mitigation.found import Mitigated
from analysis.mitigation.judging import MARGIN, Ground, judged_methods, yes_or_no
from analysis.mitigation.methods.tried import all_arms
from analysis.mitigation.passes.setup import set_up
from analysis.run.opened import OpenRun
from data_prep.errors import UserError


def measured_mitigation(
    opened: OpenRun, main: str, premises: tuple[str, ...], *, most: int
) -> Mitigated:
    """What methods do to questions of yes and no called `main`, and to questions about the look of
    things. Forward passes that the run holds are not made again.

    UserError for a model that answers all questions alike, for too few scenes, and for parts that
    lack one side.
    """
    setup = set_up(opened, main, premises, most=most)
    arms, left_out = all_arms(setup)
    study, judge = opened.run.study, setup.main.judge
    on_yes_no = yes_or_no(study, arms, Ground.of(judge))
    greedy = on_yes_no[arms[0].name]
    if greedy.area.estimate == 0.5 and len(set(arms[0].says_yes.tolist())) == 1:
        raise UserError(
            f"the model answers every question about {main} in the same words and as surely: "
            "there is nothing that a method could change"
        )
    premises_judged = {name: Ground.of(each.judge) for name, each in setup.premises.items()}
    return Mitigated(
        most=most,
        premises=premises,
        n_tuned=setup.main.tune.questions.n_scenes,
        n_scenes=judge.questions.n_scenes,
        n_groups=judge.questions.n_groups,
        n_items=len(judge),
        greedy=greedy.answers,
        greedy_area=greedy.area,
        methods=judged_methods(study, arms, on_yes_no, premises_judged),
        cut_after=setup.cut_after,
        margin=MARGIN,
        notes=(*setup.notes, *left_out),
        level=study.level,
        n_resamples=study.n_resamples,
    )
