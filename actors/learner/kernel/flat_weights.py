"""Weights as one flat stretch of memory on their way into an engine: where each tensor lies, and sums that prove it.

A list of tensors travels as `[name, dtype, shape, offset in bytes, sum]`. The sum is that of the tensor's bytes read as
integers of its width, modulo 2**64, as decimal digits: JSON's readers keep no 64-bit integers.
Used by the learner, which writes, and by vLLM's workers, which read.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta

import torch

ALIGNMENT_BYTES = 256
_INTEGERS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}

TensorEntry = Sequence  # name, dtype, shape, offset, sum


def plan(weights: Mapping[str, torch.Tensor], dtype: torch.dtype) -> tuple[list[TensorEntry], int]:
    """Where each tensor will lie, and the bytes of all; floating ones as `dtype`. The sums are still empty."""
    entries: list[TensorEntry] = []
    offset = 0
    for name, tensor in weights.items():
        stored = dtype if tensor.is_floating_point() else tensor.dtype
        entries.append((name, str(stored).removeprefix("torch."), list(tensor.shape), offset, ""))
        offset += -(-tensor.numel() * stored.itemsize // ALIGNMENT_BYTES) * ALIGNMENT_BYTES
    return entries, offset


def views(flat: torch.Tensor, entries: Sequence[TensorEntry]) -> dict[str, torch.Tensor]:
    """The tensors as views of `flat`, uint8[bytes]."""
    found = {}
    for name, dtype, shape, offset, _ in entries:
        stored = getattr(torch, dtype)
        size = stored.itemsize
        for extent in shape:
            size *= extent
        if offset + size > flat.numel():
            raise ValueError(f"{name} would end at byte {offset + size} of {flat.numel()}")
        found[name] = flat[offset : offset + size].view(stored).view(shape)
    return found


def with_sums(flat: torch.Tensor, entries: Sequence[TensorEntry]) -> list[TensorEntry]:
    """The entries with the sums of what `flat` holds."""
    sums = _sums(views(flat, entries))
    return [(*entry[:4], str(value)) for entry, value in zip(entries, sums, strict=True)]


def checked(flat: torch.Tensor, entries: Sequence[TensorEntry]) -> dict[str, torch.Tensor]:
    """The views, once every sum was seen to hold. Raises `ValueError` that names the first tensor that differs."""
    tensors = views(flat, entries)
    for (name, *_, wanted), found in zip(entries, _sums(tensors), strict=True):
        if str(found) != wanted:
            raise ValueError(f"{name} did not arrive as it was sent: its bytes add up to {found}, not {wanted}")
    return tensors


def _sums(tensors: Mapping[str, torch.Tensor]) -> list[int]:
    parts = [t.reshape(-1).view(_INTEGERS[t.element_size()]).sum(dtype=torch.int64) for t in tensors.values()]
    return torch.stack(parts).tolist() if parts else []


def listen(host: str) -> tuple[socket.socket, int]:
    """A socket that listens on `host` alone, for the rendezvous of a group, and its port."""
    listener = socket.create_server((host, 0))
    return listener, listener.getsockname()[1]


class WeightGroup:
    """A learner (rank 0) and the workers of engines that it broadcasts weights to; NCCL on GPUs, Gloo on CPUs.

    Every wait has an end: a member that is gone makes the others raise `TimeoutError`, after which the group is closed.
    """

    def __init__(
        self, host: str, port: int, rank: int, size: int, device: torch.device, timeout_seconds: float, listen_fd: int = -1
    ) -> None:
        from torch.distributed import ProcessGroupGloo, TCPStore

        limit = timedelta(seconds=timeout_seconds)
        if host.startswith("127."):
            os.environ.setdefault("NCCL_SOCKET_IFNAME", "lo")
        own = {"master_listen_fd": listen_fd} if rank == 0 else {}
        # Without a socket of ours, torch's store would listen on every interface.
        self._store = TCPStore(host, port, size, rank == 0, limit, wait_for_workers=False, **own)
        self._device = device
        if device.type == "cuda":
            from torch.distributed import ProcessGroupNCCL

            with torch.cuda.device(device):
                self._group = ProcessGroupNCCL(self._store, rank, size, limit)
        else:
            self._group = ProcessGroupGloo(self._store, rank, size, limit)
        # The connections are made by the first operation: better now than under a swap.
        self.broadcast(torch.zeros(1, dtype=torch.uint8, device=device), timeout_seconds)

    def broadcast(self, tensor: torch.Tensor, timeout_seconds: float) -> None:
        """Sends rank 0's `tensor` into everybody else's; returns when it is there."""
        work = self._group.broadcast(tensor, 0, timedelta(seconds=timeout_seconds))
        end = time.monotonic() + timeout_seconds
        while not work.is_completed():
            if time.monotonic() > end:
                self.close()
                raise TimeoutError(f"a broadcast of {tensor.numel()} bytes was not through after {timeout_seconds:g} s")
            time.sleep(0.0005)
        work.wait()
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)

    def close(self) -> None:
        """Ends the group, and what is under way in it."""
        self._group.abort()
