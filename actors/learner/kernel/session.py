"""The methods of the kernel: what each request does with the model that this process holds."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from typing import Any

import torch

from .batch import pack, read_batch
from .errors import KernelError
from .model import Model, load_model
from .optimizer import Optimizer
from .protocol import Channel, Handler
from .publish import Publisher
from .scalars import Scalars
from .step import TrainStep
from .tensor_file import write_tensors
from .train_options import read_settings


def hello(_params: dict[str, Any]) -> dict[str, Any]:
    """What this process is and has."""
    versions = {"python": platform.python_version()}
    for name in ("torch", "transformers", "safetensors", "peft"):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    gpu = torch.cuda.is_available()
    return {
        "pid": os.getpid(),
        "versions": versions,
        "device": "cuda" if gpu else "cpu",
        "device_name": torch.cuda.get_device_name() if gpu else platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
    }


class Session:
    """State of the process: at most one model, its optimiser, and the embedded engine over it."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.model: Model | None = None
        self.optimizer: Optimizer | None = None
        self.scalars = Scalars()
        self.engine: Any = None
        self.publisher: Publisher | None = None

    def methods(self) -> dict[str, Handler]:
        """Method names as they travel, and what answers each."""
        return {
            "load": self.load,
            "train": self.train,
            "logprobs": self.logprobs,
            "export_weights": self.export_weights,
            "update_weights": self.update_weights,
            "publish_weights": self.publish_weights,
            "export_published": self.export_published,
            "open_weight_group": self.open_weight_group,
            "join_weight_group": self.join_weight_group,
            "broadcast_weights": self.broadcast_weights,
            "save_checkpoint": self.save_checkpoint,
            "load_checkpoint": self.load_checkpoint,
            "serve": self.serve,
            "set_weight_version": self.set_weight_version,
            "scalars": self.write_scalars,
            "plot": self.plot,
        }

    def close(self) -> None:
        if self.engine is not None:
            self.engine.close()
            self.engine = None
        self._end_publishing()
        self.scalars.close()

    def _loaded(self) -> Model:
        if self.model is None:
            raise KernelError("BadRequest", "no model is loaded: call load first")
        return self.model

    def _trainable(self) -> tuple[Model, Optimizer]:
        model = self._loaded()
        if self.optimizer is None:
            raise KernelError("BadRequest", "the model was loaded with trainable: false")
        return model, self.optimizer

    def load(self, params: dict[str, Any]) -> dict[str, Any]:
        self.model = self.optimizer = None
        self._end_publishing()
        model = load_model(params)
        if model.trainable:
            self.optimizer = Optimizer(model.parameters(), params.get("optimizer") or {})
        self.model = model
        return {
            "device": str(model.device),
            "parameters": sum(p.numel() for p in model.causal.parameters()),
            "trained_parameters": sum(p.numel() for p in model.parameters().values()),
            "model_type": model.causal.config.model_type,
        }

    def train(self, params: dict[str, Any]) -> dict[str, Any]:
        model, optimizer = self._trainable()
        settings = read_settings(params["options"])
        step = TrainStep(model, optimizer, settings, self.channel.progress)
        try:
            return step.run(read_batch(params["batch"]), params.get("keep_bad_batches_in"))
        finally:
            optimizer.zero_grad()
            if model.device.type == "cuda":
                torch.cuda.empty_cache()

    def logprobs(self, params: dict[str, Any]) -> dict[str, Any]:
        """Writes `logprobs` float32[T] to `out`: of each trained token, 0 elsewhere."""
        model = self._loaded()
        batch = read_batch(params["batch"])
        result = torch.zeros(batch.token_ids.numel())
        limit = int(params.get("max_tokens_per_micro_batch", 16384))
        with torch.no_grad():
            for micro in pack(batch, list(range(batch.sequences)), limit, model.device):
                result[micro.source] = model.logprobs(micro, float(params["temperature"]))[0].cpu()
        write_tensors(params["out"], {"logprobs": result})
        return {"trained_tokens": sum(batch.trained())}

    def export_weights(self, params: dict[str, Any]) -> dict[str, Any]:
        from .export import export_weights

        return export_weights(self._loaded(), params["dir"], params.get("dtype"))

    def update_weights(self, params: dict[str, Any]) -> None:
        from .export import update_weights

        update_weights(self._loaded(), params["dir"])

    def _publisher(self) -> Publisher:
        self.publisher = self.publisher or Publisher(self._loaded())
        return self.publisher

    def _end_publishing(self) -> None:
        if self.publisher is not None:
            self.publisher.close()
            self.publisher = None

    def publish_weights(self, params: dict[str, Any]) -> dict[str, Any]:
        return self._publisher().publish(int(params["version"]), params.get("dtype"))

    def export_published(self, params: dict[str, Any]) -> dict[str, Any]:
        return self._publisher().export(params["dir"])

    def open_weight_group(self, params: dict[str, Any]) -> dict[str, Any]:
        return self._publisher().open_group(int(params["group"]), params["host"])

    def join_weight_group(self, params: dict[str, Any]) -> None:
        self._publisher().join_group(int(params["group"]), int(params["size"]), float(params["timeout_seconds"]))

    def broadcast_weights(self, params: dict[str, Any]) -> None:
        self._publisher().broadcast(int(params["group"]), float(params["timeout_seconds"]))

    def save_checkpoint(self, params: dict[str, Any]) -> None:
        from .checkpoint import save_checkpoint

        save_checkpoint(*self._trainable(), params["dir"])

    def load_checkpoint(self, params: dict[str, Any]) -> dict[str, Any]:
        from .checkpoint import load_checkpoint

        return load_checkpoint(*self._trainable(), params["dir"])

    def serve(self, params: dict[str, Any]) -> dict[str, Any]:
        """Starts the embedded engine over this process's weights, listening on a Unix socket."""
        from .serve import EngineServer

        model = self._loaded()
        if self.engine is not None:
            raise KernelError("BadRequest", "this process serves already")
        engine = EngineServer(
            get_model=lambda: self._loaded().causal,
            eos_token_ids=eos_token_ids(model),
            device=model.device,
            weights_lock=model.lock,
            deterministic=bool(params.get("deterministic", False)),
            max_batch=int(params.get("max_batch", 64)),
        )
        engine.start(params["socket"])
        self.engine = engine
        return {"socket": params["socket"]}

    def set_weight_version(self, params: dict[str, Any]) -> None:
        if self.engine is None:
            raise KernelError("BadRequest", "this process does not serve: call serve first")
        self.engine.set_weight_version(params["version"])

    def write_scalars(self, params: dict[str, Any]) -> None:
        self.scalars.write(params["dir"], int(params["step"]), params["values"])

    def plot(self, params: dict[str, Any]) -> None:
        from .plot import plot_curves

        plot_curves(params["metrics"], params["out"], params.get("title", ""))


def eos_token_ids(model: Model) -> list[int]:
    """Tokens that end a generation: those of generation_config.json, else of config.json."""
    for config in (getattr(model.causal, "generation_config", None), model.causal.config):
        value = getattr(config, "eos_token_id", None)
        if value is not None:
            return [int(v) for v in value] if isinstance(value, (list, tuple)) else [int(value)]
    return []
