"""Block-diagonal causal attention for packed rows.

A packed row holds several sequences end to end, so that the linear layers see no padding. Only inside the attention
are neighbours of similar length lined up side by side and given to torch's `scaled_dot_product_attention` with its
causal flag: padding stands on the right, where no real query can look, so no mask is needed and the fast kernels run
on CPU and GPU alike. Calls that carry no `packed_layout` (generation with a cache) go to transformers' own SDPA.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

IMPLEMENTATION = "astune_packed"
"""The name under which transformers finds this attention."""

_SIMILAR = 0.8
"""Sequences share a bucket while the shortest has at least this share of the longest one's length."""


@dataclass(frozen=True)
class Bucket:
    """Neighbouring sequences of a packed row that are attended together.

    `start`, `end`: their tokens in the row. `rows` x `length`: the padded rectangle. `pad_index` int64[rows*length]:
    the token (counted from `start`) that each cell shows; `real_index` int64[end-start]: the cell of each token. Both
    are None when all sequences have the same length.
    """

    start: int
    end: int
    rows: int
    length: int
    pad_index: torch.Tensor | None
    real_index: torch.Tensor | None


def plan_buckets(seq_lens: list[int], device: torch.device) -> list[Bucket]:
    """Groups the sequences of a packed row, which must be sorted by length, into buckets of similar length."""
    buckets: list[Bucket] = []
    first, start = 0, 0
    while first < len(seq_lens):
        last = first
        longest = seq_lens[first]
        shortest = longest
        while last < len(seq_lens):
            low, high = min(shortest, seq_lens[last]), max(longest, seq_lens[last])
            if low < _SIMILAR * high:
                break
            shortest, longest = low, high
            last += 1
        lengths = torch.tensor(seq_lens[first:last])
        total = int(lengths.sum())
        pad_index = real_index = None
        if shortest != longest:
            offsets = torch.cumsum(lengths, 0) - lengths
            column = torch.arange(longest)
            pad_index = (offsets[:, None] + torch.minimum(column[None, :], lengths[:, None] - 1)).reshape(-1).to(device)
            real_index = (column[None, :] < lengths[:, None]).reshape(-1).nonzero()[:, 0].to(device)
        buckets.append(Bucket(start, start + total, last - first, longest, pad_index, real_index))
        first, start = last, start + total
    return buckets


class _Spread(torch.autograd.Function):
    """[tokens, heads, width] -> [cells, heads, width]. Cells of padding repeat a token and pass no gradient back."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, pad_index: torch.Tensor, real_index: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(real_index)
        return x.index_select(0, pad_index)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (real_index,) = ctx.saved_tensors
        return grad.index_select(0, real_index), None, None


class _Gather(torch.autograd.Function):
    """[cells, heads, width] -> [tokens, heads, width], leaving the padding behind."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, real_index: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(real_index)
        ctx.cells = x.shape[0]
        return x.index_select(0, real_index)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, None]:
        (real_index,) = ctx.saved_tensors
        full = grad.new_zeros((ctx.cells, *grad.shape[1:]))
        return full.index_copy_(0, real_index, grad), None


def _window_mask(length: int, window: int, device: torch.device) -> torch.Tensor:
    """bool[length, length]: True where a query may see a key, causal and at most `window` tokens back."""
    position = torch.arange(length, device=device)
    distance = position[:, None] - position[None, :]
    return (distance >= 0) & (distance < window)


def _attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, scaling: float | None, window: int | None) -> torch.Tensor:
    """Causal attention of [rows, heads, length, width] tensors; fewer key heads than query heads are repeated."""
    grouped = q.shape[1] != k.shape[1]
    if grouped and q.device.type == "cpu":
        repeats = q.shape[1] // k.shape[1]
        k, v = k.repeat_interleave(repeats, 1), v.repeat_interleave(repeats, 1)
        grouped = False
    length = q.shape[2]
    if window is not None and window < length:
        mask = _window_mask(length, window, q.device)
        return functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=scaling, enable_gqa=grouped)
    return functional.scaled_dot_product_attention(q, k, v, is_causal=True, scale=scaling, enable_gqa=grouped)


def packed_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    sliding_window: int | None = None,
    packed_layout: list[Bucket] | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """transformers' attention interface: query [1, heads, T, width], key and value [1, kv_heads, T, width]."""
    if packed_layout is None:
        if attention_mask is not None and attention_mask.numel() == 1 and key.shape[2] > 1:
            raise RuntimeError(f"{type(module).__name__} lost the layout of the packed row on its way")
        kwargs |= {"dropout": dropout, "scaling": scaling, "sliding_window": sliding_window}
        return sdpa_attention_forward(module, query, key, value, attention_mask, **kwargs)
    if kwargs.get("softcap") or kwargs.get("s_aux") is not None:
        raise NotImplementedError(f"{type(module).__name__} needs soft caps or sinks, which packed rows do not have")
    # Under autocast the rotation leaves float32; attention itself runs in the lower precision.
    if torch.is_autocast_enabled(query.device.type):
        dtype = torch.get_autocast_dtype(query.device.type)
        query, key, value = query.to(dtype), key.to(dtype), value.to(dtype)
    sizes = [bucket.end - bucket.start for bucket in packed_layout]
    split = [x[0].transpose(0, 1).split(sizes) for x in (query, key, value)]
    outputs: list[torch.Tensor] = []
    for index, bucket in enumerate(packed_layout):
        parts = [pieces[index] for pieces in split]
        if bucket.pad_index is not None and bucket.real_index is not None:
            parts = [_Spread.apply(x, bucket.pad_index, bucket.real_index) for x in parts]
        q, k, v = (x.reshape(bucket.rows, bucket.length, *x.shape[1:]).transpose(1, 2) for x in parts)
        out = _attend(q, k, v, scaling, sliding_window).transpose(1, 2)
        out = out.reshape(bucket.rows * bucket.length, *out.shape[2:])
        outputs.append(out if bucket.real_index is None else _Gather.apply(out, bucket.real_index))
    return torch.cat(outputs).unsqueeze(0) if len(outputs) > 1 else outputs[0].unsqueeze(0), None


def register() -> None:
    """Makes the attention known to transformers; safe to call more than once."""
    AttentionInterface.register(IMPLEMENTATION, packed_attention)
    AttentionMaskInterface.register(IMPLEMENTATION, sdpa_mask)
