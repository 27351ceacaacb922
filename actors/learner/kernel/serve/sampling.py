"""Draws one token for each row of logits, with the exact log-probability it was drawn with."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class SamplingParams:
    """How one request wants its tokens drawn. `top_k` -1 and `top_p` 1 switch those filters off."""

    max_tokens: int
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = -1
    seed: int | None = None
    stop_token_ids: frozenset[int] = frozenset()


class RowSettings:
    """The sampling settings of the running rows as tensors; made again only when the rows change."""

    def __init__(self, params: list[SamplingParams], device: torch.device):
        self.temperatures = torch.tensor(
            [p.temperature if p.temperature > 0 else 1.0 for p in params], dtype=torch.float32, device=device
        )[:, None]
        greedy = [p.temperature == 0 for p in params]
        self.all_greedy = all(greedy)
        self.greedy = torch.tensor(greedy, device=device) if any(greedy) else None
        self.tempered = any(p.temperature not in (0, 1) for p in params)
        self.filtered = any(p.temperature > 0 and (p.top_p < 1 or p.top_k > 0) for p in params)
        if self.filtered:
            on = [p.temperature > 0 for p in params]
            self.top_p = torch.tensor(
                [p.top_p if is_on else 1.0 for p, is_on in zip(params, on)], dtype=torch.float32, device=device
            )[:, None]
            self.top_k = torch.tensor(
                [p.top_k if is_on and p.top_k > 0 else 2**31 - 1 for p, is_on in zip(params, on)], device=device
            )[:, None]


def draw(logits: torch.Tensor, settings: RowSettings, uniforms: list[float]) -> tuple[list[int], list[float]]:
    """Tokens and log-probabilities, one for each row, from one number in [0, 1) for each row.

    The log-probability is that of the distribution the token was drawn from: after temperature, after the filters where a
    request asked for them, and untempered at temperature 0. Sums run in float64, so that a large vocabulary draws right.
    """
    logits = logits.float()
    if settings.tempered:
        logits = logits / settings.temperatures
    logprobs = torch.log_softmax(logits, dim=-1)
    if settings.filtered:
        logprobs = _filter(logprobs, settings)
    if settings.all_greedy:
        tokens = logprobs.argmax(dim=-1, keepdim=True)
    else:
        cumulative = logprobs.exp().cumsum(dim=-1, dtype=torch.float64)
        total = cumulative[:, -1:]
        points = torch.tensor(uniforms, dtype=torch.float64, device=logits.device)[:, None] * total
        tokens = torch.searchsorted(cumulative, torch.minimum(points, total * (1 - 2**-52)), right=True)
        tokens = tokens.clamp_(max=logits.shape[-1] - 1)
        if settings.greedy is not None:
            tokens = torch.where(settings.greedy[:, None], logprobs.argmax(dim=-1, keepdim=True), tokens)
    return tokens[:, 0].tolist(), logprobs.gather(1, tokens)[:, 0].tolist()


def _filter(logprobs: torch.Tensor, settings: RowSettings) -> torch.Tensor:
    """Keeps the `top_k` likeliest tokens, of these the smallest set whose share reaches `top_p`, and renormalises."""
    ordered, order = logprobs.sort(dim=-1, descending=True)
    ranks = torch.arange(logprobs.shape[-1], device=logprobs.device)[None]
    drop = ranks >= settings.top_k
    probabilities = ordered.exp().masked_fill(drop, 0).double()
    probabilities = probabilities / probabilities.sum(dim=-1, keepdim=True)
    drop = drop | (probabilities.cumsum(dim=-1) - probabilities >= settings.top_p.double())
    drop[:, 0] = False
    kept = ordered.masked_fill(drop, float("-inf"))
    kept = kept - kept.logsumexp(dim=-1, keepdim=True)
    return torch.empty_like(kept).scatter_(1, order, kept)
