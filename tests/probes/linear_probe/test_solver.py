"""The minimum is scikit-learn's, and does not depend on what is fitted along."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from probes.linear_probe.leading_directions import leading_rotation
from probes.linear_probe.solver import fit_path
from probes.linear_probe.standardised import moments, standardised
from tests.probes.linear_probe.made_up import ANSWERS, planted

GRID = torch.tensor([1e-3, 1e-1, 10])


def features_of(residuals: torch.Tensor) -> torch.Tensor:
    return standardised(residuals, *moments(residuals))


@pytest.fixture(scope="module")
def problem() -> tuple[torch.Tensor, np.ndarray]:
    residuals, answer, _ = planted(n_scenes=400, n_layers=2, width=60, at=[1])
    return features_of(residuals), answer


def log_loss(log_probs: np.ndarray, answer: np.ndarray) -> float:
    return float(-log_probs[np.arange(len(answer)), answer].mean())


@pytest.mark.parametrize("layer", [0, 1])
def test_agrees_with_scikit_learn(problem, layer):
    features, answer = problem
    train, test = slice(0, 250), slice(250, None)
    labels = torch.from_numpy(answer)
    path = fit_path(
        features[:, train],
        labels[train],
        n_answers=len(ANSWERS),
        inverse_penalties=GRID.expand(2, len(GRID)),
    )
    losses = path.losses(features[:, test], labels[test])[layer].mean(-1)
    wide = features[layer].double().numpy()
    for place, c in enumerate(GRID.tolist()):
        reference = LogisticRegression(C=c, tol=1e-7, max_iter=10_000)
        reference.fit(wide[train], answer[train])
        wanted = log_loss(reference.predict_log_proba(wide[test]), answer[test])
        assert losses[place].item() == pytest.approx(wanted, abs=5e-4)
        ours = (path.weight[layer, place].double().numpy() @ wide[test].T).T
        best = np.argmax(ours + path.bias[layer, place].double().numpy(), axis=1)
        assert np.mean(best == answer[test]) == pytest.approx(
            reference.score(wide[test], answer[test]), abs=0.007
        )  # one item of 150


def test_two_answers_are_the_binary_model_at_twice_c(problem):
    features, answer = problem
    two = answer < 2
    labels = torch.from_numpy(answer[two])
    path = fit_path(features[1:, two], labels, n_answers=2, inverse_penalties=torch.tensor([[0.1]]))
    wide = features[1, two].double().numpy()
    reference = LogisticRegression(C=0.2, tol=1e-7, max_iter=10_000).fit(wide, answer[two])
    weight = (path.weight[0, 0, 1] - path.weight[0, 0, 0]).numpy()
    np.testing.assert_allclose(weight, reference.coef_[0], atol=1e-4)


def test_does_not_depend_on_what_is_fitted_along(problem):
    features, answer = problem
    labels = torch.from_numpy(answer)
    together = fit_path(features, labels, n_answers=3, inverse_penalties=GRID.expand(2, len(GRID)))
    for layer in range(2):
        alone = fit_path(
            features[layer : layer + 1],
            labels,
            n_answers=3,
            inverse_penalties=GRID[None, :2],
        )
        torch.testing.assert_close(
            together.weight[layer, :2], alone.weight[0], atol=2e-4, rtol=1e-3
        )


def test_a_layer_may_have_a_penalty_of_its_own(problem):
    features, answer = problem
    labels = torch.from_numpy(answer)
    mixed = torch.tensor([[1e-3], [10.0]])
    own = fit_path(features, labels, n_answers=3, inverse_penalties=mixed)
    both = fit_path(features, labels, n_answers=3, inverse_penalties=GRID.expand(2, 3))
    for layer, place in ((0, 0), (1, 2)):
        torch.testing.assert_close(
            own.losses(features, labels)[layer, 0],
            both.losses(features, labels)[layer, place],
            atol=2e-3,
            rtol=0,
        )


def test_features_that_say_nothing_give_the_frequencies():
    labels = torch.tensor([0, 0, 0, 1])
    path = fit_path(
        torch.zeros(1, 4, 5), labels, n_answers=2, inverse_penalties=torch.tensor([[1.0]])
    )
    torch.testing.assert_close(path.bias[0, 0].softmax(-1), torch.tensor([0.75, 0.25]))
    assert not path.weight.any()


def test_weights_add_up_to_zero_over_the_answers(problem):
    features, answer = problem
    path = fit_path(
        features,
        torch.from_numpy(answer),
        n_answers=3,
        inverse_penalties=GRID.expand(2, len(GRID)),
    )
    assert path.weight.sum(2).abs().max() < 1e-4


def test_refuses_a_missing_answer(problem):
    features, answer = problem
    with pytest.raises(ValueError, match="every answer must occur"):
        fit_path(
            features,
            torch.from_numpy(answer),
            n_answers=4,
            inverse_penalties=GRID.expand(2, len(GRID)),
        )


def test_the_rotation_keeps_lengths_and_comes_back(problem):
    features, _ = problem
    rotation = leading_rotation(features, 10)
    turned = rotation.forth(features)
    torch.testing.assert_close(turned.norm(dim=-1), features.norm(dim=-1))
    torch.testing.assert_close(rotation.back(turned), features, atol=1e-4, rtol=1e-4)


def test_the_rotation_puts_the_leading_direction_first():
    residuals, _, _ = planted(n_layers=1, width=30)
    residuals += 5 * torch.randn(len(residuals), 1, 1, generator=torch.manual_seed(0))
    turned = leading_rotation(residuals.transpose(0, 1) - residuals.mean(0)[:, None], 4)
    centred = residuals.transpose(0, 1) - residuals.mean(0)[:, None]
    energy = turned.forth(centred).square().sum(1)[0]
    strongest = torch.linalg.matrix_norm(centred[0], ord=2).square()
    assert energy[0] == pytest.approx(strongest.item(), rel=0.01)
