"""The language-model head on trained positions only, a chunk of logits at a time in both directions."""

from __future__ import annotations

from typing import Any

import torch

_CHUNK_BYTES = {"cpu": 8 << 20, "cuda": 1 << 30}
"""Size of one chunk of float32 logits: what stays in a CPU's cache, or keeps a GPU busy."""


def chunk_rows(vocabulary: int, device: torch.device) -> int:
    """Positions whose logits are held at a time."""
    return max(16, _CHUNK_BYTES.get(device.type, 1 << 28) // (4 * vocabulary))


def _scaled(logits: torch.Tensor, multiplier: float, softcap: float) -> torch.Tensor:
    logits = logits.float() if logits.dtype in (torch.bfloat16, torch.float16) else logits
    if softcap > 0:
        return torch.tanh(logits / softcap) * (softcap * multiplier)
    return logits if multiplier == 1.0 else logits * multiplier


class _ChunkedLogprobs(torch.autograd.Function):
    """Recomputes each chunk's logits in the backward pass; writes the gradient of the weight chunk by chunk."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        targets: torch.Tensor,
        multiplier: float,
        softcap: float,
        operands: torch.dtype,
        dtype: torch.dtype,
        rows: int,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        result = torch.float64 if dtype == torch.float64 else torch.float32
        logp = torch.empty(hidden.shape[0], dtype=result, device=hidden.device)
        entropy = torch.empty_like(logp)
        cast_weight = weight.to(operands).to(dtype)
        cast_bias = None if bias is None else bias.to(operands).to(dtype)
        for start in range(0, hidden.shape[0], rows):
            part = slice(start, start + rows)
            raw = torch.nn.functional.linear(hidden[part].to(operands).to(dtype), cast_weight, cast_bias)
            logits = _scaled(raw, multiplier, softcap)
            total = logits.logsumexp(-1)
            logp[part] = logits.gather(-1, targets[part, None])[:, 0] - total
            entropy[part] = total - (torch.softmax(logits, -1) * logits).sum(-1)
        ctx.save_for_backward(hidden, weight, *(() if bias is None else (bias,)), targets)
        ctx.settings = (multiplier, softcap, operands, dtype, rows)
        ctx.mark_non_differentiable(entropy)
        return logp, entropy

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor, _entropy: torch.Tensor) -> tuple[Any, ...]:
        hidden, weight, *rest, targets = ctx.saved_tensors
        bias = rest[0] if rest else None
        multiplier, softcap, operands, dtype, rows = ctx.settings
        cast_weight = weight.to(operands).to(dtype)
        cast_bias = None if bias is None else bias.to(operands).to(dtype)
        d_hidden = torch.empty_like(hidden)
        d_weight = torch.zeros_like(weight) if ctx.needs_input_grad[1] else None
        d_bias = torch.zeros_like(bias) if bias is not None and ctx.needs_input_grad[2] else None
        for start in range(0, hidden.shape[0], rows):
            part = slice(start, start + rows)
            chunk = hidden[part].to(operands).to(dtype)
            raw = torch.nn.functional.linear(chunk, cast_weight, cast_bias)
            # d logp / d logits = onehot - softmax
            d_logits = torch.softmax(_scaled(raw, multiplier, softcap), -1).mul_(-grad[part, None])
            d_logits.scatter_add_(-1, targets[part, None], grad[part, None])
            if softcap > 0:
                d_logits.mul_(1 - torch.tanh(raw.to(d_logits.dtype) / softcap).square())
            if multiplier != 1.0:
                d_logits.mul_(multiplier)
            d_logits = d_logits.to(dtype)
            d_hidden[part] = (d_logits @ cast_weight).to(hidden.dtype)
            if d_weight is not None:
                if dtype == weight.dtype:
                    d_weight.addmm_(d_logits.t(), chunk)
                else:
                    d_weight.add_(d_logits.t() @ chunk)
            if d_bias is not None:
                d_bias.add_(d_logits.sum(0))
        return d_hidden, d_weight, d_bias, None, None, None, None, None, None


def head_logprobs(
    head: torch.nn.Linear,
    hidden: torch.Tensor,
    targets: torch.Tensor,
    multiplier: float,
    softcap: float = 0.0,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probability of `targets` int64[P] and entropy, both float32[P], from hidden states [P, width].

    Logits are `multiplier`·cap(head(hidden)): the multiplier is 1 / temperature times the model's own scale. Matrix
    products take operands of the autocast dtype where autocast is on; on a CPU their results stay float32, as those of
    the engine do there: logits that each side rounds for itself differ. The entropy carries no gradient.
    """
    kind = hidden.device.type
    operands = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else head.weight.dtype
    dtype = torch.promote_types(operands, torch.float32) if kind == "cpu" else operands
    rows = chunk_rows(head.weight.shape[0], hidden.device)
    # Autocast would round the products that are to stay float32.
    with torch.autocast(kind, enabled=False):
        return _ChunkedLogprobs.apply(hidden, head.weight, head.bias, targets, multiplier, softcap, operands, dtype, rows)
