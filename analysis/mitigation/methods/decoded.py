"""Decoding methods: all settings on the items to tune on, the best of them where it is judged."""

from collections.abc import Mapping

from analysis.mitigation.methods.arms import Arm, OnPremises, best
from analysis.mitigation.methods.decodings import GREEDY, Decoding, decodings, plain
from analysis.mitigation.passes.logits import scored
from analysis.mitigation.passes.setup import METHOD_NAMES, Setup


def greedy_arm(setup: Setup) -> Arm:
    """The model's own answers."""
    use = Decoding(name=GREEDY, kind="decoding", settings={"": plain})
    return _applied(setup, {GREEDY: ("", use)})[0]


def decoded_arms(setup: Setup) -> list[Arm]:
    """Decoding methods: all settings on the items to tune on, and the best of them where it is
    judged."""
    main = setup.main
    names = {key: name for key, name in METHOD_NAMES.items() if key in main.tuned}
    methods = decodings(setup.n_layers, names)
    every = {
        (each.name, setting): method
        for each in methods
        for setting, method in each.settings.items()
    }
    keys = {f"{name}/{setting}": (name, setting) for name, setting in every}
    tried = scored(
        main.tune, setup.unembedding, {key: every[pair] for key, pair in keys.items()}, main.tuned
    )
    odds = {keys[key]: setup.odds(scores) for key, scores in tried.items()}
    chosen: dict[str, tuple[str, Decoding]] = {}
    for each in methods:
        own = {setting: odds[each.name, setting] for setting in each.settings}
        chosen[each.name] = best(own, main.tune.absent), each
    return _applied(setup, chosen)


def _applied(setup: Setup, chosen: Mapping[str, tuple[str, Decoding]]) -> list[Arm]:
    use = {name: each.settings[setting] for name, (setting, each) in chosen.items()}
    on_main = scored(setup.main.judge, setup.unembedding, use, setup.main.judged)
    on_premises = {
        name: scored(asked.judge, setup.unembedding, use, asked.judged)
        for name, asked in setup.premises.items()
    }
    return [
        Arm(
            name=name,
            kind=each.kind,
            setting=setting,
            passes=setup.n_passes.get(each.reference or "", 0.0),
            odds=setup.odds(on_main[name]),
            premises={key: OnPremises(scores=found[name]) for key, found in on_premises.items()},
        )
        for name, (setting, each) in chosen.items()
    ]
