"""Multinomial logistic regression for many layers and penalties at once.

For every layer and every penalty it minimises, as scikit-learn does,

    sum over items of -ln p(answer | features)  +  |weights|^2 / (2 C),     intercepts free,

by L-BFGS (Nocedal & Wright 2006, algorithm 7.5) with three changes that make it fast on residual
streams: the leading directions are made axes, so that a diagonal start of the inverse Hessian
fits; all penalties share each pass over the features, which costs little more than one alone
(the pass is bound by memory); and since logits are linear in the weights, the line search needs
no pass at all.

With two answers there is still one weight vector per answer, so C here is C / 2 of scikit-learn's
binary model, which has a single one.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from probes.linear_probe.leading_directions import Rotation, leading_rotation

TOLERANCE = 1e-6
_MAX_ITERATIONS = 2000
_HISTORY = 10
_RANK = 64
_LINE_STEPS = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PathFit:
    """The minimum for every layer and penalty."""

    weight: Float[Tensor, "layer penalty answer d_model"]
    bias: Float[Tensor, "layer penalty answer"]
    n_iterations: Int[Tensor, "layer penalty"]

    def losses(
        self, features: Float[Tensor, "layer item d_model"], answer: Int[Tensor, "*problem item"]
    ) -> Float[Tensor, "layer penalty item"]:
        """-ln p(answer) of every item; `answer` as in `fit_path`, one row or one per penalty."""
        logits = self.weight.flatten(1, 2) @ features.mT
        logits = logits.reshape(*self.bias.shape, -1) + self.bias[..., None]
        index = answer.expand(*logits.shape[:2], -1)[:, :, None]
        return -logits.log_softmax(2).gather(2, index)[:, :, 0]


def fit_path(
    features: Float[Tensor, "layer item d_model"],
    answer: Int[Tensor, "*problem item"],
    *,
    n_answers: int,
    inverse_penalties: Float[Tensor, "layer penalty"],
    tolerance: float = TOLERANCE,
) -> PathFit:
    """Fit all layers and penalties; `inverse_penalties` are C, larger is weaker.

    `features` must be standardised, and every answer must occur. `tolerance` bounds each entry
    of the gradient of the mean loss, in nats per standard deviation of the axis. Results do not
    depend on which other layers or penalties are fitted along, but for rounding.

    `answer` is one row of labels, or one for each column of `inverse_penalties`: all share a pass.

    ValueError if an answer is missing or a minimum is not reached.

    >>> features = torch.tensor([[[-1.0], [-1.0], [1.0], [1.0]]])  # one layer, one feature
    >>> answer, penalties = torch.tensor([0, 0, 1, 1]), torch.tensor([[0.01, 100.0]])
    >>> found = fit_path(features, answer, n_answers=2, inverse_penalties=penalties)
    >>> found.losses(features, answer).mean(-1)  # under the strong penalty, and the weak one
    tensor([[0.6737, 0.0063]])
    """
    lowest, top = int(answer.min()), int(answer.max())
    if lowest < 0 or top >= n_answers:
        raise ValueError(
            f"answers must be in 0..{n_answers - 1}, got {lowest} to {top}: index anew"
        )
    wanted = torch.nn.functional.one_hot(answer, n_answers).mT.to(features).contiguous()
    counts = wanted.sum(-1).long()
    if not counts.all():
        raise ValueError(
            f"every answer must occur among the items, got counts {counts.tolist()}: leave out the "
            "answers that do not"
        )
    rotation = leading_rotation(features, min(_RANK, *features.shape[1:]))
    rows = wanted.expand(inverse_penalties.shape[1], *wanted.shape[-2:])
    problem = _Problem.of(rotation.forth(features), rows, inverse_penalties.to(features))
    weights, n_iterations = _minimise(problem, tolerance)
    return PathFit(
        weight=_rotated_back(rotation, weights[..., :-1]),
        bias=weights[..., -1],
        n_iterations=n_iterations,
    )


def _rotated_back(
    rotation: Rotation, weight: Float[Tensor, "layer penalty answer d_model"]
) -> Float[Tensor, "layer penalty answer d_model"]:
    return rotation.back(weight.flatten(1, 2)).reshape(weight.shape)


Weights = Float[Tensor, "layer penalty answer axis"]
PerItem = Float[Tensor, "layer penalty answer item"]
PerProblem = Float[Tensor, "layer penalty"]


@dataclass(slots=True, kw_only=True, eq=False)
class _Problem:
    """What is to be minimised: the mean loss, whose penalty is l2 |w|^2 / 2."""

    features: Float[Tensor, "layer item axis"]
    """The last axis is the intercept's, always 1."""
    wanted: Float[Tensor, "penalty answer item"]
    """1 for each item's own answer, else 0."""
    l2: Float[Tensor, "layer penalty 1 axis"]
    variance: Float[Tensor, "layer 1 1 axis"]
    spread: Float[Tensor, "penalty 1 1"]
    """Variance of the answers; times that of the features it is the loss's curvature where these
    tell nothing."""
    start: Float[Tensor, "penalty answer"]

    @classmethod
    def of(
        cls,
        rotated: Float[Tensor, "layer item d_model"],
        wanted: Float[Tensor, "penalty answer item"],
        inverse_penalties: PerProblem,
    ) -> "_Problem":
        n_items = wanted.shape[-1]
        features = torch.nn.functional.pad(rotated, (0, 1), value=1.0)
        l2 = 1 / (n_items * inverse_penalties)
        l2 = l2[:, :, None, None].repeat(1, 1, 1, features.shape[-1])
        l2[..., -1] = 0
        share = wanted.mean(-1)
        return cls(
            features=features,
            wanted=wanted,
            l2=l2,
            variance=features.square().mean(1)[:, None, None, :],
            spread=(share * (1 - share)).mean(-1)[:, None, None],
            start=share.log(),
        )

    def logits(self, weights: Weights) -> PerItem:
        flat = weights.flatten(1, 2) @ self.features.mT
        return flat.reshape(*weights.shape[:3], -1)

    def gradient(self, weights: Weights, logits: PerItem) -> Weights:
        error = logits.softmax(2).sub_(self.wanted).div_(logits.shape[-1])
        flat = error.flatten(1, 2) @ self.features
        return flat.reshape(weights.shape).addcmul_(self.l2, weights)

    def step_length(
        self,
        weights: Weights,
        logits: PerItem,
        way: Weights,
        way_logits: PerItem,
        done: Bool[Tensor, "layer penalty"],
    ) -> PerProblem:
        """The minimum along `way`, by Newton's method: the loss is convex. Not for what is done."""
        n_items = logits.shape[-1]
        told = _dot(self.wanted.expand_as(way_logits), way_logits)
        linear = _dot(self.l2 * weights, way) - told / n_items
        quadratic = _dot(self.l2 * way, way)
        length = torch.ones_like(linear)
        for _ in range(_LINE_STEPS):
            # In place, since what is made and read here is most of the time of many problems.
            p = torch.addcmul(logits, length[..., None, None], way_logits).softmax(2)
            mean = p.mul_(way_logits).sum(2)
            slope = mean.sum(-1) / n_items + linear + length * quadratic
            spread = p.mul_(way_logits).sum((2, 3)) - mean.square().sum(-1)
            change = slope / (spread / n_items + quadratic).clamp(min=1e-30)
            # Where the loss flattens out, Newton overshoots: no step more than doubles or tenths.
            length = torch.clamp(length - change, min=length / 10, max=2 * length)
            if ((change.abs() <= 0.05 * length) | done).all():
                break
        return length

    def narrowed(self, layers: Int[Tensor, " kept"], penalties: Int[Tensor, " left"]) -> "_Problem":
        whole = len(layers) == len(self.features)
        return _Problem(
            features=self.features if whole else self.features[layers],
            wanted=self.wanted[penalties],
            l2=self.l2[layers][:, penalties],
            variance=self.variance[layers],
            spread=self.spread[penalties],
            start=self.start[penalties],
        )


def _minimise(problem: _Problem, tolerance: float) -> tuple[Weights, Int[Tensor, "layer penalty"]]:
    """Weights at the minimum, and the iterations that each took."""
    n_layers, n_penalties, _, n_axes = problem.l2.shape
    shape = (n_layers, n_penalties, problem.start.shape[1], n_axes)
    found = problem.features.new_zeros(shape)
    found[..., -1] = problem.start
    n_iterations = torch.full(shape[:2], -1)
    layers, penalties = torch.arange(n_layers), torch.arange(n_penalties)
    state = _State.of(problem, found)
    for iteration in range(_MAX_ITERATIONS):
        newly = state.gradient_size() <= tolerance
        for layer, penalty in (newly & ~state.done).nonzero().tolist():
            found[layers[layer], penalties[penalty]] = state.weights[layer, penalty]
            n_iterations[layers[layer], penalties[penalty]] = iteration
        state.done |= newly
        if state.done.all():
            return found, n_iterations
        # What is finished drops out as soon as a whole layer or a whole penalty is.
        kept, left = (~state.done.all(1)).nonzero()[:, 0], (~state.done.all(0)).nonzero()[:, 0]
        if len(kept) < len(layers) or len(left) < len(penalties):
            layers, penalties = layers[kept.cpu()], penalties[left.cpu()]
            state = state.narrowed(kept, left)
        state.advance()
    worst = state.gradient_size()[~state.done].max().item()
    raise ValueError(
        f"no minimum within {_MAX_ITERATIONS} iterations (gradient {worst:.1e}, wanted "
        f"{tolerance:.1e}): standardise the features, take a stronger penalty or float64"
    )


@dataclass(slots=True, kw_only=True, eq=False)
class _State:
    """The point that the search has reached, with the last steps and changes of gradient."""

    problem: _Problem
    weights: Weights
    logits: PerItem
    gradient: Weights
    done: Bool[Tensor, "layer penalty"]
    steps: list[Weights]
    changes: list[Weights]
    inverses: list[PerProblem]
    """1 / (step . change); 0 for a pair without curvature, which then says nothing."""

    @classmethod
    def of(cls, problem: _Problem, weights: Weights) -> "_State":
        logits = problem.logits(weights)
        done = torch.zeros(weights.shape[:2], dtype=torch.bool, device=weights.device)
        gradient = problem.gradient(weights, logits)
        return cls(
            problem=problem, weights=weights.clone(), logits=logits, gradient=gradient, done=done,
            steps=[], changes=[], inverses=[],
        )  # fmt: skip

    def gradient_size(self) -> PerProblem:
        """Largest entry of the gradient, per standard deviation of its axis where that is > 1."""
        return (self.gradient * self.problem.variance.clamp(min=1).rsqrt()).abs().amax((2, 3))

    def advance(self) -> None:
        """One step of all that is not done."""
        way = self._direction()
        way_logits = self.problem.logits(way)
        length = self.problem.step_length(self.weights, self.logits, way, way_logits, self.done)
        length = torch.where(self.done, 0.0, length)[..., None, None]
        step = way.mul_(length)
        self.weights = self.weights + step
        self.logits = self.logits.addcmul(length, way_logits)
        gradient = self.problem.gradient(self.weights, self.logits)
        change = torch.where(self.done[..., None, None], 0.0, gradient - self.gradient)
        self.gradient = gradient
        product = _dot(step, change)
        self.steps.append(step)
        self.changes.append(change)
        self.inverses.append(torch.where(product > 0, 1 / product, 0.0))
        for history in (self.steps, self.changes, self.inverses):
            del history[:-_HISTORY]

    def _direction(self) -> Weights:
        """Minus the estimated inverse Hessian times the gradient: the two-loop recursion."""
        inverse_hessian = 1 / (self.problem.spread * self.problem.variance + self.problem.l2)
        way = self.gradient.neg()
        shares = []
        pairs = list(zip(self.steps, self.changes, self.inverses, strict=True))
        for step, change, inverse in reversed(pairs):
            shares.append(inverse * _dot(step, way))
            way.addcmul_(change, shares[-1][..., None, None], value=-1)
        way *= inverse_hessian
        if pairs:
            _, change, inverse = pairs[-1]
            size = inverse * _dot(change, inverse_hessian * change)
            way /= torch.where(size > 0, size, 1.0)[..., None, None]
        for (step, change, inverse), share in zip(pairs, reversed(shares), strict=True):
            way.addcmul_(step, (share - inverse * _dot(change, way))[..., None, None])
        return way

    def narrowed(self, layers: Int[Tensor, " kept"], penalties: Int[Tensor, " left"]) -> "_State":
        def part(values: Tensor) -> Tensor:
            return values[layers][:, penalties]

        return _State(
            problem=self.problem.narrowed(layers, penalties),
            weights=part(self.weights),
            logits=part(self.logits),
            gradient=part(self.gradient),
            done=part(self.done),
            steps=[part(step) for step in self.steps],
            changes=[part(change) for change in self.changes],
            inverses=[part(inverse) for inverse in self.inverses],
        )


def _dot(
    left: Float[Tensor, "layer penalty *axes"], right: Float[Tensor, "layer penalty *axes"]
) -> PerProblem:
    return torch.linalg.vecdot(left.flatten(2), right.flatten(2))
