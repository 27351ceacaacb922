"""The fused head: loss and gradients in one pass over chunks of tokens, three matrix products in all.

With the target's own logit r as the reference, E = exp(logit - r) needs no maximum over the row: E is 1 at the target,
S = Σ of the others, logp = -log(1 + S), and d loss / d logits = f·(E - (1 + S)·onehot) with one factor f for each token.
So f multiplies rows of the products' results and operands, never the chunk itself, which is written once. A row whose
exponentials leave the range of the format is counted in `flagged`, and the caller takes the plain version.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from .fused_steps import ALGORITHM_NUMBERS, KL_NUMBERS, Chunk, LossSettings

CHUNK_BYTES = 896 << 20
"""Exponentials held at a time: with the small buffers beside them under 1 GiB."""
_PAD = 256


@dataclass
class FusedInputs:
    """What a pass needs beside hidden states and weight. T tokens, all tensors on their device.

    target int64[T] counts the whole vocabulary, `first` is this shard's first row of it; old, engine, reference
    float32[T] or None; advantage, weight float32[T]; starts: where each sequence begins, then T (gspo); `reduce` adds a
    tensor over the shards, in place.
    """

    algorithm: str
    target: torch.Tensor
    multiplier: float = 1.0
    low: float = 0.2
    high: float = 0.2
    dual: float = 0.0
    cap: float = 0.0
    kl_kind: str | None = None
    kl_coef: float = 0.0
    old: torch.Tensor | None = None
    engine: torch.Tensor | None = None
    advantage: torch.Tensor | None = None
    weight: torch.Tensor | None = None
    reference: torch.Tensor | None = None
    starts: list[int] = field(default_factory=list)
    first: int = 0
    reduce: Callable[[torch.Tensor], None] | None = None


@dataclass
class FusedResult:
    """float32[T] each; gradients as asked for; `flagged` int32[1]: not 0 where nothing of this may be used.

    With shards, `d_hidden` is this shard's share: the caller adds the shares up.
    """

    logp: torch.Tensor
    entropy: torch.Tensor
    loss: torch.Tensor
    kl: torch.Tensor
    clipped: torch.Tensor
    flagged: torch.Tensor
    d_hidden: torch.Tensor | None
    d_weight: torch.Tensor | None


def chunk_edges(tokens: int, rows: int, starts: list[int]) -> list[int] | None:
    """Where chunks of at most `rows` tokens begin, then `tokens`; with `starts` none cuts a sequence, and None says
    that a sequence is longer than a chunk."""
    if not starts:
        return [*range(0, tokens, rows), tokens]
    edges = [0]
    for begin, end in zip(starts[:-1], starts[1:], strict=True):
        if end - begin > rows:
            return None
        if end - edges[-1] > rows:
            edges.append(begin)
    return [*edges, tokens] if edges[-1] < tokens else edges


def chunk_rows(vocabulary: int, chunk_bytes: int = CHUNK_BYTES) -> int:
    """Tokens to a chunk: whole tiles where at least one fits."""
    rows = chunk_bytes // (2 * (-(-vocabulary // _PAD) * _PAD))
    return max(16, rows // 256 * 256 if rows >= 256 else rows // 16 * 16)


def run_fused(
    steps: Any, hidden: torch.Tensor, weight: torch.Tensor, inputs: FusedInputs, d_hidden: torch.Tensor | None,
    d_weight: torch.Tensor | None, rows: int | None = None, add_to_weight: bool = False,
) -> FusedResult:  # fmt: skip
    """hidden bf16[T, D], weight bf16[V, D], both contiguous; gradients are written where given, that of the weight
    added to what is there with `add_to_weight`. gspo with a sequence longer than a chunk takes a first pass for its
    log-probabilities: one product more."""
    tokens, device = hidden.shape[0], hidden.device
    rows = min(rows or chunk_rows(weight.shape[0]), max(tokens, 1))
    per_sequence = inputs.algorithm == "gspo"
    edges = chunk_edges(tokens, rows, inputs.starts if per_sequence else [])
    values = {name: torch.zeros(tokens, device=device) for name in ("logp", "entropy", "loss", "kl", "clipped")}
    values |= {name: torch.empty(tokens, device=device) for name in ("log_ratio", "slope", "factor")}
    values["sums"] = torch.empty(tokens, 2, device=device)
    for name in ("old", "engine", "advantage", "weight", "reference"):
        values[name] = getattr(inputs, name)
    flagged = torch.zeros(1, dtype=torch.int32, device=device)
    own_logit = torch.empty(tokens, device=device)
    steps.target_logit(hidden, weight, inputs.target, inputs.first, own_logit)
    if inputs.reduce is not None:
        inputs.reduce(own_logit)
    settings = LossSettings(
        ALGORITHM_NUMBERS[inputs.algorithm], inputs.low, inputs.high, inputs.dual, inputs.cap,
        KL_NUMBERS[inputs.kl_kind], inputs.kl_coef,
    )  # fmt: skip
    starts = torch.tensor(inputs.starts, dtype=torch.int32).to(device) if per_sequence else None
    gradients = d_hidden is not None or d_weight is not None
    stride = -(-weight.shape[0] // _PAD) * _PAD
    keep = gradients or not steps.hopper(hidden.shape[1])
    buffer = torch.empty(rows, stride, dtype=torch.bfloat16, device=device) if keep else None
    part = torch.empty(rows, steps.parts(weight.shape[0], hidden.shape[1]), 2, device=device)
    scaled = torch.empty(rows, hidden.shape[1], dtype=torch.bfloat16, device=device) if gradients else None
    raw = torch.empty(rows, hidden.shape[1], device=device) if d_hidden is not None else None

    def exponentials(begin: int, end: int, out: torch.Tensor | None) -> Chunk:
        chunk = Chunk(
            hidden[begin:end], weight, inputs.first, inputs.target[begin:end], own_logit[begin:end],
            inputs.multiplier, None if out is None else out[: end - begin], part[: end - begin],
        )  # fmt: skip
        steps.exponentials(chunk)
        return chunk

    def of(begin: int, end: int) -> dict[str, Any]:
        views = {name: None if t is None else t[begin:end] for name, t in values.items()}
        return views | {"flagged": flagged}

    def sums(chunk: Chunk, begin: int, end: int) -> None:
        steps.add_parts(chunk, values["sums"][begin:end])
        if inputs.reduce is not None:
            inputs.reduce(values["sums"][begin:end])

    whole = edges is None
    if edges is None:
        edges = chunk_edges(tokens, rows, [])
        for begin, end in zip(edges[:-1], edges[1:], strict=True):
            sums(exponentials(begin, end, None if steps.hopper(hidden.shape[1]) else buffer), begin, end)
        steps.sequences(of(0, tokens), settings, starts, 0)
    for begin, end in zip(edges[:-1], edges[1:], strict=True):
        if begin == end:
            continue
        chunk = exponentials(begin, end, buffer)
        sums(chunk, begin, end)
        if per_sequence and not whole:
            inside = torch.tensor(
                [s for s in inputs.starts if begin <= s <= end], dtype=torch.int32
            ).to(device, non_blocking=True)
            steps.sequences(of(begin, end), settings, inside, begin)
        size = end - begin
        steps.finish(of(begin, end), settings, chunk, None if scaled is None else scaled[:size])
        if d_hidden is not None:
            steps.product(raw[:size], chunk.vocabulary_part(), weight, False)
            steps.scale_rows(raw[:size], values["factor"][begin:end], d_hidden[begin:end])
        if d_weight is not None:
            steps.product(d_weight, chunk.vocabulary_part().t(), scaled[:size], add_to_weight or begin > 0)
    named = {name: values[name] for name in ("logp", "entropy", "loss", "kl", "clipped")}
    return FusedResult(**named, flagged=flagged, d_hidden=d_hidden, d_weight=d_weight)
