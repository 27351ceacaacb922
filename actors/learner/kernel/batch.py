"""The batch file, and how its sequences are laid out: mini-batches, packed micro-batches, trained positions."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from safetensors.torch import load_file

from .attention import Bucket, plan_buckets
from .errors import KernelError


@dataclass(frozen=True)
class Batch:
    """Sequences end to end. T tokens in all, N sequences.

    token_ids int64[T]; seq_lens: N lengths; loss_mask bool[T], True where this token was sampled and is trained (never
    the first of a sequence); logprobs float32[T], the engine's; advantages float32[N]; starts: N offsets into T.
    """

    token_ids: torch.Tensor
    seq_lens: list[int]
    loss_mask: torch.Tensor
    logprobs: torch.Tensor
    advantages: torch.Tensor
    starts: list[int]

    @property
    def sequences(self) -> int:
        return len(self.seq_lens)

    def trained(self) -> list[int]:
        """Number of trained tokens of each sequence."""
        return [int(part.sum()) for part in self.loss_mask.split(self.seq_lens)]

    def select(self, rows: list[int]) -> "Batch":
        """The batch of these sequences, in this order."""
        tokens = torch.cat([torch.arange(self.starts[i], self.starts[i] + self.seq_lens[i]) for i in rows])
        return make_batch(
            self.token_ids[tokens],
            [self.seq_lens[i] for i in rows],
            self.loss_mask[tokens],
            self.logprobs[tokens],
            self.advantages[rows],
        )

    def tensors(self) -> dict[str, torch.Tensor]:
        """The tensors of the batch file."""
        return {
            "token_ids": self.token_ids.to(torch.int32),
            "seq_lens": torch.tensor(self.seq_lens, dtype=torch.int32),
            "loss_mask": self.loss_mask.to(torch.uint8),
            "logprobs": self.logprobs,
            "advantages": self.advantages,
        }


def make_batch(
    token_ids: torch.Tensor,
    seq_lens: list[int],
    loss_mask: torch.Tensor,
    logprobs: torch.Tensor,
    advantages: torch.Tensor,
) -> Batch:
    """Checks that the parts fit together. The first token of a sequence has nothing before it and is never trained."""
    total = sum(seq_lens)
    if not seq_lens or min(seq_lens) < 1:
        raise KernelError("BadRequest", "a batch needs at least one sequence, and each at least one token")
    for name, tensor in (("token_ids", token_ids), ("loss_mask", loss_mask), ("logprobs", logprobs)):
        if tensor.shape != (total,):
            raise KernelError("BadRequest", f"{name} has shape {list(tensor.shape)}, but seq_lens add up to {total}")
    if advantages.shape != (len(seq_lens),):
        raise KernelError("BadRequest", f"advantages has {advantages.numel()} values for {len(seq_lens)} sequences")
    starts = [0]
    for length in seq_lens[:-1]:
        starts.append(starts[-1] + length)
    mask = loss_mask.to(torch.bool).clone()
    mask[starts] = False
    return Batch(token_ids.long(), seq_lens, mask, logprobs.float(), advantages.float(), starts)


def read_batch(path: str) -> Batch:
    """Reads a batch file."""
    tensors = load_file(path)
    missing = {"token_ids", "seq_lens", "loss_mask"} - tensors.keys()
    if missing:
        raise KernelError("BadRequest", f"{path}: the batch has no {', '.join(sorted(missing))}")
    lengths = tensors["seq_lens"].tolist()
    total = tensors["token_ids"].numel()
    return make_batch(
        tensors["token_ids"],
        lengths,
        tensors["loss_mask"],
        tensors.get("logprobs", torch.zeros(total)),
        tensors.get("advantages", torch.zeros(len(lengths))),
    )


@dataclass(frozen=True)
class MicroBatch:
    """One packed row, on the model's device. T tokens, S sequences, P trained tokens.

    token_ids, position_ids int64[1, T]; layout: how attention splits the row; positions int64[P]: where the hidden
    state that predicts a trained token lies; targets int64[P]: those tokens; segment int64[P]: which of the S
    sequences each belongs to; engine float32[P]: the engine's log-probabilities; advantages float32[P]; rows: the
    sequences' numbers in the batch; source int64[P] (CPU): where the trained tokens lie in the batch.
    """

    token_ids: torch.Tensor
    position_ids: torch.Tensor
    layout: list[Bucket]
    positions: torch.Tensor
    targets: torch.Tensor
    segment: torch.Tensor
    engine: torch.Tensor
    advantages: torch.Tensor
    rows: list[int]
    source: torch.Tensor


def split_evenly(count: int, parts: int) -> list[list[int]]:
    """0..count-1 in order, in `parts` runs (fewer where there are not enough) whose sizes differ by at most one."""
    parts = max(1, min(parts, count))
    edges = [count * i // parts for i in range(parts + 1)]
    return [list(range(a, b)) for a, b in zip(edges[:-1], edges[1:], strict=True)]


def pack(batch: Batch, rows: list[int], max_tokens: int, device: torch.device) -> list[MicroBatch]:
    """Packs the sequences `rows` of `batch`, longest first, into rows of at most `max_tokens` tokens.

    A sequence longer than that gets a row of its own. Sequences without a trained token are left out.
    """
    trained = batch.trained()
    order = sorted((i for i in rows if trained[i] > 0), key=lambda i: (-batch.seq_lens[i], i))
    micro: list[MicroBatch] = []
    first = 0
    while first < len(order):
        last, tokens = first, 0
        while last < len(order) and (last == first or tokens + batch.seq_lens[order[last]] <= max_tokens):
            tokens += batch.seq_lens[order[last]]
            last += 1
        micro.append(_lay_out(batch, order[first:last], device))
        first = last
    return micro


def _lay_out(batch: Batch, rows: list[int], device: torch.device) -> MicroBatch:
    lengths = [batch.seq_lens[i] for i in rows]
    source = torch.cat([torch.arange(batch.starts[i], batch.starts[i] + batch.seq_lens[i]) for i in rows])
    segment = torch.repeat_interleave(torch.arange(len(rows)), torch.tensor(lengths))
    where = batch.loss_mask[source].nonzero()[:, 0]
    return MicroBatch(
        token_ids=batch.token_ids[source].unsqueeze(0).to(device),
        position_ids=torch.cat([torch.arange(n) for n in lengths]).unsqueeze(0).to(device),
        layout=plan_buckets(lengths, device),
        positions=(where - 1).to(device),
        targets=batch.token_ids[source[where]].to(device),
        segment=segment[where].to(device),
        engine=batch.logprobs[source[where]].to(device),
        advantages=batch.advantages[torch.tensor(rows)][segment[where]].to(device),
        rows=rows,
        source=source[where],
    )
