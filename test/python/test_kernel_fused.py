"""The fused head without a GPU: loss.h compiled for the host, and the passes over chunks with the kernels done in torch.

What runs here is what the CUDA version runs but for the kernels themselves; those are checked against float64 on a GPU by
`kernel.fused_check`, which the last test calls where there is one.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
import torch

import kernel_support  # noqa: F401  (puts the kernel on the path)
from kernel import fused_build, fused_head
from kernel.fused_check import BOUND, check_kernel, problem
from kernel.fused_head import FusedInputs, chunk_edges, chunk_rows, run_fused
from kernel.fused_steps import Chunk, LossSettings
from kernel.head_loss import PLAIN, KernelChoice, choose_kernel, head_loss, plain_reason
from kernel.losses import ALGORITHMS
from kernel.train_options import TrainSettings

HOST = """
#include "loss.h"
void losses(struct LossSettings s, int n, const float *in, float *out) {
    for (int i = 0; i < n; i++) {
        const float *t = in + 7 * i;
        struct LossToken token = {t[0], t[1], t[2], t[3], t[4], t[5], t[6]};
        struct LossResult r = loss_of_token(s, token);
        float *o = out + 5 * i;
        o[0] = r.loss; o[1] = r.kl; o[2] = r.slope; o[3] = r.kl_slope; o[4] = r.clipped;
    }
}
"""


class HostSteps:
    """The kernels of csrc/ as torch operations in float32, with the loss by loss.h."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self.library = library

    def hopper(self, _width: int) -> bool:
        return True

    def parts(self, _vocabulary: int, _width: int) -> int:
        return 1

    def target_logit(self, hidden: Any, weight: Any, target: Any, first: int, out: Any) -> None:
        here = (target >= first) & (target < first + weight.shape[0])
        rows = weight[torch.where(here, target - first, 0)]
        out.copy_(torch.where(here, (hidden.float() * rows.float()).sum(-1), 0))

    def exponentials(self, chunk: Chunk) -> None:
        logits = hidden_product(chunk)
        x = ((logits - chunk.reference[:, None]) * chunk.scale * 1.4426950408889634).clamp(max=100)
        exp = torch.exp2(x)
        mine = torch.arange(chunk.weight.shape[0]) == (chunk.target - chunk.first)[:, None]
        exp[mine] = 0
        if chunk.out is not None:
            chunk.out.fill_(torch.nan)  # the padding must not matter
            chunk.vocabulary_part().copy_(exp)
        chunk.part[:, 0, 0] = exp.sum(-1)
        chunk.part[:, 0, 1] = (exp * x).sum(-1)

    def add_parts(self, chunk: Chunk, sums: Any) -> None:
        sums.copy_(chunk.part.sum(1))

    def loss(self, tokens: Any, settings: LossSettings, log_ratio: Any) -> Any:
        logp = -torch.log1p(tokens["sums"][:, 0])
        get = lambda name, other: other if tokens[name] is None else tokens[name]  # noqa: E731
        old = get("old", logp)
        zero = torch.zeros_like(logp)
        ratio = logp - old if log_ratio is None else log_ratio
        columns = [logp, old, get("engine", old), get("advantage", zero), get("weight", zero), get("reference", logp)]
        given = torch.stack([*columns, ratio], 1).contiguous()
        result = torch.empty(logp.numel(), 5)
        self.library.losses(
            settings, logp.numel(), ctypes.c_void_p(given.data_ptr()), ctypes.c_void_p(result.data_ptr())
        )
        return logp, result

    def sequences(self, tokens: Any, settings: LossSettings, starts: Any, base: int) -> None:
        edges = (starts - base).tolist()
        logp = -torch.log1p(tokens["sums"][:, 0])
        moved = torch.zeros_like(logp) if tokens["old"] is None else logp - tokens["old"]
        for a, b in zip(edges[:-1], edges[1:]):
            tokens["log_ratio"][a:b] = moved[a:b].mean()
        slope = self.loss(tokens, settings, tokens["log_ratio"])[1][:, 2]
        for a, b in zip(edges[:-1], edges[1:]):
            tokens["slope"][a:b] = slope[a:b].mean()

    def finish(self, tokens: Any, settings: LossSettings, chunk: Chunk, scaled: Any) -> None:
        gspo = settings.algorithm == 1
        logp, result = self.loss(tokens, settings, tokens["log_ratio"] if gspo else None)
        others, moment = tokens["sums"].unbind(1)
        slope = tokens["slope"] + result[:, 3] if gspo else result[:, 2]
        tokens["logp"].copy_(logp)
        tokens["entropy"].copy_(torch.log1p(others) - 0.6931471805599453 * moment / (1 + others))
        for name, column in (("loss", 0), ("kl", 1), ("clipped", 4)):
            tokens[name].copy_(result[:, column])
        tokens["flagged"] += (~(others < 2.0**99)).sum().int()
        factor = -slope * chunk.scale / (1 + others)
        tokens["factor"].copy_(factor)
        if scaled is not None:
            mine = chunk.target - chunk.first
            here = ((mine >= 0) & (mine < chunk.weight.shape[0])).nonzero()[:, 0]
            chunk.out[here, mine[here]] = -others[here].to(chunk.out.dtype)
            scaled.copy_(factor[:, None] * chunk.hidden.float())

    def product(self, out: Any, a: Any, b: Any, add: bool) -> None:
        whole = a.float() @ b.float()
        out.copy_(out.float() + whole if add else whole)

    def scale_rows(self, rows: Any, factor: Any, out: Any) -> None:
        out.copy_(factor[:, None] * rows)

    def scale_unless_one(self, data: Any, by: Any) -> None:
        data.mul_(by)


def hidden_product(chunk: Chunk) -> torch.Tensor:
    return chunk.hidden.float() @ chunk.weight.float().t()


@pytest.fixture(scope="module")
def steps(tmp_path_factory: Any) -> HostSteps:
    compiler = shutil.which("gcc") or shutil.which("cc")
    assert compiler, "the system packages bring gcc"
    folder = tmp_path_factory.mktemp("host")
    (folder / "host.c").write_text(HOST)
    sources = f"-I{fused_build.SOURCES}"
    made = folder / "host.so"
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", sources, "-o", made, folder / "host.c", "-lm"], check=True)
    return HostSteps(ctypes.CDLL(str(made)))


@pytest.mark.parametrize("rows", [None, 64])
def test_every_loss_agrees_with_the_plain_version_in_float64(steps: HostSteps, rows: int | None, monkeypatch: Any) -> None:
    if rows is not None:
        # Several chunks; a sequence of gspo fits one in the first problem, and none does in the others.
        monkeypatch.setattr(fused_head, "chunk_rows", lambda _vocabulary: rows)
    results = check_kernel(KernelChoice(steps, "host"), "cpu")
    assert len(results) == 3 * len(ALGORITHMS)
    assert [name for name, worst in results if not worst < BOUND] == []


def test_a_sequence_longer_than_a_chunk_takes_a_first_pass(steps: HostSteps) -> None:
    head, hidden, inputs = problem(100, 32, 50, 3, "cpu", torch.bfloat16)
    starts = [0, *torch.bincount(inputs.segment, minlength=inputs.sequences).cumsum(0).tolist()]
    wanted = FusedInputs(
        "gspo", inputs.targets, old=inputs.old, advantage=inputs.advantages, weight=inputs.weights, starts=starts
    )
    got = []
    for rows in (16, 100):
        d_hidden, d_weight = torch.empty(100, 32), torch.empty(50, 32)
        assert (chunk_edges(100, rows, starts) is None) == (rows == 16)
        with torch.no_grad():
            got.append(run_fused(steps, hidden, head.weight, wanted, d_hidden, d_weight, rows))
    for name in ("logp", "loss", "d_hidden", "d_weight"):
        torch.testing.assert_close(getattr(got[0], name), getattr(got[1], name), rtol=2e-3, atol=1e-6)


def test_two_shards_of_the_vocabulary_are_the_whole(steps: HostSteps) -> None:
    head, hidden, inputs = problem(90, 32, 50, 4, "cpu", torch.bfloat16)
    weight = head.weight.detach()
    given: dict[str, Any] = {"old": inputs.old, "advantage": inputs.advantages, "weight": inputs.weights}
    run = lambda w, i: run_fused(steps, hidden, w, i, torch.empty(90, 32), torch.empty(w.shape[0], 32), 48)  # noqa: E731
    whole = run(weight, FusedInputs("grpo", inputs.targets, **given))
    meet, held, parts = threading.Barrier(2), [None, None], [None, None]

    def shard(rank: int) -> None:
        def reduce(tensor: torch.Tensor) -> None:
            held[rank] = tensor.clone()
            meet.wait()
            tensor.copy_(held[0] + held[1])
            meet.wait()

        part = weight[:20] if rank == 0 else weight[20:]
        parts[rank] = run(part.contiguous(), FusedInputs("grpo", inputs.targets, first=20 * rank, reduce=reduce, **given))

    threads = [threading.Thread(target=shard, args=(rank,)) for rank in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first, second = parts
    torch.testing.assert_close(first.logp, whole.logp)
    torch.testing.assert_close(first.entropy, second.entropy)
    torch.testing.assert_close(first.d_hidden + second.d_hidden, whole.d_hidden, rtol=1e-3, atol=1e-6)
    torch.testing.assert_close(torch.cat([first.d_weight, second.d_weight]), whole.d_weight, rtol=1e-3, atol=1e-6)


def test_a_row_beyond_the_exponentials_takes_the_plain_version(steps: HostSteps) -> None:
    head, hidden, inputs = problem(20, 32, 50, 5, "cpu", torch.bfloat16)
    inputs.multiplier = 100.0  # log-probabilities of several hundred below zero
    results = [head_loss(KernelChoice(s, ""), head, hidden, inputs, TrainSettings()) for s in (steps, None)]
    assert float(results[1].logp.min()) < -100
    torch.testing.assert_close(results[0].logp, results[1].logp)
    assert results[0].total.item() == results[1].total.item()


def test_chunks_keep_sequences_whole_and_stay_under_their_size() -> None:
    assert chunk_edges(10, 4, []) == [0, 4, 8, 10]
    assert chunk_edges(10, 5, [0, 3, 5, 9, 10]) == [0, 5, 10]
    assert chunk_edges(10, 5, [0, 6, 10]) is None
    assert chunk_rows(152_064) == 3072
    assert chunk_rows(10**9) == 16


def test_the_choice_says_why(monkeypatch: Any, tmp_path: Path) -> None:
    on_cpu = choose_kernel(torch.device("cpu"), "fused")
    assert on_cpu.steps is None and "cpu" in on_cpu.reason
    unasked = choose_kernel(torch.device("cuda"))
    assert unasked.steps is None and unasked.reason == PLAIN
    head, hidden, _ = problem(4, 8, 16, 0, "cpu", torch.float32)
    given = KernelChoice(object(), "fused")
    assert "not bf16" in (plain_reason(given, head, hidden, 0.0) or "")
    assert plain_reason(given, head.bfloat16(), hidden, 0.0) is None
    assert "caps" in (plain_reason(given, head, hidden, 30.0) or "")
    monkeypatch.setattr(fused_build, "find_nvcc", lambda: None)
    with pytest.raises(fused_build.BuildError, match="no nvcc"):
        fused_build.build((9, 0))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_kernel_agrees_on_this_gpu() -> None:
    choice = choose_kernel(torch.device("cuda", 0), "fused")
    assert choice.steps is not None, choice.reason
