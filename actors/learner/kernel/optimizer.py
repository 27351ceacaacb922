"""AdamW with warm-up and decay of its rate, gradient clipping, and a check before each update that it would leave every weight finite."""

from __future__ import annotations

import math
from typing import Any

import torch


class Optimizer:
    """Owns torch's AdamW over named float32 parameters. `updates` counts those that were applied."""

    def __init__(self, parameters: dict[str, torch.nn.Parameter], options: dict[str, Any]) -> None:
        self.names = list(parameters)
        self.parameters = list(parameters.values())
        self.base_lr = float(options.get("lr", 1e-6))
        self.betas = tuple(float(b) for b in options.get("betas", (0.9, 0.999)))
        self.weight_decay = float(options.get("weight_decay", 0.0))
        self.grad_clip = float(options.get("grad_clip", 0.0))
        self.warmup_steps = int(options.get("warmup_steps", 0))
        self.cosine = options.get("schedule", "constant") == "cosine"
        self.min_lr_ratio = float(options.get("min_lr_ratio", 0.0))
        self.total_updates = int(options.get("total_updates", 0))
        self.eps = 1e-8
        self.updates = 0
        self.adam = torch.optim.AdamW(
            self.parameters,
            lr=self.base_lr,
            betas=self.betas,
            eps=self.eps,
            weight_decay=self.weight_decay,
            fused=all(p.device.type in ("cpu", "cuda") for p in self.parameters),
        )

    def lr(self) -> float:
        """Learning rate of the next update: linear warm-up, then constant, or half a cosine down to
        `min_lr_ratio` of it. The cosine ends after `total_updates`, counted with the warm-up, and stays there."""
        if self.updates < self.warmup_steps:
            return self.base_lr * (self.updates + 1) / self.warmup_steps
        if not self.cosine:
            return self.base_lr
        falling = max(1, self.total_updates - self.warmup_steps)
        done = min(1.0, (self.updates - self.warmup_steps) / falling)
        height = (1 + math.cos(math.pi * done)) / 2
        return self.base_lr * (self.min_lr_ratio + (1 - self.min_lr_ratio) * height)

    def zero_grad(self) -> None:
        self.adam.zero_grad(set_to_none=True)

    def fill_missing_gradients(self) -> None:
        """A parameter that no loss reached has a gradient of zero, so that its momentum moves as in any update."""
        for p in self.parameters:
            if p.grad is None:
                p.grad = torch.zeros_like(p)

    def gradient_norm(self) -> float:
        """Norm of all gradients together, before clipping. Not finite when any of them is not."""
        return float(torch.nn.utils.get_total_norm([p.grad for p in self.parameters if p.grad is not None]))

    def step(self, norm: float) -> str | None:
        """Clips and applies the gradients, whose norm is `norm`; or leaves everything as it was and says why."""
        if not math.isfinite(norm):
            return "a gradient is not finite"
        if self.grad_clip > 0:
            torch.nn.utils.clip_grads_with_norm_(self.parameters, self.grad_clip, torch.tensor(norm))
        lr = self.lr()
        if not self._stays_finite(lr):
            return "a weight or a moment would not be finite after the update"
        for group in self.adam.param_groups:
            group["lr"] = lr
        self.adam.step()
        self.updates += 1
        return None

    @torch.no_grad()
    def _stays_finite(self, lr: float) -> bool:
        """Computes AdamW's new moments and weights one parameter at a time, and keeps only their largest values."""
        beta1, beta2 = self.betas
        largest: list[torch.Tensor] = []
        for p in self.parameters:
            grad = p.grad
            state = self.adam.state.get(p, {})
            step = float(state["step"]) + 1 if "step" in state else 1.0
            first = grad * (1 - beta1)
            second = grad.square() * (1 - beta2)
            if "exp_avg" in state:
                first.add_(state["exp_avg"], alpha=beta1)
                second.add_(state["exp_avg_sq"], alpha=beta2)
            bound = second.amax()
            second.div_(1 - beta2**step).sqrt_().add_(self.eps)
            moved = (p * (1 - lr * self.weight_decay)).addcdiv_(first, second, value=-lr / (1 - beta1**step))
            largest += [bound, moved.abs_().amax()]
        return bool(torch.isfinite(torch.stack(largest)).all())

    def state_tensors(self) -> dict[str, torch.Tensor]:
        """The moments by parameter name, for a checkpoint."""
        tensors: dict[str, torch.Tensor] = {}
        for name, p in zip(self.names, self.parameters, strict=True):
            for key, value in self.adam.state.get(p, {}).items():
                tensors[f"{key}/{name}"] = value
        return tensors

    def restore(self, tensors: dict[str, torch.Tensor], updates: int) -> None:
        """Puts back what `state_tensors` gave."""
        self.adam.state.clear()
        for name, p in zip(self.names, self.parameters, strict=True):
            if f"exp_avg/{name}" not in tensors:
                continue
            self.adam.state[p] = {
                # AdamW keeps the step where the parameter is when fused, and on the CPU otherwise; float32 always.
                "step": tensors[f"step/{name}"].to(p.device),
                "exp_avg": tensors[f"exp_avg/{name}"].to(p.device),
                "exp_avg_sq": tensors[f"exp_avg_sq/{name}"].to(p.device),
            }
        self.updates = updates
