"""The options of one training step: the contract's TrainOptions in snake_case, checked."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from .errors import KernelError
from .losses import AGGREGATIONS, ALGORITHMS


@dataclass(frozen=True)
class TrainSettings:
    """How to turn samples into a loss; see `losses.py` for the formulas."""

    algorithm: str = "grpo"
    temperature: float = 1.0
    clip_ratio_low: float = 0.2
    clip_ratio_high: float = 0.2
    clip_ratio_c: float = 3.0
    loss_aggregation: str = "token-mean"
    max_sequence_length: int = 1
    importance_sampling_cap: float = 0.0
    kl_loss_coef: float = 0.0
    kl_loss_type: str = "k3"
    mini_batches: int = 1
    max_tokens_per_micro_batch: int = 16384


def read_settings(options: dict[str, Any]) -> TrainSettings:
    """Checks the names and the ranges that the formulas need."""
    known = {f.name for f in fields(TrainSettings)}
    unknown = sorted(options.keys() - known)
    if unknown:
        raise KernelError("BadRequest", f"options: {', '.join(unknown)} is not known; there are {', '.join(sorted(known))}")
    settings = TrainSettings(**options)
    checks = (
        ("algorithm", settings.algorithm in ALGORITHMS, f"one of {', '.join(sorted(ALGORITHMS))}"),
        ("loss_aggregation", settings.loss_aggregation in AGGREGATIONS, f"one of {', '.join(AGGREGATIONS)}"),
        ("kl_loss_type", settings.kl_loss_type in ("k1", "k2", "k3"), "k1, k2 or k3"),
        ("temperature", settings.temperature > 0, "more than 0"),
        ("mini_batches", settings.mini_batches >= 1, "at least 1"),
        ("max_tokens_per_micro_batch", settings.max_tokens_per_micro_batch >= 1, "at least 1"),
    )
    for name, holds, expected in checks:
        if not holds:
            raise KernelError("BadRequest", f"{name}: expected {expected}, got {getattr(settings, name)}")
    return settings
