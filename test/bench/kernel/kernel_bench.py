"""Time, extra memory and error of the head's loss with gradients, one JSON object a line; run by `npm run bench -- kernel`.

All in one process on one GPU, bf16 operands and gradients: the three products alone as cuBLAS does them in chunks of 2,048
tokens (the measure of the goals), ours, eager PyTorch, torch.compile, Liger's fused GRPO and cut-cross-entropy, the last two
where they are installed. A measurement is the median of 5 after 2 for warming up, by the device's own events.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "actors" / "learner"))

from kernel import fused_build  # noqa: E402
from kernel.fused_check import error, problem  # noqa: E402
from kernel.head_loss import HeadInputs, KernelChoice, check, head_loss  # noqa: E402
from kernel.train_options import TrainSettings  # noqa: E402

WIDTHS = {896: 151_936, 1536: 151_936, 3584: 152_064, 5120: 152_064}
GOALS = {896: 1.10, 1536: 1.05, 3584: 1.02, 5120: 1.02}
TOKENS = (8192, 32768)
SEQUENCE = 1024
_EAGER_BYTES = 100 << 30


def say(**row: Any) -> None:
    print(json.dumps(row), flush=True)


def measure(run: Callable[[], Any]) -> tuple[list[float], float]:
    """Milliseconds, sorted, and GiB at the peak beyond what was there before."""
    for _ in range(2):
        run()
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    base, times = torch.cuda.memory_allocated(), []
    for _ in range(5):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        run()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end))
    return sorted(times), (torch.cuda.max_memory_allocated() - base) / 2**30


def floor(hidden: torch.Tensor, weight: torch.Tensor, first_twice: bool) -> Callable[[], None]:
    """The products alone: logits (twice for a recomputing pass), gradient of hidden, gradient of weight."""
    rows = 2048
    logits = torch.empty(rows, weight.shape[0], dtype=weight.dtype, device="cuda")
    d_hidden, d_weight = torch.empty_like(hidden), torch.zeros_like(weight)

    def run() -> None:
        for start in range(0, hidden.shape[0], rows):
            part = hidden[start : start + rows]
            for _ in range(2 if first_twice else 1):
                torch.mm(part, weight.t(), out=logits)
            torch.mm(logits, weight, out=d_hidden[start : start + rows])
            d_weight.addmm_(logits.t(), part)

    return run


def grpo(logp: torch.Tensor, inputs: HeadInputs) -> torch.Tensor:
    ratio = torch.exp(logp - inputs.old)
    kept = torch.minimum(ratio * inputs.advantages, ratio.clamp(0.8, 1.2) * inputs.advantages)
    return -(kept * inputs.weights).sum()


def others(tokens: int, inputs: HeadInputs) -> dict[str, Callable[[Any, Any], Any]]:
    """The other ways to the same gradients, by name; what is not installed says so."""

    def eager(hidden: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        logp = (hidden @ weight.t()).float().log_softmax(-1).gather(1, inputs.targets[:, None])[:, 0]
        return grpo(logp, inputs)

    ways: dict[str, Callable[[Any, Any], Any]] = {"eager": eager, "torch.compile": torch.compile(eager)}
    try:
        from liger_kernel.chunked_loss.grpo_loss import LigerFusedLinearGRPOLoss

        fused = LigerFusedLinearGRPOLoss(beta=0.0, use_ref_model=False, loss_type="bnpo", chunk_size=1)
        rows = tokens // SEQUENCE
        shape = (rows, SEQUENCE)
        mask = torch.ones(shape, device="cuda")
        ways["Liger GRPO"] = lambda h, w: fused(
            h.view(rows, SEQUENCE, -1), w, inputs.targets.view(shape), mask, inputs.advantages[::SEQUENCE].contiguous(),
            None, None, inputs.old.view(shape),
        )[0]  # fmt: skip
    except ImportError as problem_:
        print(f"Liger GRPO: not measured: {problem_}", file=sys.stderr)
    try:
        from cut_cross_entropy import linear_cross_entropy

        ways["cut-cross-entropy"] = lambda h, w: grpo(
            -linear_cross_entropy(h, w, inputs.targets, reduction="none"), inputs
        )
    except ImportError as problem_:
        print(f"cut-cross-entropy: not measured: {problem_}", file=sys.stderr)
    return ways


def one_size(choices: list[KernelChoice], tokens: int, width: int) -> None:
    vocabulary = WIDTHS[width]
    torch.manual_seed(0)
    hidden = torch.randn(tokens, width, device="cuda").bfloat16().requires_grad_()
    head = torch.nn.Linear(width, vocabulary, bias=False, device="cuda", dtype=torch.bfloat16)
    with torch.no_grad():
        head.weight.normal_(std=0.02)
    sequences = tokens // SEQUENCE
    segment = torch.arange(sequences, device="cuda").repeat_interleave(SEQUENCE)
    targets = torch.randint(0, vocabulary, (tokens,), device="cuda")
    scale = torch.full((tokens,), 1 / tokens, device="cuda")
    inputs = HeadInputs(targets, segment, sequences, torch.randn(sequences, device="cuda")[segment], scale)
    with torch.no_grad():
        inputs.old = head_loss(choices[0], head, hidden, inputs, TrainSettings(algorithm="sft")).logp
    inputs.old = inputs.old + 0.05 * torch.randn(tokens, device="cuda")
    base: dict[bool, float] = {}
    for twice in (False, True):
        times, memory = measure(floor(hidden.detach(), head.weight.detach(), twice))
        base[twice] = times[2]
        torch.cuda.empty_cache()
        say(way=f"{'four' if twice else 'three'} products", tokens=tokens, width=width, ms=times, gib=memory)

    # Gradients belong to each measurement's base: they stay allocated from one repeat to the next.
    hidden.grad, head.weight.grad = torch.zeros_like(hidden), torch.zeros_like(head.weight)

    def report(way: str, loss: Callable[[], torch.Tensor], twice: bool, goal: float | None) -> None:
        def run() -> None:
            # The gradient of the step before is freed first, as an optimiser's zero_grad does: its place is the base.
            hidden.grad = head.weight.grad = None
            loss().backward()

        try:
            times, memory = measure(run)
            say(way=way, tokens=tokens, width=width, ms=times, gib=memory, products=base[twice], goal=goal)
        except torch.OutOfMemoryError:
            print(f"{way}, {tokens} tokens, width {width}: out of memory", file=sys.stderr)
        torch.cuda.empty_cache()

    for choice in choices:
        for algorithm in ("grpo", "cispo", "gspo"):
            settings = TrainSettings(algorithm=algorithm)
            ours = lambda s=settings, c=choice: head_loss(c, head, hidden, inputs, s).total  # noqa: E731
            report(f"ours by {choice.reason}, {algorithm}", ours, algorithm == "gspo", GOALS[width])
    for way, loss in others(tokens, inputs).items():
        if way in ("eager", "torch.compile") and tokens * vocabulary * 16 > _EAGER_BYTES:
            print(f"{way}, {tokens} tokens: not measured, its logits alone would take the GPU", file=sys.stderr)
            continue
        report(way, lambda f=loss: f(hidden, head.weight), False, None)


def errors(choice: KernelChoice) -> None:
    """Gradients of ours and of the plain version in bf16 against float64, several chunks of a real vocabulary."""
    plain = KernelChoice(None, "plain")
    for width in (896, 3584):
        got: dict[str, list[float]] = {}
        head, hidden, inputs = problem(4096, width, 32_000, 7, "cuda", torch.float64)
        hidden.requires_grad_()
        head_loss(plain, head, hidden, inputs, TrainSettings()).total.backward()
        for way, used in (("ours", choice), ("plain", plain)):
            low, h, _ = problem(4096, width, 32_000, 7, "cuda", torch.bfloat16)
            h.requires_grad_()
            head_loss(used, low, h, inputs, TrainSettings()).total.backward()
            got[way] = [error(h.grad, hidden.grad), error(low.weight.grad, head.weight.grad)]
        for i, name in enumerate(("hidden", "weight")):
            say(error=f"{name}, {choice.reason}", width=width, ours=got["ours"][i], plain=got["plain"][i])


def main() -> None:
    if not torch.cuda.is_available():
        sys.exit("bench kernel: expected a GPU that torch sees, found none: run it on a machine with one")
    if fused_build.find_nvcc() is None:
        sys.exit("bench kernel: expected nvcc (CUDA_HOME, PATH, /usr/local/cuda), found none: install the CUDA toolkit")
    device = torch.device("cuda", 0)
    try:
        fused_build.build(torch.cuda.get_device_capability(device))
    except fused_build.BuildError as fault:
        sys.exit(f"bench kernel: {fault}")
    from kernel.fused_steps import CudaSteps

    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}", file=sys.stderr)
    choices = []
    for hopper, name in ((False, "cuBLAS"), (True, "wgmma")):
        if hopper and torch.cuda.get_device_capability(device) != (9, 0):
            continue
        print(f"{name}: {check(device, hopper) or 'agrees with float64'}", file=sys.stderr)
        choices.append(KernelChoice(CudaSteps(device, hopper), name))
    for choice in choices:
        errors(choice)
    for tokens in TOKENS:
        for width in WIDTHS:
            one_size(choices, tokens, width)
            torch.cuda.empty_cache()


main()
