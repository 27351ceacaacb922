"""The formulas: policy losses, KL terms, aggregation weights and the truncated importance weight.

Every function is pure and works on any floating dtype and device. P is the number of trained tokens. Names: `logp` the
policy's log-probability of a token, with gradient; `old` the learner's own one before the first update of the batch;
`engine` the one the token was sampled with; `advantages` A; r = exp(logp - old).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from .errors import KernelError

CLIPPED = frozenset({"grpo", "dr_grpo", "rloo", "reinforce_plus_plus"})
"""Algorithms that share the clipped loss; they differ in their advantages, which come with the batch."""
ALGORITHMS = CLIPPED | {"gspo", "cispo", "sft"}
AGGREGATIONS = ("token-mean", "seq-mean-token-mean", "seq-mean-token-sum", "seq-mean-token-sum-norm")
_LOG_RATIO_BOUND = 20.0
_K3_BOUND = 10.0


@dataclass(frozen=True)
class TokenLoss:
    """`loss` [P], to minimise; `clipped` bool[P], where a clip took the gradient away or bounded its weight."""

    loss: torch.Tensor
    clipped: torch.Tensor


def _bounded_log_ratio(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (a - b).clamp(-_LOG_RATIO_BOUND, _LOG_RATIO_BOUND)


def clipped_loss(
    log_ratio: torch.Tensor, advantages: torch.Tensor, low: float, high: float, dual: float = 0.0
) -> TokenLoss:
    """l = -min(r·A, clip(r, 1 - low, 1 + high)·A), r = exp(log_ratio); where A < 0 and dual > 0: min(l, -dual·A)."""
    ratio = log_ratio.exp()
    plain = -ratio * advantages
    bounded = -ratio.clamp(1 - low, 1 + high) * advantages
    loss = torch.maximum(plain, bounded)
    clipped = bounded > plain
    if dual > 0:
        ceiling = -dual * advantages
        above = (advantages < 0) & (loss > ceiling)
        loss = torch.where(above, ceiling, loss)
        clipped = clipped | above
    return TokenLoss(loss, clipped)


def sequence_log_ratio(logp: torch.Tensor, old: torch.Tensor, segment: torch.Tensor, sequences: int) -> torch.Tensor:
    """GSPO's ratio: log r of every token of sequence i is Σ (logp - old) / T_i over its T_i trained tokens. [P]"""
    zeros = logp.new_zeros(sequences)
    counts = zeros.index_add(0, segment, torch.ones_like(logp))
    mean = zeros.index_add(0, segment, logp - old) / counts.clamp(min=1)
    return mean.clamp(-_LOG_RATIO_BOUND, _LOG_RATIO_BOUND)[segment]


def cispo_loss(logp: torch.Tensor, old: torch.Tensor, advantages: torch.Tensor, high: float) -> TokenLoss:
    """l = -sg[min(r, 1 + high)]·A·logp; sg: no gradient."""
    ratio = _bounded_log_ratio(logp.detach(), old).exp()
    return TokenLoss(-ratio.clamp(max=1 + high) * advantages * logp, ratio > 1 + high)


def policy_loss(
    algorithm: str,
    logp: torch.Tensor,
    old: torch.Tensor,
    advantages: torch.Tensor,
    segment: torch.Tensor,
    sequences: int,
    low: float,
    high: float,
    dual: float,
) -> TokenLoss:
    """The algorithm's loss of each token. `sft` is -logp; dual clip belongs to the token-level clipped loss only."""
    if algorithm in CLIPPED:
        return clipped_loss(_bounded_log_ratio(logp, old), advantages, low, high, dual)
    if algorithm == "gspo":
        return clipped_loss(sequence_log_ratio(logp, old, segment, sequences), advantages, low, high)
    if algorithm == "cispo":
        return cispo_loss(logp, old, advantages, high)
    if algorithm == "sft":
        return TokenLoss(-logp, torch.zeros_like(logp, dtype=torch.bool))
    raise KernelError("BadRequest", f"algorithm: expected one of {', '.join(sorted(ALGORITHMS))}, got {algorithm}")


def importance_weight(old: torch.Tensor, engine: torch.Tensor, cap: float) -> torch.Tensor:
    """Truncated importance sampling: min(exp(old - engine), cap), no gradient; all ones when cap is 0. [P]"""
    if cap <= 0:
        return torch.ones_like(old)
    return _bounded_log_ratio(old.detach(), engine).exp().clamp(max=cap)


def kl_term(kind: str, logp: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
    """KL to the reference of each token, with d = reference - logp, |d| <= 20.

    k1 = -d; k2 = d²/2; k3 = exp(d) - d - 1, |k3| <= 10.
    """
    d = _bounded_log_ratio(reference, logp)
    if kind == "k1":
        return -d
    if kind == "k2":
        return d.square() / 2
    if kind == "k3":
        return (d.exp() - d - 1).clamp(-_K3_BOUND, _K3_BOUND)
    raise KernelError("BadRequest", f"kl_loss_type: expected k1, k2 or k3, got {kind}")


def sequence_weights(aggregation: str, trained: Sequence[int], max_sequence_length: int) -> list[float]:
    """What each sequence's tokens weigh, so that the loss of the mini-batch is Σ weight·l over its trained tokens.

    `trained`: T_i of every sequence of the whole mini-batch; N counts those with T_i > 0.
    token-mean: 1 / Σ T. seq-mean-token-mean: 1 / (N·T_i). seq-mean-token-sum: 1 / N.
    seq-mean-token-sum-norm: 1 / (N·L_max).
    """
    total = sum(trained)
    count = sum(1 for t in trained if t > 0)
    if aggregation == "token-mean":
        weigh = [1 / total if t else 0.0 for t in trained]
    elif aggregation == "seq-mean-token-mean":
        weigh = [1 / (count * t) if t else 0.0 for t in trained]
    elif aggregation == "seq-mean-token-sum":
        weigh = [1 / count if t else 0.0 for t in trained]
    elif aggregation == "seq-mean-token-sum-norm":
        if max_sequence_length < 1:
            raise KernelError("BadRequest", "max_sequence_length: expected at least 1")
        weigh = [1 / (count * max_sequence_length) if t else 0.0 for t in trained]
    else:
        raise KernelError(
            "BadRequest", f"loss_aggregation: expected one of {', '.join(AGGREGATIONS)}, got {aggregation}"
        )
    return weigh
