"""numpy arrays in the wire's form: element type, shape, raw little-endian bytes. See `runtime/wire/tensor.ts`."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

import numpy as np

_CODES = {"i1", "u1", "b1", "i2", "u2", "f2", "i4", "u4", "f4", "i8", "u8", "f8"}

# What numpy has no type for comes as its bits. A clamped array is an array of bytes here.
_AS_BITS = {"bf16": "u2"}
_ALIASES = {"u1c": "u1"}


@dataclass(frozen=True)
class Tensor:
    """An array of an element type that numpy lacks: "bf16", with its bits in a uint16 array."""

    dtype: str
    data: np.ndarray

    def __post_init__(self) -> None:
        code = _AS_BITS.get(self.dtype)
        if code is None or self.data.dtype != np.dtype(f"<{code}") or not self.data.flags.c_contiguous:
            raise TypeError(f"a tensor of {self.dtype} cannot hold an array of {self.data.dtype}")


@dataclass(frozen=True)
class Form:
    """An element type, a shape, and how long they are on the wire."""

    dtype: str
    shape: tuple[int, ...]
    length: int


def numbers_of(array: np.ndarray) -> tuple[str, np.ndarray] | None:
    """The wire's name of the elements and the array itself, copied only where it is not contiguous or not little-endian.

    None where the elements are no numbers.
    """
    code = array.dtype.str[1:]
    if code not in _CODES:
        return None
    little = array.dtype.newbyteorder("<")
    return code, np.ascontiguousarray(array, dtype=little).reshape(array.shape)


def encode_form(dtype: str, shape: tuple[int, ...]) -> bytes:
    """Length of the name, name, number of dimensions, each as u32."""
    return struct.pack(f"<B{len(dtype)}sB{len(shape)}I", len(dtype), dtype.encode(), len(shape), *shape)


def read_form(content: memoryview) -> Form:
    """Reads the form at the start of `content`."""
    name = content[0]
    rank = content[1 + name]
    shape = struct.unpack_from(f"<{rank}I", content, 2 + name)
    return Form(bytes(content[1 : 1 + name]).decode("ascii"), shape, 2 + name + 4 * rank)


def from_form(form: Form, memory: memoryview) -> np.ndarray | Tensor:
    """The array of this form directly over `memory`, which must have its length."""
    code = _AS_BITS.get(form.dtype) or _ALIASES.get(form.dtype, form.dtype)
    if code not in _CODES or math.prod(form.shape) * int(code[1:]) != memory.nbytes:
        raise ValueError(f"an array of {form.dtype} with shape {list(form.shape)} does not fit {memory.nbytes} bytes")
    array = np.frombuffer(memory, dtype=f"<{code}" if code != "b1" else "?").reshape(form.shape)
    return Tensor(form.dtype, array) if form.dtype in _AS_BITS else array
