"""The kernel as a program: its protocol, checkpoints that resume bit for bit, LoRA, export, and a full disk."""

from __future__ import annotations

import json
import resource
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from kernel_support import KernelProcess, make_batch_of, make_model, options, plain_logprobs
from kernel.checkpoint import load_checkpoint, save_checkpoint
from kernel.errors import KernelError
from kernel.export import export_weights, update_weights
from kernel.model import Model, load_model
from kernel.optimizer import Optimizer
from kernel.plot import plot_curves
from kernel.session import Session
from kernel.step import TrainStep
from kernel.tensor_file import whole_folder, write_tensors
from kernel.train_options import read_settings

LENGTHS = [23, 12, 30, 18]
TRAIN = {"algorithm": "grpo", "temperature": 1.0, "kl_loss_coef": 0.01, "mini_batches": 2}
LORA = {"rank": 4, "alpha": 8, "target_modules": "all-linear"}
FALLING = {"warmup_steps": 2, "schedule": "cosine", "min_lr_ratio": 0.1, "total_updates": 8}


class SilentChannel:
    """Stands where the protocol would be when a session runs in the test's own process."""

    def progress(self, done: int, total: int) -> None:
        assert 0 <= done <= total


def write_batch(path: Path, seed: int = 0) -> str:
    write_tensors(path, make_batch_of(LENGTHS, seed).tensors())
    return str(path)


def learner(folder: Path, **changes: Any) -> tuple[Model, Optimizer]:
    chosen = options(folder, **changes)
    model = load_model(chosen)
    return model, Optimizer(model.parameters(), chosen["optimizer"])


def train(model: Model, optimizer: Optimizer, **changes: Any) -> dict[str, Any]:
    settings = read_settings({"algorithm": "grpo"} | changes)
    return TrainStep(model, optimizer, settings, lambda done, total: None).run(make_batch_of(LENGTHS), None)


@pytest.fixture(scope="module")
def kernel() -> Iterator[KernelProcess]:
    """One process for all that need the real program, so that the tests pay for its start once."""
    process = KernelProcess()
    yield process
    assert process.close() == 0


@pytest.mark.parametrize("lora", [None, LORA], ids=["full", "lora"])
def test_steps_after_a_resume_equal_an_unbroken_run_bit_for_bit(
    tmp_path: Path, kernel: KernelProcess, lora: Any
) -> None:
    folder = make_model(tmp_path / "model")
    batches = [write_batch(tmp_path / f"batch-{i}.safetensors", i) for i in range(4)]
    load = options(folder, reference=True, lora=lora, optimizer=FALLING)

    unbroken = Session(SilentChannel())
    unbroken.load(load)
    losses = []
    for index, path in enumerate(batches):
        if index == 2:
            unbroken.save_checkpoint({"dir": str(tmp_path / "half")})
        losses.append(unbroken.train({"batch": path, "options": TRAIN})["loss"])
    unbroken.save_checkpoint({"dir": str(tmp_path / "whole")})

    # Another process, with other random numbers: the checkpoint must bring its own.
    kernel.result("load", **(load | {"seed": 99}))
    assert kernel.result("load_checkpoint", dir=str(tmp_path / "half")) == {"updates": 4}
    again = [kernel.result("train", batch=path, options=TRAIN)["loss"] for path in batches[2:]]
    kernel.result("save_checkpoint", dir=str(tmp_path / "again"))
    assert again == losses[2:]
    for name in ("weights", "optimizer", "random"):
        left = load_file(tmp_path / "whole" / f"{name}.safetensors")
        right = load_file(tmp_path / "again" / f"{name}.safetensors")
        assert left.keys() == right.keys()
        assert all(torch.equal(left[key], right[key]) for key in left), name
    assert (tmp_path / "whole" / "state.json").read_text() == (tmp_path / "again" / "state.json").read_text()
    assert any(event["event"] == "progress" and event["done"] == event["total"] for event in kernel.events)


def test_every_request_is_answered_in_order_and_mistakes_have_a_type(tmp_path: Path) -> None:
    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))

    folder = make_model(tmp_path / "model")
    model, optimizer = learner(folder)
    target = tmp_path / "checkpoints" / "step-000001"
    save_checkpoint(model, optimizer, str(target))
    before = {p.name: p.read_bytes() for p in target.iterdir()}
    assert max(len(content) for content in before.values()) > 60_000

    kernel = KernelProcess(preexec=small_files)
    assert "torch" in kernel.result("hello")["versions"]
    assert kernel.call("dance")["error"]["type"] == "KeyError"
    assert kernel.call("train", batch="x", options={})["error"]["type"] == "BadRequest"
    missing = kernel.call("load", **options(tmp_path / "nothing"))["error"]
    assert missing["type"] == "ModelNotFound" and str(tmp_path / "nothing") in missing["message"]
    kernel.process.stdin.write("not json\n")
    kernel.result("scalars", dir=str(tmp_path / "board"), step=3, values={"reward/mean": 0.5})
    assert kernel.events[-1]["error"]["type"] == "BadRequest"
    assert [p for p in (tmp_path / "board").iterdir() if p.name.startswith("events.out.tfevents")]

    # A full disk: one clear error each time, nothing left behind, what was there before untouched.
    kernel.result("load", **options(folder))
    for name in ("step-000001", "step-000002"):
        error = kernel.call("save_checkpoint", dir=str(target.with_name(name)))["error"]
        assert error["type"] == "DiskFull" and name in error["message"]
    assert [p.name for p in target.parent.iterdir()] == ["step-000001"]
    assert {p.name: p.read_bytes() for p in target.iterdir()} == before
    assert kernel.close() == 0


def test_logprobs_are_those_of_the_separate_sequences(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "model", "llama", tied=False)
    session = Session(SilentChannel())
    session.load(options(folder, trainable=False))
    out = tmp_path / "out.safetensors"
    batch = write_batch(tmp_path / "batch.safetensors")
    session.logprobs({"batch": batch, "temperature": 0.5, "out": str(out)})
    plain = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    want = torch.cat([torch.cat([torch.zeros(1), r]) for r in plain_logprobs(plain, make_batch_of(LENGTHS), 0.5)])
    mask = make_batch_of(LENGTHS).loss_mask
    assert torch.allclose(load_file(out)["logprobs"], want.detach() * mask, atol=2e-5)


def test_exported_lora_weights_are_the_merged_ones_and_the_live_model_stays(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "model")
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    model, optimizer = learner(folder, lora=LORA, reference=True)
    assert all("lora_" in name for name in model.parameters())
    for _ in range(3):
        assert train(model, optimizer, kl_loss_coef=0.01)["updates"] == 1
    live = {name: p.detach().clone() for name, p in model.causal.named_parameters()}
    export_weights(model, str(tmp_path / "exported"), None)
    exported = AutoModelForCausalLM.from_pretrained(tmp_path / "exported", dtype=torch.float32)
    original = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    ids = torch.arange(2, 30)[None]
    assert torch.allclose(exported(input_ids=ids).logits, model.causal(input_ids=ids).logits, atol=1e-4)
    assert not torch.allclose(exported(input_ids=ids).logits, original(input_ids=ids).logits, atol=1e-3)
    assert all(torch.equal(live[name], p) for name, p in model.causal.named_parameters())
    assert (tmp_path / "exported" / "chat_template.jinja").read_text() == "{{ messages }}"
    assert set(load_file(tmp_path / "exported" / "model.safetensors")) == set(load_file(folder / "model.safetensors"))


def test_with_lora_the_reference_is_the_model_without_its_adapters(tmp_path: Path) -> None:
    model, optimizer = learner(make_model(tmp_path / "model"), lora=LORA, reference=True)
    assert model.reference is None
    assert train(model, optimizer, kl_loss_coef=0.01)["kl_loss"] == 0.0
    assert train(model, optimizer, kl_loss_coef=0.01)["kl_loss"] > 0.0


def test_weights_in_bf16_are_exported_as_such_and_loaded_again(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "model")
    model, optimizer = learner(folder)
    train(model, optimizer)
    export_weights(model, str(tmp_path / "out"), "bfloat16")
    export_weights(model, str(tmp_path / "out"), "bfloat16")  # taking the place of what lies there
    assert {t.dtype for t in load_file(tmp_path / "out" / "model.safetensors").values()} == {torch.bfloat16}
    assert json.loads((tmp_path / "out" / "config.json").read_text())["dtype"] == "bfloat16"
    served = load_model(options(folder, trainable=False))
    update_weights(served, str(tmp_path / "out"))
    name, parameter = next(iter(model.causal.named_parameters()))
    assert torch.equal(dict(served.causal.named_parameters())[name], parameter.to(torch.bfloat16).float())
    assert [p.name for p in tmp_path.iterdir() if "writing" in p.name] == []


def test_weights_that_are_not_finite_are_neither_exported_nor_served(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "model")
    model, _ = learner(folder)
    served = load_model(options(folder, trainable=False))
    export_weights(model, str(tmp_path / "poisoned"), None)
    # Copies: what `load_file` gives looks into the file that is about to be written.
    tensors = {k: t.clone() for k, t in load_file(tmp_path / "poisoned" / "model.safetensors").items()}
    tensors["model.norm.weight"][3] = float("nan")
    write_tensors(tmp_path / "poisoned" / "model.safetensors", tensors)
    with pytest.raises(KernelError, match="model.norm.weight") as refused:
        update_weights(served, str(tmp_path / "poisoned"))
    assert refused.value.type == "NotFinite"
    with torch.no_grad():
        model.causal.model.norm.weight[3] = float("inf")
    with pytest.raises(KernelError, match="model.norm.weight"):
        export_weights(model, str(tmp_path / "out"), None)
    assert not (tmp_path / "out").exists()


def test_a_checkpoint_of_another_model_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    model, optimizer = learner(make_model(tmp_path / "model"))
    save_checkpoint(model, optimizer, str(tmp_path / "checkpoint"))
    adapted, other = learner(tmp_path / "model", lora=LORA)
    before = {name: p.detach().clone() for name, p in adapted.parameters().items()}
    with pytest.raises(KernelError, match="another model"):
        load_checkpoint(adapted, other, str(tmp_path / "checkpoint"))
    with pytest.raises(KernelError, match="state.json is missing"):
        load_checkpoint(adapted, other, str(tmp_path / "model"))
    assert all(torch.equal(before[name], p) for name, p in adapted.parameters().items())


def test_a_folder_written_over_a_killed_attempt_holds_nothing_of_it(tmp_path: Path) -> None:
    stale = tmp_path / ".out.writing-killed"
    stale.mkdir()
    (stale / "half").write_text("x")
    with whole_folder(tmp_path / "out") as folder:
        (folder / "file").write_text("new")
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o755


def test_the_figure_is_drawn_from_rows_with_gaps(tmp_path: Path) -> None:
    rows = [{"step": i, "reward/mean": np.sin(i / 9) ** 2, "fault/no_print": 1 / (i + 1)} for i in range(30)]
    rows.append({"step": 30, "reward/mean": None, "validation/success": 0.5})
    metrics = tmp_path / "metrics.jsonl"
    metrics.write_text("\n".join(json.dumps(row) for row in rows) + '\n{"step": 31, "rew')
    plot_curves(str(metrics), str(tmp_path / "curves.png"), "a run")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert not (tmp_path / "curves.png.part").exists()
