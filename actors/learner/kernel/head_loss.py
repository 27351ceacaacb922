"""One function for the loss of a packed row: by the fused kernel where it can, by the plain version anywhere.

`KernelChoice` says which, and why; the learner logs it once. Before the kernel is used it must agree with the plain
version in float64 on small random problems, in a process of its own: a kernel that hangs or breaks its GPU context
there costs a line in the log, not the run.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from . import fused_build, losses
from .fused_head import FusedInputs, run_fused
from .head import head_logprobs

_CHECK_SECONDS = 300
PLAIN = "plain PyTorch, a chunk of logits at a time"


@dataclass
class HeadInputs:
    """P trained tokens. targets, segment int64[P], tokens of a sequence side by side; old, engine, reference float32[P]
    or None (old: then the present log-probabilities without gradient; engine: no importance weight; reference: no KL);
    advantages, weights float32[P]; logits are multiplier·cap(head(hidden)), softcap 0 for none."""

    targets: torch.Tensor
    segment: torch.Tensor
    sequences: int
    advantages: torch.Tensor
    weights: torch.Tensor
    old: torch.Tensor | None = None
    engine: torch.Tensor | None = None
    reference: torch.Tensor | None = None
    multiplier: float = 1.0
    softcap: float = 0.0


@dataclass
class HeadLoss:
    """`total`, with gradient, is policy + kl_coef·kl; the others carry none: kl a scalar, the rest float32[P]."""

    total: torch.Tensor
    kl: torch.Tensor
    logp: torch.Tensor
    entropy: torch.Tensor
    clipped: torch.Tensor


@dataclass
class KernelChoice:
    """`steps` None: the plain version; `reason` says what is used, or why the kernel is not."""

    steps: Any | None
    reason: str


def choose_kernel(device: torch.device, wish: str = "plain") -> KernelChoice:
    """For `fused` builds, checks and loads the kernel for `device`, or says why not; else the plain version."""
    if wish != "fused":
        return KernelChoice(None, PLAIN)
    if device.type != "cuda":
        return KernelChoice(None, f"{PLAIN}: the model is on {device.type}")
    if torch.cuda.get_device_capability(device) < (8, 0):
        return KernelChoice(None, f"{PLAIN}: the GPU has no bf16 matrix products")
    try:
        fused_build.build(torch.cuda.get_device_capability(device))
        from .fused_steps import CudaSteps

        fault = check(device, hopper=False)
        if fault is None:
            return KernelChoice(CudaSteps(device, hopper=False), "fused CUDA kernel (cuBLAS products)")
        return KernelChoice(None, f"{PLAIN}: the kernel's check failed: {fault}")
    except fused_build.BuildError as error:
        return KernelChoice(None, f"{PLAIN}: {error}")


def check(device: torch.device, hopper: bool) -> str | None:
    """None where the kernel agrees with float64; else what went wrong, in one line."""
    root = Path(__file__).resolve().parent
    code = f"import sys; sys.path.insert(0, {str(root.parent)!r}); from kernel.fused_check import main; main()"
    command = [sys.executable, "-c", code, str(device.index or 0), "hopper" if hopper else "portable"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_CHECK_SECONDS)
    except subprocess.TimeoutExpired:
        return f"no answer in {_CHECK_SECONDS} s"
    if done.returncode == 0:
        return None
    lines = (done.stdout + done.stderr).strip().splitlines()
    return lines[-1] if lines else f"exit code {done.returncode}"


def plain_reason(choice: KernelChoice, head: torch.nn.Linear, hidden: torch.Tensor, softcap: float) -> str | None:
    """Why this head takes the plain version; None where the kernel takes it."""
    if choice.steps is None:
        return choice.reason
    if head.bias is not None:
        return f"{PLAIN}: the head has a bias"
    if softcap > 0:
        return f"{PLAIN}: the model caps its logits"
    if _operands(head, hidden) != torch.bfloat16:
        return f"{PLAIN}: the products are not bf16"
    return None


def _operands(head: torch.nn.Linear, hidden: torch.Tensor) -> torch.dtype:
    kind = hidden.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else head.weight.dtype


def head_loss(
    choice: KernelChoice, head: torch.nn.Linear, hidden: torch.Tensor, inputs: HeadInputs, settings: Any
) -> HeadLoss:
    """Loss of `hidden` [P, D] under `settings` (a TrainSettings), with gradients to hidden and head.weight."""
    if inputs.targets.numel() == 0 or plain_reason(choice, head, hidden, inputs.softcap) is not None:
        return _plain(head, hidden, inputs, settings)
    with torch.autocast(hidden.device.type, enabled=False):
        total, kl, logp, entropy, clipped, flagged = _Fused.apply(hidden, head.weight, choice.steps, inputs, settings)
    if int(flagged) == 0:
        return HeadLoss(total, kl, logp, entropy, clipped)
    # A log-probability under -68, or a value that is not finite: beyond the range of the exponentials.
    del total
    return _plain(head, hidden, inputs, settings)


def _plain(head: torch.nn.Linear, hidden: torch.Tensor, inputs: HeadInputs, settings: Any) -> HeadLoss:
    logp, entropy = head_logprobs(head, hidden, inputs.targets, inputs.multiplier, inputs.softcap)
    before = logp.detach() if inputs.old is None else inputs.old
    token = losses.policy_loss(
        settings.algorithm, logp, before, inputs.advantages, inputs.segment, inputs.sequences,
        settings.clip_ratio_low, settings.clip_ratio_high, settings.clip_ratio_c,
    )  # fmt: skip
    loss = token.loss
    if settings.algorithm != "sft" and inputs.engine is not None:
        loss = loss * losses.importance_weight(before, inputs.engine, settings.importance_sampling_cap)
    total = (loss * inputs.weights).sum()
    kl = torch.zeros((), device=logp.device)
    if inputs.reference is not None:
        kl = (losses.kl_term(settings.kl_loss_type, logp, inputs.reference) * inputs.weights).sum()
        total = total + settings.kl_loss_coef * kl
    return HeadLoss(total, kl.detach(), logp.detach(), entropy, token.clipped.float())


class _Fused(torch.autograd.Function):
    """Forward computes the gradients as well; backward only multiplies them by the gradient of the loss."""

    @staticmethod
    def forward(
        ctx: Any, hidden: torch.Tensor, weight: torch.Tensor, steps: Any, inputs: HeadInputs, settings: Any
    ) -> tuple[torch.Tensor, ...]:
        counts = torch.bincount(inputs.segment, minlength=inputs.sequences) if settings.algorithm == "gspo" else None
        starts = [] if counts is None else [0, *counts.cumsum(0).tolist()]
        sampled = settings.algorithm != "sft"
        fused = FusedInputs(
            settings.algorithm, inputs.targets, inputs.multiplier, settings.clip_ratio_low, settings.clip_ratio_high,
            settings.clip_ratio_c, settings.importance_sampling_cap if sampled and inputs.engine is not None else 0.0,
            None if inputs.reference is None else settings.kl_loss_type, settings.kl_loss_coef, inputs.old,
            inputs.engine, inputs.advantages, inputs.weights, inputs.reference, starts,
        )  # fmt: skip
        d_hidden = torch.empty_like(hidden) if ctx.needs_input_grad[0] else None
        d_weight = torch.empty_like(weight) if ctx.needs_input_grad[1] else None
        result = run_fused(
            steps, hidden.bfloat16().contiguous(), weight.bfloat16().contiguous(), fused, d_hidden, d_weight
        )
        ctx.gradients, ctx.steps = (d_hidden, d_weight), steps
        kl = result.kl.sum()
        total = result.loss.sum() + (settings.kl_loss_coef * kl if inputs.reference is not None else 0.0)
        rest = (kl, result.logp, result.entropy, result.clipped, result.flagged)
        ctx.mark_non_differentiable(*rest)
        return (total, *rest)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor, *_rest: Any) -> tuple[Any, ...]:
        # Taken, not kept: they are scaled in place, and freed as soon as autograd has passed them on.
        gradients, ctx.gradients = ctx.gradients, (None, None)
        for one in gradients:
            if one is not None:
                ctx.steps.scale_unless_one(one, grad.float().contiguous())
        return (*gradients, None, None, None)
