"""Errors that the kernel answers a request with: a stable `type` for programs and one clear sentence for people."""

from __future__ import annotations

import errno

import torch

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_MEMORY_PHRASES = ("can't allocate memory", "out of memory", "not enough memory")


class KernelError(Exception):
    """A failure with a stable type: BadRequest, ModelNotFound, NotFinite, DiskFull, BadCheckpoint, OutOfMemory."""

    def __init__(self, type_: str, message: str) -> None:
        super().__init__(message)
        self.type = type_


def error_type(error: BaseException) -> str:
    """The `type` of an answer to a request that raised `error`."""
    if isinstance(error, KernelError):
        return error.type
    if isinstance(error, (torch.cuda.OutOfMemoryError, MemoryError)):
        return "OutOfMemory"
    if isinstance(error, RuntimeError) and any(phrase in str(error).lower() for phrase in _NO_MEMORY_PHRASES):
        return "OutOfMemory"
    if isinstance(error, OSError) and error.errno in _DISK_FULL:
        return "DiskFull"
    return type(error).__name__


def disk_full(error: OSError, path: str) -> KernelError | None:
    """`error` as DiskFull with the path that did not fit, or None when it is some other error."""
    if error.errno not in _DISK_FULL:
        return None
    return KernelError("DiskFull", f"{path}: no room left on the disk ({error.strerror}); nothing was kept of it")
