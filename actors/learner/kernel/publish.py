"""The learner's weights as engines get them: packed once for each version, kept until the next, given in several ways.

- `memory`: an engine on the same GPU maps the packed weights (CUDA IPC), one on the same CPU the shared memory they lie in.
- a broadcast: NCCL to engines on other GPUs, Gloo to those on other CPUs.
- a folder: an engine that was started again gets the version it had from here.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import torch

from . import flat_weights
from .errors import KernelError
from .export import copy_settings, merged_weights, require_finite
from .model import DTYPES, Model
from .tensor_file import whole_folder, write_tensors


class Publisher:
    """Holds the packed weights of one version: as many bytes as the model has in the engine's dtype."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._flat: torch.Tensor | None = None
        self._entries: list[flat_weights.TensorEntry] = []
        self._version = -1
        self._dtype = ""
        self._memory: dict[str, Any] = {}
        self._memory_file = -1
        self._listeners: dict[int, socket.socket] = {}
        self._groups: dict[int, flat_weights.WeightGroup] = {}

    def publish(self, version: int, dtype: str | None) -> dict[str, Any]:
        """Packs the weights as they are now. Returns what an engine needs to find and to check them."""
        model = self._model
        stored = str(model.dtype).removeprefix("torch.") if dtype is None else dtype
        if stored not in DTYPES:
            raise KernelError("BadRequest", f"dtype: expected one of {', '.join(DTYPES)}, got {stored}")
        with model.lock, torch.no_grad():
            weights = merged_weights(model)
            require_finite(weights)
            entries, size = flat_weights.plan(weights, DTYPES[stored])
            flat = self._room(size)
            for name, view in flat_weights.views(flat, entries).items():
                view.copy_(weights[name])
        self._entries = flat_weights.with_sums(flat, entries)
        self._version = version
        self._dtype = stored
        return {"version": version, "bytes": size, "tensors": self._entries, "memory": self._memory}

    def _room(self, size: int) -> torch.Tensor:
        if self._flat is not None and self._flat.numel() == size:
            return self._flat
        self._close_memory()
        if self._model.device.type == "cuda":
            self._flat = torch.empty(size, dtype=torch.uint8, device=self._model.device)
            self._memory = cuda_memory(self._flat)
        else:
            # Without a name in the file system: it goes with this process, however that ends.
            self._memory_file = os.memfd_create("astune-weights")
            os.ftruncate(self._memory_file, size)
            path = f"/proc/{os.getpid()}/fd/{self._memory_file}"
            self._flat = torch.from_file(path, shared=True, size=size, dtype=torch.uint8)
            self._memory = {"kind": "file", "path": path}
        return self._flat

    def export(self, path: str) -> dict[str, Any]:
        """Writes the published weights as a folder, whatever was trained since."""
        flat, entries = self._published()
        with whole_folder(path) as folder:
            copy_settings(Path(self._model.path), folder, self._dtype)
            write_tensors(folder / "model.safetensors", flat_weights.views(flat, entries))
        return {"version": self._version}

    def open_group(self, group: int, host: str) -> dict[str, Any]:
        """Listens for the members of a new group; the old one of that number ends."""
        self._close_group(group)
        self._listeners[group], port = flat_weights.listen(host)
        return {"host": host, "port": port}

    def join_group(self, group: int, size: int, timeout_seconds: float) -> None:
        """Waits for the `size - 1` others."""
        listener = self._listeners.pop(group, None)
        if listener is None:
            raise KernelError("BadRequest", f"weight group {group} is not open: call open_weight_group first")
        place = (*listener.getsockname()[:2], 0, size, self._model.device, timeout_seconds)
        self._groups[group] = flat_weights.WeightGroup(*place, listen_fd=listener.detach())

    def broadcast(self, group: int, timeout_seconds: float) -> None:
        """Sends the published weights to the group. One that fails is no group any more."""
        flat, _ = self._published()
        members = self._groups.pop(group, None)
        if members is None:
            raise KernelError("BadRequest", f"there is no weight group {group}: call join_weight_group first")
        members.broadcast(flat, timeout_seconds)
        self._groups[group] = members

    def _published(self) -> tuple[torch.Tensor, list[flat_weights.TensorEntry]]:
        if self._flat is None:
            raise KernelError("BadRequest", "no weights are published: call publish_weights first")
        return self._flat, self._entries

    def _close_group(self, group: int) -> None:
        if (listener := self._listeners.pop(group, None)) is not None:
            listener.close()
        if (members := self._groups.pop(group, None)) is not None:
            members.close()

    def _close_memory(self) -> None:
        self._flat = None
        self._memory = {}
        if self._memory_file >= 0:
            os.close(self._memory_file)
            self._memory_file = -1

    def close(self) -> None:
        for group in [*self._listeners, *self._groups]:
            self._close_group(group)
        self._close_memory()


def cuda_memory(flat: torch.Tensor) -> dict[str, Any]:
    """A handle to `flat` for another process that sees the same GPU; plain numbers and hexadecimal bytes, no pickle."""
    device, handle, size, offset, counter, counter_offset, event, event_sync = flat.untyped_storage()._share_cuda_()
    return {
        "kind": "cuda_ipc",
        "gpu": str(torch.cuda.get_device_properties(device).uuid),
        "handle": handle.hex(),
        "bytes": size,
        "offset": offset,
        "counter": counter.hex(),
        "counter_offset": counter_offset,
        "event": event.hex(),
        "event_sync": event_sync,
    }
