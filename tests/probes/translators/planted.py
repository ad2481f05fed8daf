"""A planted model with a large vocabulary: frequent and rare tokens, final distributions with a
peak, and layers that hold them blurred, turned and bent."""

import torch

from probes.translators import ResidualRows
from probes.unembedding import Unembedding
from probes.vocabulary import FinalNorm


def planted(n_rows=1600, n_vocab=32_000, d_model=192, n_layers=3, seed=0):
    """Rows of residuals, their scenes, and the unembedding."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(*shape, generator=generator)

    head = draw(n_vocab, d_model)
    frequency = 1 / (torch.arange(n_vocab) + 10.0)
    # The last unit is the same in every final residual: what it adds makes tokens frequent.
    head[:, -1] = 1.0 * (frequency.log() - frequency.log().mean())
    said = (
        torch.multinomial(frequency.sqrt(), 3 * n_rows, generator=generator).view(n_rows, 3)
        if n_vocab >= 3 * n_rows
        else torch.randint(n_vocab, (n_rows, 3), generator=generator)
    )
    weights = torch.tensor([1.0, 0.8, 0.7])
    final = torch.einsum("k,rkd->rd", weights, head[said]) + 0.3 * draw(n_rows, d_model)
    final[:, -1] = 2.0
    final *= d_model**0.5 / final.norm(dim=1, keepdim=True)
    layers = []
    for layer in range(n_layers):
        turn = torch.linalg.qr(draw(d_model, d_model))[0]
        blur = 0.5 * (n_layers - layer) * draw(n_rows, d_model)
        bent = final + 0.5 * torch.tanh(2 * final @ turn)
        layers.append((1 + layer) * ((bent + blur) @ turn.T + draw(d_model)))
    unembedding = Unembedding(
        norm=FinalNorm(kind="rms", weight=torch.ones(d_model), bias=None, eps=1e-6),
        head=0.11 * head,
        bias=None,
        scale=1.0,
        soft_cap=None,
    )
    residuals = torch.stack([*layers, final], dim=1)
    return ResidualRows.of(residuals, [f"scene-{row}" for row in range(n_rows)]), unembedding
