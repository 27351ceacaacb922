"""Checkpoints: weights, optimiser, warm-up and random states in one folder, written whole or not at all.

No pickle is written or read: tensors lie in safetensors files, the rest is JSON.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file

from .errors import KernelError
from .model import Model
from .optimizer import Optimizer
from .tensor_file import whole_folder, write_json, write_tensors

_VERSION = 1


def _random_tensors(device: torch.device) -> dict[str, torch.Tensor]:
    _, keys, *_ = np.random.get_state(legacy=True)
    states = {"torch": torch.get_rng_state(), "numpy": torch.from_numpy(keys.astype(np.int64))}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    return states


def _restore_random(state: dict[str, Any], tensors: dict[str, torch.Tensor], device: torch.device) -> None:
    torch.set_rng_state(tensors["torch"])
    if device.type == "cuda" and "cuda" in tensors:
        torch.cuda.set_rng_state(tensors["cuda"], device)
    numpy_state = state["numpy"]
    np.random.set_state(
        (
            "MT19937",
            tensors["numpy"].numpy().astype(np.uint32),
            numpy_state["position"],
            numpy_state["has_gauss"],
            numpy_state["gauss"],
        )
    )
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))


def save_checkpoint(model: Model, optimizer: Optimizer, path: str) -> None:
    """Writes what training needs to go on bit for bit. Raises DiskFull without touching other checkpoints."""
    _, _, position, has_gauss, gauss = np.random.get_state(legacy=True)
    with whole_folder(path, sync=True) as folder:
        write_tensors(folder / "weights.safetensors", model.parameters(), sync=True)
        write_tensors(folder / "optimizer.safetensors", optimizer.state_tensors(), sync=True)
        write_tensors(folder / "random.safetensors", _random_tensors(model.device), sync=True)
        state = {
            "version": _VERSION,
            "updates": optimizer.updates,
            "base_model": model.path,
            "lora": model.adapters is not None,
            "numpy": {"position": int(position), "has_gauss": int(has_gauss), "gauss": float(gauss)},
            "python": random.getstate(),
        }
        write_json(folder / "state.json", state, sync=True)


def load_checkpoint(model: Model, optimizer: Optimizer, path: str) -> dict[str, Any]:
    """Puts a checkpoint into the loaded model and optimiser; all is read and checked before anything changes."""
    folder = Path(path)
    try:
        state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        weights = load_file(folder / "weights.safetensors")
        moments = load_file(folder / "optimizer.safetensors")
        randoms = load_file(folder / "random.safetensors")
    except FileNotFoundError as error:
        raise KernelError("BadCheckpoint", f"{path}: not a checkpoint, {Path(error.filename).name} is missing") from error
    except Exception as error:
        raise KernelError("BadCheckpoint", f"{path}: the checkpoint cannot be read: {error}") from error
    if state.get("version") != _VERSION:
        raise KernelError("BadCheckpoint", f"{path}: expected version {_VERSION}, got {state.get('version')}")
    parameters = model.parameters()
    expected = {name: tuple(p.shape) for name, p in parameters.items()}
    found = {name: tuple(t.shape) for name, t in weights.items()}
    if expected != found:
        different = sorted(k for k in expected.keys() | found.keys() if expected.get(k) != found.get(k))
        raise KernelError(
            "BadCheckpoint",
            f"{path}: it is of another model or LoRA setting: {different[0]} is "
            f"{found.get(different[0], 'missing')}, expected {expected.get(different[0], 'none')}",
        )
    with model.lock, torch.no_grad():
        for name, p in parameters.items():
            p.copy_(weights[name])
        optimizer.restore(moments, int(state["updates"]))
        _restore_random(state, randoms, model.device)
    return {"updates": optimizer.updates}
