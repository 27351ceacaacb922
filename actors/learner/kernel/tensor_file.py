"""Writes safetensors files tensor by tensor, so that no second copy of the weights is held, and whole folders at once.

Python's own `open` is used rather than the library's writer, so that a full disk is an `OSError` with its number.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import struct
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch

from .errors import disk_full

_NAMES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}


def write_tensors(
    path: str | Path,
    tensors: Mapping[str, torch.Tensor],
    metadata: Mapping[str, str] | None = None,
    dtype: torch.dtype | None = None,
    sync: bool = False,
) -> None:
    """Writes `tensors` (any device) as a safetensors file; floating ones as `dtype` where it is given."""

    def stored(tensor: torch.Tensor) -> torch.dtype:
        return dtype if dtype is not None and tensor.is_floating_point() else tensor.dtype

    # Widest types first keep each tensor aligned to its own width, as the format's readers like it.
    names = sorted(tensors, key=lambda name: (-stored(tensors[name]).itemsize, name))
    header: dict[str, object] = {"__metadata__": dict(metadata or {"format": "pt"})}
    offset = 0
    for name in names:
        size = tensors[name].numel() * stored(tensors[name]).itemsize
        header[name] = {
            "dtype": _NAMES[stored(tensors[name])],
            "shape": list(tensors[name].shape),
            "data_offsets": [offset, offset + size],
        }
        offset += size
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(head)) + head)
        for name in names:
            tensor = tensors[name].detach().to("cpu", stored(tensors[name])).contiguous()
            if tensor.numel() > 0:
                file.write(memoryview(tensor.reshape(-1).view(torch.uint8).numpy()))
        file.flush()
        if sync:
            os.fsync(file.fileno())


def write_json(path: str | Path, value: object, sync: bool = False) -> None:
    """Writes `value` as readable JSON."""
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=2, ensure_ascii=False)
        file.write("\n")
        file.flush()
        if sync:
            os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _exchange(a: Path, b: Path) -> bool:
    """Swaps two paths in one step (Linux `renameat2` with RENAME_EXCHANGE); False where the system has none."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        at_cwd, exchange = -100, 2
        return libc.renameat2(at_cwd, os.fsencode(a), at_cwd, os.fsencode(b), exchange) == 0
    except AttributeError:
        return False


@contextlib.contextmanager
def whole_folder(path: str | Path, sync: bool = False) -> Iterator[Path]:
    """Gives a temporary sibling to write into; at the end it takes the place of `path` in one step, or is removed.

    A folder that already lies at `path` stays untouched until then. Raises `KernelError("DiskFull")` when the disk is
    full. Leftovers of a process that was killed are removed the next time the same `path` is written.
    """
    target = Path(path).absolute()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for stale in target.parent.glob(f".{target.name}.writing-*"):
            shutil.rmtree(stale, ignore_errors=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.writing-", dir=target.parent))
    except OSError as error:
        raise disk_full(error, str(target)) or error from error
    try:
        yield temporary
        temporary.chmod(0o755)
        if sync:
            _sync_folder(temporary)
        if target.exists() and not _exchange(temporary, target):
            aside = target.with_name(f".{target.name}.writing-old")
            os.rename(target, aside)
            os.rename(temporary, target)
            shutil.rmtree(aside, ignore_errors=True)
        elif not target.exists():
            os.rename(temporary, target)
        if sync:
            _sync_folder(target.parent)
    except OSError as error:
        raise disk_full(error, str(target)) or error from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
