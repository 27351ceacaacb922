"""Weights in Hugging Face's layout, for an engine: LoRA merged in, tokenizer and settings beside them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch

from .errors import KernelError
from .model import DTYPES, Model, read_causal
from .tensor_file import whole_folder, write_json, write_tensors

_WEIGHT_SUFFIXES = (".safetensors", ".bin", ".pt", ".pth", ".gguf", ".msgpack", ".h5", ".onnx")


def merged_weights(model: Model) -> dict[str, torch.Tensor]:
    """All weights by their Hugging Face names, tied ones once. LoRA is added into copies; the live model stays."""
    state = model.causal.state_dict(keep_vars=False)
    if model.adapters is not None:
        state = _merge_lora(model, state)
    unique: dict[str, torch.Tensor] = {}
    owners: dict[tuple[int, int, torch.Size], str] = {}
    for name, tensor in state.items():
        key = (tensor.data_ptr(), tensor.storage_offset(), tensor.shape)
        if tensor.numel() > 0 and key in owners:
            continue
        owners[key] = name
        unique[name] = tensor
    return unique


def _merge_lora(model: Model, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    from peft.tuners.lora import LoraLayer

    merged = {name.replace(".base_layer.", "."): t for name, t in state.items() if ".lora_" not in name}
    with torch.no_grad():
        for name, module in model.causal.named_modules():
            if isinstance(module, LoraLayer):
                base = module.get_base_layer().weight
                merged[f"{name}.weight"] = base + module.get_delta_weight("default").to(base.dtype)
    return merged


def require_finite(weights: dict[str, torch.Tensor]) -> None:
    names = [name for name, t in weights.items() if t.is_floating_point() and t.numel() > 0]
    finite = torch.stack([torch.isfinite(weights[name].detach().abs().amax()) for name in names])
    if not bool(finite.all()):
        bad = [name for name, ok in zip(names, finite.tolist(), strict=True) if not ok]
        raise KernelError(
            "NotFinite", f"{len(bad)} of {len(names)} weights are not finite, the first is {bad[0]}; they are not exported"
        )


def export_weights(model: Model, path: str, dtype: str | None) -> dict[str, object]:
    """Writes a folder that vLLM and transformers load. Whole or not at all; weights that are not finite are refused."""
    stored = str(model.dtype).removeprefix("torch.") if dtype is None else dtype
    if stored not in DTYPES:
        raise KernelError("BadRequest", f"dtype: expected one of {', '.join(DTYPES)}, got {stored}")
    with model.lock:
        weights = merged_weights(model)
        require_finite(weights)
        with whole_folder(path) as folder:
            copy_settings(Path(model.path), folder, stored)
            write_tensors(folder / "model.safetensors", weights, dtype=DTYPES[stored])
    return {"dir": str(Path(path).absolute()), "bytes": (Path(path) / "model.safetensors").stat().st_size}


def copy_settings(source: Path, folder: Path, dtype: str) -> None:
    """Copies the model folder's small files (tokenizer, templates, generation settings); config.json gets the dtype."""
    for file in source.iterdir():
        if file.is_file() and file.suffix not in _WEIGHT_SUFFIXES and not file.name.endswith(".index.json"):
            shutil.copyfile(file, folder / file.name)
    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    config.pop("torch_dtype", None)
    config["dtype"] = dtype
    write_json(folder / "config.json", config)


def update_weights(model: Model, path: str) -> None:
    """Copies the weights of a Hugging Face folder into the served model; nothing changes unless all fit."""
    fresh = read_causal(path, next(model.causal.parameters()).dtype, torch.device("cpu"))
    current = dict(model.causal.named_parameters())
    incoming = dict(fresh.named_parameters())
    if {k: v.shape for k, v in current.items()} != {k: v.shape for k, v in incoming.items()}:
        raise KernelError("BadRequest", f"{path}: these weights are of another model")
    require_finite({k: v.detach() for k, v in incoming.items()})
    with model.lock, torch.no_grad():
        for name, parameter in current.items():
            parameter.copy_(incoming[name])
