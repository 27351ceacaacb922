"""The kernel against the plain formulas in float64, on small random problems. Run in a process of its own."""

from __future__ import annotations

import sys
from typing import Any

import torch

from .head_loss import HeadInputs, KernelChoice, _plain, head_loss
from .losses import ALGORITHMS
from .train_options import TrainSettings

_SHAPES = ((300, 96, 1000), (129, 200, 777), (70, 63, 301))
"""Tokens, width, vocabulary: more than one tile, ragged tiles, a width the copy engine does not take."""
BOUND = 2e-2
"""On ‖error‖ / ‖exact‖ of each gradient; bf16 operands give a few thousandths."""


def problem(tokens: int, width: int, vocabulary: int, seed: int, device: Any, dtype: torch.dtype) -> tuple[Any, ...]:
    """A head, hidden states and inputs at random, their values those of bf16."""
    make = torch.Generator().manual_seed(seed)
    hidden = torch.randn(tokens, width, generator=make).bfloat16().to(device, dtype)
    head = torch.nn.Linear(width, vocabulary, bias=False, device=device, dtype=dtype)
    with torch.no_grad():
        head.weight.copy_((torch.randn(vocabulary, width, generator=make) * 2 / width**0.5).bfloat16())
    sequences = max(1, tokens // 40)
    segment = torch.randint(0, sequences, (tokens,), generator=make).sort().values
    targets = torch.randint(0, vocabulary, (tokens,), generator=make)
    with torch.no_grad():
        logp = torch.log_softmax(hidden.double().cpu() @ head.weight.double().cpu().t(), -1)
    own = logp.gather(1, targets[:, None])[:, 0]
    # Ratios stay clear of the clips' bounds: on one, rounding alone would decide whether a token has a gradient.
    bases = torch.tensor([-1.5, -0.5, -0.1, 0.1, 0.5], dtype=own.dtype)

    def near() -> torch.Tensor:
        base = bases[torch.randint(0, 5, (sequences,), generator=make)][segment]
        return (own + base + 0.02 * torch.randn(tokens, generator=make)).float().to(device)

    advantages = torch.randn(sequences, generator=make)[segment].to(device)
    weights = (torch.rand(tokens, generator=make) / tokens).to(device)
    inputs = HeadInputs(targets.to(device), segment.to(device), sequences, advantages, weights, near(), near(), near())
    return head, hidden, inputs


def error(got: torch.Tensor, exact: torch.Tensor) -> float:
    """‖got - exact‖ / ‖exact‖; not a number stays so."""
    return float((got.double().cpu() - exact.double().cpu()).norm() / exact.double().cpu().norm().clamp(min=1e-30))


def check_kernel(choice: KernelChoice, device: Any) -> list[tuple[str, float]]:
    """Each case with its largest error: gradients relative to their norm, values absolutely, over every algorithm."""
    rows = []
    for seed, shape in enumerate(_SHAPES):
        for algorithm in sorted(ALGORITHMS):
            settings = TrainSettings(
                algorithm=algorithm, importance_sampling_cap=2.0, kl_loss_coef=0.1,
                kl_loss_type=("k1", "k2", "k3")[seed % 3],
            )  # fmt: skip
            head, hidden, inputs = problem(*shape, seed, device, torch.bfloat16)
            hidden.requires_grad_()
            got = head_loss(choice, head, hidden, inputs, settings)
            got.total.backward()
            exact_head, exact_hidden, _ = problem(*shape, seed, device, torch.float64)
            exact_hidden.requires_grad_()
            exact = _plain(exact_head, exact_hidden, inputs, settings)
            exact.total.backward()
            worst = max(
                error(hidden.grad, exact_hidden.grad),
                error(head.weight.grad, exact_head.weight.grad),
                float((got.logp.double() - exact.logp).abs().max()),
                float((got.entropy.double() - exact.entropy).abs().max()),
            )
            rows.append((f"{algorithm} {shape}", worst))
    return rows


def main() -> None:
    """`fused_check DEVICE hopper|portable`: exit code 1 and a line where the kernel disagrees."""
    from .fused_steps import CudaSteps

    torch.cuda.set_device(int(sys.argv[1]))
    device = torch.device("cuda", int(sys.argv[1]))
    choice = KernelChoice(CudaSteps(device, sys.argv[2] == "hopper"), "check")
    for name, worst in check_kernel(choice, device):
        print(f"{name}: {worst:.2e}", flush=True)
        if not worst < BOUND:
            sys.exit(f"{name}: error {worst:.2e}, expected under {BOUND}")
