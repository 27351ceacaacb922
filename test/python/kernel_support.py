"""What the kernel's tests share: tiny random models, random batches, and a plain way to compute log-probabilities."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

# Tiny models are slower on two threads than on one, and the kernel's processes inherit this.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch  # noqa: E402

# A test that imported torch before this file has its own number of threads, and other roundings than the processes.
torch.set_num_threads(1)

KERNEL = Path(__file__).resolve().parents[2] / "actors" / "learner" / "kernel"
sys.path.insert(0, str(KERNEL.parent))

from kernel.batch import Batch, make_batch  # noqa: E402

VOCABULARY = 97


def make_model(folder: Path, kind: str = "qwen2", tied: bool = True, noise: float = 0.0) -> Path:
    """A random causal model of some ten thousand weights in Hugging Face's layout; tied embeddings or not.

    It is the same one each time, but for `noise`: the standard deviation of what is added to every weight.
    """
    from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

    shape = {
        "vocab_size": VOCABULARY,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 256,
        "tie_word_embeddings": tied,
        "eos_token_id": 1,
        "initializer_range": 0.3,
    }
    torch.manual_seed(3)
    model = Qwen2ForCausalLM(Qwen2Config(**shape)) if kind == "qwen2" else LlamaForCausalLM(LlamaConfig(**shape))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape), alpha=noise)
    model.save_pretrained(folder)
    (folder / "tokenizer.json").write_text("{}")
    return folder


def options(path: Path, **changes: Any) -> dict[str, Any]:
    """LearnerOptions in snake_case with the changes put in; `optimizer` changes are merged."""
    optimizer = {"lr": 1e-3, "betas": [0.9, 0.95], "weight_decay": 0.01, "grad_clip": 1.0, "warmup_steps": 0}
    optimizer |= changes.pop("optimizer", {})
    base = {"model_path": str(path), "dtype": "float32", "device": "cpu", "seed": 5, "gradient_checkpointing": False}
    return base | {"reference": False, "optimizer": optimizer} | changes


def make_batch_of(lengths: list[int], seed: int = 0, spread: float = 0.3) -> Batch:
    """Random sequences: a prompt, then sampled runs with a gap between them; engine log-probabilities near -ln V."""
    generator = torch.Generator().manual_seed(seed)
    total = sum(lengths)
    masks = []
    for n in lengths:
        mask = torch.zeros(n, dtype=torch.uint8)
        mask[n // 3 :] = 1
        mask[n // 2 : n // 2 + 2] = 0
        masks.append(mask)
    mask = torch.cat(masks)
    logprobs = (torch.randn(total, generator=generator) * spread - 4.5) * mask
    ids = torch.randint(0, VOCABULARY, (total,), generator=generator)
    return make_batch(ids, lengths, mask, logprobs, torch.randn(len(lengths), generator=generator))


def plain_logprobs(model: Any, batch: Batch, temperature: float) -> list[torch.Tensor]:
    """For each sequence alone, without packing: log-probabilities [length - 1] of its tokens from the second on."""
    result = []
    for start, length in zip(batch.starts, batch.seq_lens, strict=True):
        ids = batch.token_ids[start : start + length][None]
        logits = model(input_ids=ids).logits[0, :-1] / temperature
        result.append(torch.log_softmax(logits, -1).gather(-1, ids[0, 1:, None])[:, 0])
    return result


class KernelProcess:
    """The real program over its real protocol."""

    def __init__(self, preexec: Any = None) -> None:
        command = [sys.executable, str(KERNEL / "main.py")]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=preexec
        )
        self.number = 0
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """The whole reply: `result` or `error`."""
        self.number += 1
        self.process.stdin.write(json.dumps({"id": self.number, "method": method, "params": params}) + "\n")
        self.process.stdin.flush()
        while line := self.process.stdout.readline():
            message = json.loads(line)
            if message.get("id") == self.number:
                return message
            self.events.append(message)
        raise AssertionError(f"the kernel ended: {self.process.stderr.read()[-2000:]}")

    def result(self, method: str, **params: Any) -> dict[str, Any]:
        reply = self.call(method, **params)
        assert "result" in reply, reply
        return reply["result"]

    def close(self) -> int:
        self.process.stdin.close()
        code = self.process.wait(timeout=20)
        self.process.stdout.close()
        self.process.stderr.close()
        return code
