"""The kernels of csrc/ over tensors: one method for each, on the current stream. Mirrors the structures of the C interface."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

import torch

from . import fused_build

ALGORITHM_NUMBERS = {
    "grpo": 0, "dr_grpo": 0, "rloo": 0, "reinforce_plus_plus": 0, "gspo": 1, "cispo": 2, "sft": 3, "logprobs": 4,
}
KL_NUMBERS = {None: 0, "k1": 1, "k2": 2, "k3": 3}

_P, _I, _L, _F = ctypes.c_void_p, ctypes.c_int, ctypes.c_longlong, ctypes.c_float


class LossSettings(ctypes.Structure):
    """`LossSettings` of loss.h."""

    _fields_ = [("algorithm", _I), ("low", _F), ("high", _F), ("dual", _F), ("cap", _F), ("kl_kind", _I), ("kl_coef", _F)]


class _Chunk(ctypes.Structure):
    _fields_ = [
        ("tokens", _I), ("vocabulary", _I), ("width", _I), ("first", _L), ("target", _P), ("reference", _P),
        ("scale", _F), ("out", _P), ("stride", _L), ("part", _P), ("parts", _I),
    ]  # fmt: skip


TOKEN_FIELDS = (
    "sums", "old", "engine", "advantage", "weight", "reference", "logp", "entropy", "loss", "kl", "clipped",
    "log_ratio", "slope", "factor", "flagged",
)  # fmt: skip


class _Tokens(ctypes.Structure):
    _fields_ = [(name, _P) for name in TOKEN_FIELDS]


@dataclass
class Chunk:
    """Some tokens' share of the product. hidden bf16[C, D]; weight bf16[V, D] (this shard's rows, from number `first`);
    target int64[C]; reference float32[C], the raw logit of each target; scale: the logits' multiplier; out
    bf16[C, stride], or None where only the sums are wanted; part float32[C, parts, 2]."""

    hidden: torch.Tensor
    weight: torch.Tensor
    first: int
    target: torch.Tensor
    reference: torch.Tensor
    scale: float
    out: torch.Tensor | None
    part: torch.Tensor

    def vocabulary_part(self) -> torch.Tensor:
        """`out` without the columns that pad it."""
        assert self.out is not None
        return self.out[:, : self.weight.shape[0]]


def _pointer(tensor: torch.Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()


class CudaSteps:
    """`hopper`: the product writes exponentials itself (wgmma); else cuBLAS writes logits and a pass follows."""

    def __init__(self, device: torch.device, hopper: bool | None = None) -> None:
        """Builds and loads the kernels; raises `fused_build.BuildError`."""
        capability = torch.cuda.get_device_capability(device)
        self.library = fused_build.load(capability)
        self.can_hopper = capability == (9, 0) if hopper is None else hopper

    def hopper(self, width: int) -> bool:
        """Whether the fused product takes this width: the copy engine wants rows of whole 16 bytes."""
        return self.can_hopper and width % 8 == 0

    def parts(self, vocabulary: int, width: int) -> int:
        return self.library.head_parts(vocabulary, int(self.hopper(width)))

    def _call(self, name: str, *arguments: Any) -> None:
        code = getattr(self.library, name)(*arguments, _P(torch.cuda.current_stream().cuda_stream))
        if code != 0:
            raise RuntimeError(f"{name}: CUDA error {code}")

    def target_logit(
        self, hidden: torch.Tensor, weight: torch.Tensor, target: torch.Tensor, first: int, out: torch.Tensor
    ) -> None:
        """out[i] = hidden[i] · weight[target[i] - first]; 0 where another shard has it."""
        pointers = [_P(t.data_ptr()) for t in (hidden, weight, target, out)]
        sizes = (_I(hidden.shape[0]), _I(hidden.shape[1]), _I(weight.shape[0]), _L(first))
        self._call("head_target_logit", *pointers, *sizes)

    def exponentials(self, chunk: Chunk) -> None:
        """Fills `out` and `part`; the target's own place is left out of both."""
        described = ctypes.byref(self._describe(chunk))
        if self.hopper(chunk.hidden.shape[1]):
            pointers = _P(chunk.hidden.data_ptr()), _P(chunk.weight.data_ptr())
            self._call("head_exp_product", *pointers, described)
        else:
            torch.mm(chunk.hidden, chunk.weight.t(), out=chunk.vocabulary_part())
            self._call("head_exp_in_place", described)

    def add_parts(self, chunk: Chunk, sums: torch.Tensor) -> None:
        self._call("head_add_parts", ctypes.byref(self._describe(chunk)), _P(sums.data_ptr()))

    def sequences(self, tokens: dict[str, Any], settings: LossSettings, starts: torch.Tensor, base: int) -> None:
        """`starts` int32[sequences + 1], counted as `base` is; every sequence lies wholly in the chunk."""
        count = _I(starts.numel() - 1)
        self._call(
            "head_sequences", ctypes.byref(self._tokens(tokens)), ctypes.byref(settings), _P(starts.data_ptr()), count, _I(base)
        )

    def finish(
        self, tokens: dict[str, Any], settings: LossSettings, chunk: Chunk, scaled: torch.Tensor | None
    ) -> None:
        self._call(
            "head_finish", ctypes.byref(self._tokens(tokens)), ctypes.byref(settings), ctypes.byref(self._describe(chunk)),
            _F(chunk.scale), _P(chunk.hidden.data_ptr()), _P(_pointer(scaled)),
        )  # fmt: skip

    def scale_rows(self, rows: torch.Tensor, factor: torch.Tensor, out: torch.Tensor) -> None:
        """out = factor · rows; rows float32, out float32 or bf16."""
        self._call(
            "head_scale_rows", _P(rows.data_ptr()), _P(factor.data_ptr()), _P(out.data_ptr()),
            _I(int(out.dtype == torch.float32)), _I(rows.shape[0]), _I(rows.shape[1]),
        )  # fmt: skip

    def product(self, out: torch.Tensor, a: torch.Tensor, b: torch.Tensor, add: bool) -> None:
        """out (+)= a · b, bf16 operands, sums in float32, out in its own dtype."""
        if out.dtype == a.dtype:
            torch.addmm(out, a, b, out=out) if add else torch.mm(a, b, out=out)
        elif add:
            torch.addmm(out, a, b, out_dtype=out.dtype, out=out)
        else:
            torch.mm(a, b, out_dtype=out.dtype, out=out)

    def scale_unless_one(self, data: torch.Tensor, by: torch.Tensor) -> None:
        """data *= by, a float32 scalar on the device; moves nothing where it is 1."""
        kind = _I(int(data.dtype == torch.float32))
        self._call("head_scale_unless_one", _P(data.data_ptr()), _L(data.numel()), kind, _P(by.data_ptr()))

    def _describe(self, chunk: Chunk) -> _Chunk:
        return _Chunk(
            chunk.hidden.shape[0], chunk.weight.shape[0], chunk.hidden.shape[1], chunk.first, _pointer(chunk.target),
            _pointer(chunk.reference), chunk.scale * 1.4426950408889634, _pointer(chunk.out),
            0 if chunk.out is None else chunk.out.stride(0), _pointer(chunk.part), chunk.part.shape[1],
        )  # fmt: skip

    def _tokens(self, tokens: dict[str, Any]) -> _Tokens:
        return _Tokens(*(_pointer(tokens.get(name)) for name in TOKEN_FIELDS))
