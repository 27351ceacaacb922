"""The model: loading, LoRA, the frozen reference, and log-probabilities of packed rows."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForCausalLM, PreTrainedModel
from transformers.utils import logging as transformers_logging
from transformers.modeling_layers import GradientCheckpointingLayer

from . import attention
from .batch import MicroBatch
from .errors import KernelError
from .head import head_logprobs
from .head_loss import HeadInputs, HeadLoss, KernelChoice, choose_kernel, head_loss, plain_reason
from .train_options import TrainSettings

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass
class Model:
    """A loaded model. `causal` is transformers' own class, LoRA layers in place where there are any.

    `lock` is held while weights change, and by the embedded engine for each of its forward passes.
    """

    causal: PreTrainedModel
    path: str
    device: torch.device
    dtype: torch.dtype
    trainable: bool
    reference: PreTrainedModel | None = None
    adapters: Any | None = None
    has_reference: bool = False
    gradient_checkpointing: bool = False
    kernel: KernelChoice = field(default_factory=lambda: KernelChoice(None, "plain"))
    lock: threading.RLock = field(default_factory=threading.RLock)

    def parameters(self) -> dict[str, torch.nn.Parameter]:
        """The parameters that are trained, by name; tied ones once."""
        return {name: p for name, p in self.causal.named_parameters() if p.requires_grad}

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        """Lower precision for the forward pass where it was asked for; weights stay float32."""
        mixed = self.trainable and self.dtype != torch.float32
        return torch.autocast(self.device.type, dtype=self.dtype, enabled=mixed)

    def logprobs(self, micro: MicroBatch, temperature: float) -> tuple[torch.Tensor, torch.Tensor]:
        """Log-probability and entropy, float32[P] each, of the micro-batch's trained tokens."""
        return self._logprobs(self.causal, micro, temperature)

    def loss(
        self,
        micro: MicroBatch,
        settings: TrainSettings,
        weights: torch.Tensor,
        old: torch.Tensor | None,
        reference: torch.Tensor | None,
    ) -> HeadLoss:
        """The micro-batch's loss with gradient, and its statistics; see `head_loss`."""
        with self.autocast():
            head, hidden, multiplier, softcap = self._to_head(self.causal, micro, settings.temperature)
            inputs = HeadInputs(
                micro.targets, micro.segment, len(micro.rows), micro.advantages, weights, old,
                micro.engine, reference, multiplier, softcap,
            )  # fmt: skip
            return head_loss(self.kernel, head, hidden, inputs, settings)

    def head_choice(self) -> str:
        """What computes the loss of this model's head, and where it is the plain version, why."""
        head = _head(self.causal)
        softcap = _logit_scale(self.causal.config)[1]
        with self.autocast():
            return plain_reason(self.kernel, head, head.weight, softcap) or self.kernel.reason

    def reference_logprobs(self, micro: MicroBatch, temperature: float) -> torch.Tensor:
        """float32[P] from the starting weights: the frozen copy, or this model with its adapters off."""
        if not self.has_reference:
            raise KernelError("BadRequest", "the KL term needs the model to be loaded with reference: true")
        with torch.no_grad():
            if self.reference is not None:
                return self._logprobs(self.reference, micro, temperature)[0]
            with self.lock, self.adapters.disable_adapter():
                return self._logprobs(self.causal, micro, temperature)[0]

    def _logprobs(
        self, causal: PreTrainedModel, micro: MicroBatch, temperature: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        with self.autocast():
            head, hidden, multiplier, softcap = self._to_head(causal, micro, temperature)
            return head_logprobs(head, hidden, micro.targets, multiplier, softcap)

    def _to_head(
        self, causal: PreTrainedModel, micro: MicroBatch, temperature: float
    ) -> tuple[torch.nn.Linear, torch.Tensor, float, float]:
        """The head, the hidden states [P, width] it is to be applied to, and the scale and soft cap of its logits."""
        if temperature <= 0:
            raise KernelError("BadRequest", f"temperature: expected more than 0, got {temperature}")
        if causal.config._attn_implementation != attention.IMPLEMENTATION:
            causal.set_attn_implementation(attention.IMPLEMENTATION)
        # A ready-made 4-D mask tells transformers to make none of its own; the layout stands in for it.
        no_mask = torch.ones(1, 1, 1, 1, dtype=torch.bool, device=self.device)
        hidden = causal.base_model(
            input_ids=micro.token_ids,
            position_ids=micro.position_ids,
            attention_mask=no_mask,
            use_cache=False,
            packed_layout=micro.layout,
        ).last_hidden_state[0]
        multiplier, softcap = _logit_scale(causal.config)
        return _head(causal), hidden.index_select(0, micro.positions), multiplier / temperature, softcap

    @contextlib.contextmanager
    def training(self) -> Iterator[None]:
        """Switches gradient checkpointing on where it was asked for. Dropout stays off: ratios must start at one."""
        if not self.gradient_checkpointing:
            yield
            return
        layers = [m for m in self.causal.modules() if isinstance(m, GradientCheckpointingLayer)]
        with self.lock:
            for layer in layers:
                layer.training = True
            try:
                yield
            finally:
                for layer in layers:
                    layer.training = False


def _head(causal: PreTrainedModel) -> torch.nn.Linear:
    head = causal.get_output_embeddings()
    if not isinstance(head, torch.nn.Linear):
        raise KernelError("BadRequest", f"the head is a {type(head).__name__}; the kernel trains plain linear heads only")
    return head


def _logit_scale(config: Any) -> tuple[float, float]:
    """The model's own factor on its logits, and its soft cap (0: none)."""
    multiplier = 1.0
    if getattr(config, "logits_scaling", None):
        multiplier /= float(config.logits_scaling)
    if getattr(config, "logit_scale", None):
        multiplier *= float(config.logit_scale)
    return multiplier, float(getattr(config, "final_logit_softcapping", None) or 0.0)


def pick_device(wish: str) -> torch.device:
    """`auto` is the first GPU, or the CPU where there is none."""
    if wish == "cuda" and not torch.cuda.is_available():
        raise KernelError("BadRequest", "device: expected a GPU for cuda, but torch sees none")
    return torch.device("cuda" if wish != "cpu" and torch.cuda.is_available() else "cpu")


def seed_everything(seed: int) -> None:
    """Seeds torch, numpy and Python."""
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)


def read_causal(path: str, dtype: torch.dtype, device: torch.device) -> PreTrainedModel:
    """Reads a Hugging Face causal model from a folder; never asks a network."""
    if not (Path(path) / "config.json").is_file():
        raise KernelError("ModelNotFound", f"{path}: expected a folder with a Hugging Face model, found no config.json")
    attention.register()
    transformers_logging.disable_progress_bar()
    try:
        causal = AutoModelForCausalLM.from_pretrained(
            path, dtype=dtype, attn_implementation=attention.IMPLEMENTATION, local_files_only=True
        )
    except (OSError, ValueError) as error:
        raise KernelError("ModelNotFound", f"{path}: the model cannot be read: {error}") from error
    return causal.to(device).eval()


def load_model(options: dict[str, Any]) -> Model:
    """Loads a model by the contract's LearnerOptions in snake_case, with `trainable` beside them."""
    trainable = bool(options.get("trainable", True))
    device = pick_device(options.get("device", "auto"))
    dtype = DTYPES.get(options.get("dtype", "float32"))
    if dtype is None:
        raise KernelError("BadRequest", f"dtype: expected one of {', '.join(DTYPES)}, got {options.get('dtype')}")
    seed_everything(int(options.get("seed", 0)))
    path = str(options["model_path"])
    causal = read_causal(path, torch.float32 if trainable else dtype, device)
    causal.requires_grad_(trainable)
    model = Model(causal=causal, path=path, device=device, dtype=dtype, trainable=trainable)
    if trainable:
        model.kernel = choose_kernel(device, str(options.get("head_kernel", "plain")))
    if not trainable:
        return model
    if options.get("gradient_checkpointing"):
        causal.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        model.gradient_checkpointing = True
    if options.get("lora"):
        _add_lora(model, options["lora"])
    if options.get("reference"):
        model.has_reference = True
        if model.adapters is None:
            model.reference = read_causal(path, torch.float32, device).requires_grad_(False)
    return model


def _add_lora(model: Model, lora: dict[str, Any]) -> None:
    from peft import LoraConfig, get_peft_model

    wanted = lora["target_modules"]
    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=int(lora["rank"]),
        lora_alpha=lora["alpha"],
        target_modules=wanted if isinstance(wanted, str) else list(wanted),
        lora_dropout=0.0,
        bias="none",
    )
    model.adapters = get_peft_model(model.causal, config)
    model.causal.eval()
