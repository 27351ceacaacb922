"""The model, packing and one whole training step against plain float64 code."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from kernel_support import make_batch_of, make_model, options, plain_logprobs
from kernel.batch import Batch, pack, split_evenly
from kernel.head import head_logprobs
from kernel.model import Model, load_model
from kernel.optimizer import Optimizer
from kernel.step import TrainStep
from kernel.train_options import read_settings

LENGTHS = [31, 30, 9, 24, 17, 30, 5]


def settings(**changes: Any) -> Any:
    base = {"algorithm": "grpo", "temperature": 0.7, "importance_sampling_cap": 2.0, "max_tokens_per_micro_batch": 64}
    return read_settings(base | changes)


def learner(folder: Path, **changes: Any) -> tuple[Model, Optimizer]:
    chosen = options(folder, **changes)
    model = load_model(chosen)
    return model, Optimizer(model.parameters(), chosen["optimizer"])


def train(model: Model, optimizer: Optimizer, batch: Batch, keep: str | None = None, **changes: Any) -> dict[str, Any]:
    return TrainStep(model, optimizer, settings(**changes), lambda done, total: None).run(batch, keep)


def trained_logprobs(model: Model, batch: Batch, limit: int) -> torch.Tensor:
    """[T], zero where nothing is trained."""
    result = torch.zeros(batch.token_ids.numel())
    for micro in pack(batch, list(range(batch.sequences)), limit, model.device):
        result[micro.source] = model.logprobs(micro, 0.7)[0].detach()
    return result


@pytest.mark.parametrize(("kind", "tied"), [("qwen2", True), ("llama", False)])
def test_packed_rows_equal_separate_rows(tmp_path: Path, kind: str, tied: bool) -> None:
    folder = make_model(tmp_path / "model", kind, tied)
    model, _ = learner(folder)
    batch = make_batch_of(LENGTHS)
    plain = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64, attn_implementation="eager")
    separate = [torch.cat([torch.zeros(1), row]) for row in plain_logprobs(plain, batch, 0.7)]
    want = torch.cat(separate).detach() * batch.loss_mask
    for limit in (1, 40, 64, 10_000):
        assert torch.allclose(trained_logprobs(model, batch, limit).double(), want, atol=2e-5)


def test_micro_batches_hold_every_trained_token_once_and_keep_their_bound() -> None:
    batch = make_batch_of(LENGTHS)
    micro = pack(batch, list(range(batch.sequences)), 64, torch.device("cpu"))
    assert sorted(i for m in micro for i in m.rows) == list(range(len(LENGTHS)))
    assert sorted(torch.cat([m.source for m in micro]).tolist()) == batch.loss_mask.nonzero()[:, 0].tolist()
    assert all(m.token_ids.numel() <= 64 for m in micro)
    assert split_evenly(7, 3) == [[0, 1], [2, 3], [4, 5, 6]]


def reference_step(
    folder: Path, other: Path, batch: Batch, kl: float, cap: float, low: float, high: float
) -> tuple[float, dict]:
    """One GRPO step in float64, sequence by sequence from the formulas, with its gradients by parameter name."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64, attn_implementation="eager")
    frozen = AutoModelForCausalLM.from_pretrained(other, dtype=torch.float64, attn_implementation="eager")
    total_tokens = int(batch.loss_mask.sum())
    loss = torch.zeros((), dtype=torch.float64)
    rows = zip(batch.starts, batch.seq_lens, plain_logprobs(model, batch, 0.7), plain_logprobs(frozen, batch, 0.7))
    for index, (start, length, logp, reference) in enumerate(rows):
        advantage = float(batch.advantages[index])
        for t in range(1, length):
            if not batch.loss_mask[start + t]:
                continue
            p, q = logp[t - 1], reference[t - 1].detach()
            ratio = torch.exp(p - p.detach())
            surrogate = -torch.minimum(ratio * advantage, ratio.clamp(1 - low, 1 + high) * advantage)
            weight = min(float(torch.exp(p.detach() - batch.logprobs[start + t].double())), cap)
            d = q - p
            loss = loss + (surrogate * weight + kl * (torch.exp(d) - d - 1)) / total_tokens
    loss.backward()
    return float(loss.detach()), {name: p.grad for name, p in model.named_parameters()}


@pytest.mark.parametrize(("kind", "tied", "checkpointing"), [("qwen2", True, True), ("llama", False, False)])
def test_a_grpo_step_equals_a_plain_float64_implementation(
    tmp_path: Path, kind: str, tied: bool, checkpointing: bool
) -> None:
    folder = make_model(tmp_path / "model", kind, tied)
    # The reference of the KL term is another model than the one trained, so that the term is not zero.
    other = make_model(tmp_path / "other", kind, tied, noise=0.01)
    batch = make_batch_of(LENGTHS)
    model, optimizer = learner(other, reference=True, gradient_checkpointing=checkpointing)
    model.causal.load_state_dict(AutoModelForCausalLM.from_pretrained(folder).state_dict())
    step = TrainStep(model, optimizer, settings(kl_loss_coef=0.1, clip_ratio_high=0.28), lambda done, total: None)
    rows = list(range(batch.sequences))
    with model.training():
        step.gradients(batch, rows, step._plan(batch, rows), None)
    loss, gradients = reference_step(folder, other, batch, 0.1, 2.0, 0.2, 0.28)
    assert float(step.statistics.loss[0]) == pytest.approx(loss, abs=1e-6)
    names = set()
    for name, parameter in model.parameters().items():
        names.add(name)
        difference = (parameter.grad.double() - gradients[name]).norm()
        assert difference <= 1e-4 * gradients[name].norm(), name
    assert names == set(gradients)


def test_the_loss_does_not_depend_on_how_the_batch_is_packed(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "model")
    batch = make_batch_of(LENGTHS)
    for aggregation in ("token-mean", "seq-mean-token-mean", "seq-mean-token-sum", "seq-mean-token-sum-norm"):
        results = []
        for limit in (1, 64, 10_000):
            model, optimizer = learner(folder)
            changes = {"loss_aggregation": aggregation, "max_sequence_length": 40, "max_tokens_per_micro_batch": limit}
            metrics = train(model, optimizer, batch, **changes)
            results.append((metrics["loss"], metrics["grad_norm"], metrics["mismatch_mean"]))
        assert results[1] == pytest.approx(results[0], rel=1e-4, abs=1e-6)
        assert results[2] == pytest.approx(results[0], rel=1e-4, abs=1e-6)


def test_sequences_without_an_advantage_change_nothing_but_the_statistics(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "model")
    batch = make_batch_of(LENGTHS)
    batch.advantages[[1, 3, 4]] = 0.0
    model, optimizer = learner(folder)
    step = TrainStep(model, optimizer, settings(), lambda done, total: None)
    rows = list(range(batch.sequences))
    step.gradients(batch, rows, step._plan(batch, rows), None)
    skipping = {name: p.grad.clone() for name, p in model.parameters().items()}
    all_active = [(micro, True) for micro in pack(batch, rows, 64, model.device)]
    step.gradients(batch, rows, all_active, None)
    for name, parameter in model.parameters().items():
        assert torch.allclose(skipping[name], parameter.grad, rtol=1e-4, atol=1e-7), name


def test_a_second_mini_batch_measures_its_ratio_against_the_weights_before_the_first(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "model")
    batch = make_batch_of(LENGTHS)
    model, optimizer = learner(folder, optimizer={"lr": 1e-2})
    before = trained_logprobs(model, batch, 64)
    metrics = train(model, optimizer, batch, mini_batches=2)
    assert metrics["updates"] == 2
    assert metrics["ratio_max"] > 1.01
    # The mismatch is measured with the weights before any update.
    exact = torch.exp(before - batch.logprobs)[batch.loss_mask]
    assert metrics["mismatch_mean"] == pytest.approx(float(exact.mean()), rel=1e-4)
    assert metrics["mismatch_max"] == pytest.approx(float(exact.max()), rel=1e-4)


@pytest.mark.parametrize("algorithm", ["grpo", "dr_grpo", "rloo", "reinforce_plus_plus", "gspo", "cispo", "sft"])
def test_every_algorithm_makes_well_rewarded_tokens_likelier(tmp_path: Path, algorithm: str) -> None:
    folder = make_model(tmp_path / "model")
    batch = make_batch_of(LENGTHS)
    batch.advantages.fill_(1.0)
    model, optimizer = learner(folder)
    before = trained_logprobs(model, batch, 64).sum()
    for _ in range(3):
        metrics = train(model, optimizer, batch, algorithm=algorithm)
    assert metrics["updates"] == 1
    assert trained_logprobs(model, batch, 64).sum() > before + 1


@pytest.mark.parametrize("poison", [float("nan"), float("inf"), 3e38])
def test_an_update_that_is_not_finite_is_skipped_and_its_batch_kept(tmp_path: Path, poison: float) -> None:
    from safetensors.torch import load_file

    folder = make_model(tmp_path / "model")
    model, optimizer = learner(folder)
    batch = make_batch_of(LENGTHS)
    train(model, optimizer, batch)
    weights = {name: p.detach().clone() for name, p in model.parameters().items()}
    moments = {name: t.clone() for name, t in optimizer.state_tensors().items()}
    bad = make_batch_of(LENGTHS)
    bad.advantages[0] = poison
    metrics = train(model, optimizer, bad, str(tmp_path / "kept"), mini_batches=1, loss_aggregation="seq-mean-token-sum")
    assert (metrics["updates"], metrics["skipped_updates"]) == (0, 1)
    assert all(torch.equal(weights[name], p) for name, p in model.parameters().items())
    assert all(torch.equal(moments[name], t) for name, t in optimizer.state_tensors().items())
    kept = load_file(metrics["skipped_batches"][0])
    assert torch.equal(kept["token_ids"].long(), bad.token_ids)
    assert train(model, optimizer, batch)["updates"] == 1


def test_an_update_whose_weights_would_not_be_finite_is_skipped(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "model")
    model, optimizer = learner(folder, optimizer={"lr": 1e30, "weight_decay": 1e30})
    weights = {name: p.detach().clone() for name, p in model.parameters().items()}
    metrics = train(model, optimizer, make_batch_of(LENGTHS), str(tmp_path))
    assert metrics["skipped_updates"] == 1
    assert all(torch.equal(weights[name], p) for name, p in model.parameters().items())


def test_the_learning_rate_warms_up_and_gradients_are_clipped(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "model")
    model, optimizer = learner(folder, optimizer={"lr": 1e-3, "warmup_steps": 4, "grad_clip": 1e-3})
    rates = []
    for _ in range(5):
        rates.append(optimizer.lr())
        train(model, optimizer, make_batch_of(LENGTHS))
    assert rates == pytest.approx([2.5e-4, 5e-4, 7.5e-4, 1e-3, 1e-3])


def test_the_learning_rate_falls_along_half_a_cosine_over_the_whole_run(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "model")
    schedule = {"lr": 1e-3, "warmup_steps": 2, "schedule": "cosine", "min_lr_ratio": 0.1, "total_updates": 6}
    _, optimizer = learner(folder, optimizer=schedule)
    rates = []
    for optimizer.updates in range(8):
        rates.append(optimizer.lr())
    cosine = [(1 + math.cos(math.pi * i / 4)) / 2 for i in range(4)]
    assert rates == pytest.approx([5e-4, 1e-3] + [1e-3 * (0.1 + 0.9 * c) for c in cosine] + [1e-4, 1e-4])


def test_a_schedule_without_an_update_after_its_warm_up_has_a_rate(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "model")
    schedule = {"lr": 1e-3, "warmup_steps": 2, "schedule": "cosine", "total_updates": 2}
    _, optimizer = learner(folder, optimizer=schedule)
    optimizer.updates = 1
    assert optimizer.lr() == pytest.approx(1e-3)


def test_in_bfloat16_logits_are_not_rounded_on_a_cpu() -> None:
    generator = torch.Generator().manual_seed(4)
    head = torch.nn.Linear(64, 97, bias=False)
    hidden = (torch.randn(20, 64, generator=generator) * 5).bfloat16()
    targets = torch.randint(0, 97, (20,), generator=generator)
    with torch.autocast("cpu", torch.bfloat16):
        logp, _ = head_logprobs(head, hidden, targets, 1.0)
    exact = torch.log_softmax(hidden.double() @ head.weight.bfloat16().double().t(), -1)
    assert logp.dtype == torch.float32
    torch.testing.assert_close(logp.double(), exact.gather(-1, targets[:, None])[:, 0], rtol=0, atol=1e-5)
    logp.sum().backward()
    assert head.weight.grad is not None and head.weight.grad.isfinite().all()
