"""Each formula of losses.py against a float64 reference written token by token from the definitions."""

from __future__ import annotations

import math

import pytest
import torch

import kernel_support  # noqa: F401  (puts the kernel on the path)
from kernel import losses

LOW, HIGH, DUAL = 0.2, 0.28, 3.0
SEGMENT = [0, 0, 0, 1, 1, 2, 2, 2, 2]


def numbers(seed: int) -> tuple[list[float], list[float], list[float]]:
    """logp, old and advantages [9] with ratios from 0.05 to 30 and both signs of advantage."""
    generator = torch.Generator().manual_seed(seed)
    old = (-torch.rand(9, generator=generator, dtype=torch.float64) * 4).tolist()
    shift = ((torch.rand(9, generator=generator, dtype=torch.float64) - 0.4) * 5).tolist()
    per_sequence = torch.randn(3, generator=generator, dtype=torch.float64).tolist()
    return [o + s for o, s in zip(old, shift)], old, [per_sequence[i] for i in SEGMENT]


def expected_clip(r: float, a: float, dual: float) -> float:
    bounded = min(max(r, 1 - LOW), 1 + HIGH)
    loss = -min(r * a, bounded * a)
    return min(loss, -dual * a) if a < 0 and dual > 0 else loss


def run(name: str, logp: list[float], old: list[float], adv: list[float], dual: float = DUAL) -> losses.TokenLoss:
    as_tensor = lambda values: torch.tensor(values, dtype=torch.float64)  # noqa: E731
    return losses.policy_loss(
        name, as_tensor(logp), as_tensor(old), as_tensor(adv), torch.tensor(SEGMENT), 3, LOW, HIGH, dual
    )


@pytest.mark.parametrize("name", ["grpo", "dr_grpo", "rloo", "reinforce_plus_plus"])
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("dual", [0.0, DUAL])
def test_the_clipped_loss_is_the_formula(name: str, seed: int, dual: float) -> None:
    logp, old, adv = numbers(seed)
    got = run(name, logp, old, adv, dual).loss.tolist()
    want = [expected_clip(math.exp(p - o), a, dual) for p, o, a in zip(logp, old, adv)]
    assert got == pytest.approx(want, rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_gspo_uses_one_ratio_for_each_sequence(seed: int) -> None:
    logp, old, adv = numbers(seed)
    want = []
    for i, a in zip(SEGMENT, adv):
        own = [p - o for p, o, j in zip(logp, old, SEGMENT) if j == i]
        want.append(expected_clip(math.exp(sum(own) / len(own)), a, 0.0))
    assert run("gspo", logp, old, adv).loss.tolist() == pytest.approx(want, rel=1e-12)


def test_the_gradient_of_gspo_reaches_every_token_of_the_sequence() -> None:
    old = torch.zeros(3, dtype=torch.float64)
    logp = torch.tensor([0.01, -0.02, 0.03], dtype=torch.float64, requires_grad=True)
    ratio = losses.sequence_log_ratio(logp, old, torch.tensor([0, 0, 0]), 1)
    losses.clipped_loss(ratio, torch.full_like(old, 2.0), LOW, HIGH).loss.sum().backward()
    # d/dlogp_t of -3·A·exp(mean) is -A·exp(mean).
    want = -2.0 * math.exp(0.02 / 3)
    assert logp.grad.tolist() == pytest.approx([want] * 3, rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_cispo_bounds_the_weight_and_keeps_the_gradient(seed: int) -> None:
    logp, old, adv = numbers(seed)
    want = [-min(math.exp(p - o), 1 + HIGH) * a * p for p, o, a in zip(logp, old, adv)]
    assert run("cispo", logp, old, adv).loss.tolist() == pytest.approx(want, rel=1e-12)
    leaf = torch.tensor(logp, dtype=torch.float64, requires_grad=True)
    losses.cispo_loss(leaf, torch.tensor(old), torch.tensor(adv), HIGH).loss.sum().backward()
    slope = [-min(math.exp(p - o), 1 + HIGH) * a for p, o, a in zip(logp, old, adv)]
    assert leaf.grad.tolist() == pytest.approx(slope, rel=1e-6)


def test_sft_is_the_plain_negative_log_likelihood() -> None:
    logp, old, adv = numbers(0)
    assert run("sft", logp, old, adv).loss.tolist() == [-p for p in logp]


def test_clip_higher_widens_only_the_upper_side() -> None:
    ratio = torch.tensor([1.25, 1.35, 0.75], dtype=torch.float64).log()
    token = losses.clipped_loss(ratio, torch.tensor([1.0, 1.0, -1.0], dtype=torch.float64), 0.2, 0.28)
    assert token.loss.tolist() == pytest.approx([-1.25, -1.28, 0.8])
    assert token.clipped.tolist() == [False, True, True]


def test_the_log_ratio_is_bounded_at_20() -> None:
    token = run("grpo", [0.0] * 9, [-50.0] * 9, [-1.0] * 9, dual=0.0)
    assert token.loss.tolist() == pytest.approx([math.exp(20)] * 9)


@pytest.mark.parametrize(
    ("kind", "formula"),
    [
        ("k1", lambda d: -d),
        ("k2", lambda d: d * d / 2),
        ("k3", lambda d: min(max(math.exp(d) - d - 1, -10), 10)),
    ],
)
def test_each_kl_term_is_its_formula(kind: str, formula) -> None:
    logp, reference = [-1.0, -2.5, -0.1, -3.0, -30.0], [-1.0, -1.0, -4.0, -0.2, -0.1]
    got = losses.kl_term(kind, torch.tensor(logp, dtype=torch.float64), torch.tensor(reference, dtype=torch.float64))
    want = [formula(min(max(r - p, -20), 20)) for p, r in zip(logp, reference)]
    assert got.tolist() == pytest.approx(want, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("token-mean", lambda sums, counts, n: sum(sums) / sum(counts)),
        ("seq-mean-token-mean", lambda sums, counts, n: sum(s / t for s, t in zip(sums, counts) if t) / n),
        ("seq-mean-token-sum", lambda sums, counts, n: sum(sums) / n),
        ("seq-mean-token-sum-norm", lambda sums, counts, n: sum(sums) / (n * 50)),
    ],
)
def test_each_aggregation_is_its_formula(name: str, formula) -> None:
    per_sequence = [[0.5, -1.5, 2.0], [3.0], [], [0.25, 0.75]]
    counts = [len(s) for s in per_sequence]
    weights = losses.sequence_weights(name, counts, 50)
    got = sum(w * sum(s) for w, s in zip(weights, per_sequence))
    # A sequence without a trained token is not a sequence that the mean is over.
    assert got == pytest.approx(formula([sum(s) for s in per_sequence], counts, 3), rel=1e-12)


def test_the_importance_weight_is_truncated_and_has_no_gradient() -> None:
    old = torch.tensor([-1.0, -1.0, -1.0], dtype=torch.float64, requires_grad=True)
    weight = losses.importance_weight(old, torch.tensor([-1.0, -3.0, -0.5], dtype=torch.float64), 2.0)
    assert weight.tolist() == pytest.approx([1.0, 2.0, math.exp(-0.5)])
    assert not weight.requires_grad
    assert losses.importance_weight(old, torch.zeros(3), 0.0).tolist() == [1.0, 1.0, 1.0]
