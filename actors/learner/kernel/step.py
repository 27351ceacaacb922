"""One training step: mini-batches of packed micro-batches, one optimiser update each."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from . import losses
from .batch import Batch, MicroBatch, pack, split_evenly
from .model import Model
from .optimizer import Optimizer
from .tensor_file import write_tensors
from .train_options import TrainSettings

Progress = Callable[[int, int], None]
"""Called with tokens done and tokens in all."""

_CPU_ROW_TOKENS = 2048
"""Longer packed rows fall out of a CPU's cache: 2,048 took a fifth less time than 16,384 (four layers of width 128)."""


@dataclass
class Statistics:
    """Sums over the trained tokens of a batch, kept on the device until they are asked for."""

    tokens: int = 0
    entropy: list[torch.Tensor] = field(default_factory=list)
    clipped: list[torch.Tensor] = field(default_factory=list)
    ratio: list[torch.Tensor] = field(default_factory=list)
    ratio_max: list[torch.Tensor] = field(default_factory=list)
    mismatch: list[torch.Tensor] = field(default_factory=list)
    mismatch_max: list[torch.Tensor] = field(default_factory=list)
    logprob_difference: list[torch.Tensor] = field(default_factory=list)
    loss: list[torch.Tensor] = field(default_factory=list)
    kl: list[torch.Tensor] = field(default_factory=list)

    def mean(self, sums: list[torch.Tensor]) -> float:
        return float(torch.stack(sums).sum()) / self.tokens if sums and self.tokens else 0.0


@dataclass
class MicroResult:
    """A micro-batch's share of the mini-batch's loss and KL, both summed with their weights."""

    loss: torch.Tensor
    kl: torch.Tensor


def micro_loss(
    model: Model,
    micro: MicroBatch,
    old: torch.Tensor | None,
    weights: torch.Tensor,
    settings: TrainSettings,
    statistics: Statistics,
) -> MicroResult:
    """Loss of one micro-batch: Σ weight·(TIS·l + coef·kl), float32 scalars with gradient.

    `old` float32[P]: the learner's log-probabilities before the first update; None where this is the first update, so
    that they are the present ones without gradient. `weights` float32[P]: see `losses.sequence_weights`.
    """
    sampled = settings.algorithm != "sft"
    reference = model.reference_logprobs(micro, settings.temperature) if settings.kl_loss_coef > 0 else None
    result = model.loss(micro, settings, weights, old, reference)
    logp = result.logp
    before = logp if old is None else old
    with torch.no_grad():
        ratio = (logp - before).exp()
        mismatch = (before - micro.engine).exp() if sampled else torch.ones_like(before)
        statistics.tokens += logp.numel()
        statistics.entropy.append(result.entropy.sum())
        statistics.clipped.append(result.clipped.sum())
        statistics.ratio.append(ratio.sum())
        statistics.ratio_max.append(ratio.max())
        statistics.mismatch.append(mismatch.sum())
        statistics.mismatch_max.append(mismatch.max())
        statistics.logprob_difference.append((before - micro.engine).abs().sum() if sampled else torch.zeros(()))
    return MicroResult(result.total, result.kl)


class TrainStep:
    """Runs one batch through the model and the optimiser."""

    def __init__(self, model: Model, optimizer: Optimizer, settings: TrainSettings, progress: Progress) -> None:
        self.model = model
        self.optimizer = optimizer
        self.settings = settings
        self.progress = progress
        self.statistics = Statistics()
        self.done = 0
        self.total = 0

    def run(self, batch: Batch, keep_bad_batches_in: str | None) -> dict[str, Any]:
        """Trains on the batch and says what happened: the contract's TrainMetrics in snake_case."""
        began = time.perf_counter()
        minis = split_evenly(batch.sequences, self.settings.mini_batches)
        plans = [self._plan(batch, rows) for rows in minis]
        tokens = [sum(m.token_ids.numel() for m, _ in plan) for plan in plans]
        several = len(minis) > 1 and self.settings.algorithm != "sft"
        self.total = sum(tokens) * (2 if several else 1)
        norms: list[float] = []
        updates, bad_batches = 0, []
        with self.model.training():
            olds = [self._old_logprobs(plan) for plan in plans] if several else [None] * len(minis)
            for rows, plan, old in zip(minis, plans, olds, strict=True):
                if not plan:
                    continue
                norm = self.gradients(batch, rows, plan, old)
                with self.model.lock:
                    reason = self.optimizer.step(norm)
                self.optimizer.zero_grad()
                if reason is None:
                    norms.append(norm)
                    updates += 1
                else:
                    bad_batches.append(self._keep(batch, rows, reason, keep_bad_batches_in))
        self.progress(self.total, self.total)
        return self._metrics(batch, updates, norms, bad_batches, time.perf_counter() - began)

    def _plan(self, batch: Batch, rows: list[int]) -> list[tuple[MicroBatch, bool]]:
        """Micro-batches, each with whether it needs a gradient.

        A sequence whose advantage is 0 adds exactly nothing to the gradient of a policy loss. Without a KL term it is
        run forward only, for the statistics.
        """
        idle_counts = self.settings.algorithm != "sft" and self.settings.kl_loss_coef <= 0
        advantages = batch.advantages.tolist()
        idle = [i for i in rows if idle_counts and advantages[i] == 0]
        active = [i for i in rows if not (idle_counts and advantages[i] == 0)]
        limit, device = self.settings.max_tokens_per_micro_batch, self.model.device
        if device.type == "cpu":
            limit = min(limit, _CPU_ROW_TOKENS)
        return [(m, True) for m in pack(batch, active, limit, device)] + [
            (m, False) for m in pack(batch, idle, limit, device)
        ]

    def _old_logprobs(self, plan: list[tuple[MicroBatch, bool]]) -> list[torch.Tensor]:
        results = []
        for micro, _ in plan:
            with torch.no_grad():
                results.append(self.model.logprobs(micro, self.settings.temperature)[0])
            self._count(micro)
        return results

    def gradients(
        self,
        batch: Batch,
        rows: list[int],
        plan: list[tuple[MicroBatch, bool]],
        old: list[torch.Tensor] | None,
    ) -> float:
        """Leaves the gradients of the mini-batch `rows` in the parameters, and gives their norm before clipping."""
        trained = batch.trained()
        weights = losses.sequence_weights(
            self.settings.loss_aggregation, [trained[i] for i in rows], self.settings.max_sequence_length
        )
        weight_of = dict(zip(rows, weights, strict=True))
        self.optimizer.zero_grad()
        loss_sum = torch.zeros((), device=self.model.device)
        kl_sum = torch.zeros((), device=self.model.device)
        for index, (micro, needs_gradient) in enumerate(plan):
            per_row = torch.tensor([weight_of[i] for i in micro.rows], device=self.model.device)
            with torch.set_grad_enabled(needs_gradient):
                result = micro_loss(
                    self.model,
                    micro,
                    None if old is None else old[index],
                    per_row[micro.segment],
                    self.settings,
                    self.statistics,
                )
            if needs_gradient:
                result.loss.backward()
            loss_sum += result.loss.detach()
            kl_sum += result.kl.detach()
            self._count(micro)
        self.statistics.loss.append(loss_sum)
        self.statistics.kl.append(kl_sum)
        self.optimizer.fill_missing_gradients()
        norm = self.optimizer.gradient_norm()
        return norm if math.isfinite(float(loss_sum)) else math.nan

    def _count(self, micro: MicroBatch) -> None:
        self.done += micro.token_ids.numel()
        self.progress(self.done, self.total)

    def _keep(self, batch: Batch, rows: list[int], reason: str, folder: str | None) -> str:
        """Writes a mini-batch whose update was skipped, for inspection; its path, or why it could not be kept."""
        if not folder:
            return f"not kept ({reason})"
        path = Path(folder) / f"skipped-update-{time.time_ns()}.safetensors"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            about = {"reason": reason, "updates": str(self.optimizer.updates), "settings": repr(self.settings)}
            write_tensors(path, batch.select(rows).tensors(), about)
        except OSError as error:
            path.unlink(missing_ok=True)
            return f"not kept ({reason}; {error})"
        return str(path)

    def _metrics(
        self, batch: Batch, updates: int, norms: list[float], bad_batches: list[str], seconds: float
    ) -> dict[str, Any]:
        s = self.statistics
        count = max(1, len(s.loss))
        return {
            "loss": sum(float(x) for x in s.loss) / count,
            "kl_loss": sum(float(x) for x in s.kl) / count,
            "entropy": s.mean(s.entropy),
            "grad_norm": sum(norms) / len(norms) if norms else 0.0,
            "clip_fraction": s.mean(s.clipped),
            "ratio_mean": s.mean(s.ratio) if s.ratio else 1.0,
            "ratio_max": float(torch.stack(s.ratio_max).max()) if s.ratio_max else 1.0,
            "mismatch_mean": s.mean(s.mismatch) if s.mismatch else 1.0,
            "logprob_difference": s.mean(s.logprob_difference) if s.logprob_difference else 0.0,
            "mismatch_max": float(torch.stack(s.mismatch_max).max()) if s.mismatch_max else 1.0,
            "learning_rate": self.optimizer.lr(),
            "trained_tokens": sum(batch.trained()),
            "total_tokens": sum(batch.seq_lens),
            "updates": updates,
            "skipped_updates": len(bad_batches),
            "skipped_batches": bad_batches,
            "seconds": seconds,
        }
