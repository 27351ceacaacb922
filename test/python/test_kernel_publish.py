"""The learner's weights on their way into an engine: packed, mapped or broadcast, checked, and refused when they differ."""

from __future__ import annotations

import copy
import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from kernel_support import make_model, options
from kernel.errors import KernelError
from kernel.export import merged_weights
from kernel.model import load_model
from kernel.publish import Publisher

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "actors" / "inference"))

from vllm_reload import ReloadExtension  # noqa: E402


class Worker(ReloadExtension):
    """The part of a vLLM worker that the extension uses."""

    rank = 0
    device = torch.device("cpu")

    def __init__(self) -> None:
        self.loaded: dict[str, torch.Tensor] | None = None

    def reload_weights(self, weights_iterator: Iterator[tuple[str, torch.Tensor]]) -> None:
        self.loaded = {name: tensor.clone() for name, tensor in weights_iterator}

    def _pack_heads(self) -> None:
        pass


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[Publisher]:
    made = Publisher(load_model(options(make_model(tmp_path / "model"), dtype="bfloat16")))
    yield made
    made.close()


def travelled(answer: dict[str, Any]) -> dict[str, Any]:
    """As it arrives: through JSON, whose other readers keep 53 bits of an integer."""
    return json.loads(json.dumps(answer))


def expect_served(worker: Worker, publisher: Publisher) -> None:
    wanted = merged_weights(publisher._model)
    assert worker.loaded is not None and worker.loaded.keys() == wanted.keys()
    for name, tensor in wanted.items():
        assert torch.equal(worker.loaded[name], tensor.to(torch.bfloat16))


def test_an_engine_beside_the_learner_reads_the_weights_where_they_lie(publisher: Publisher) -> None:
    worker = Worker()
    for version in (1, 2):
        with torch.no_grad():
            for parameter in publisher._model.causal.parameters():
                parameter.add_(0.25)
        assert worker.load_published(travelled(publisher.publish(version, None)), 5) == {"ok": True}
        expect_served(worker, publisher)


def test_an_engine_elsewhere_gets_them_by_broadcast(publisher: Publisher) -> None:
    worker = Worker()
    where = publisher.open_group(0, "127.0.0.1")
    learner = threading.Thread(target=publisher.join_group, args=(0, 2, 20.0))
    learner.start()
    assert worker.join_weight_group({**where, "size": 2, "timeout_seconds": 20}) == {"ok": True}
    learner.join()
    for version in (1, 2):
        weights = {**travelled(publisher.publish(version, None)), "memory": None}
        learner = threading.Thread(target=publisher.broadcast, args=(0, 20.0))
        learner.start()
        assert worker.load_published(weights, 20) == {"ok": True}
        learner.join()
        expect_served(worker, publisher)
    worker._leave_group()


def test_a_broadcast_that_nobody_sends_ends_with_its_time(publisher: Publisher) -> None:
    worker = Worker()
    where = publisher.open_group(0, "127.0.0.1")
    learner = threading.Thread(target=publisher.join_group, args=(0, 2, 20.0))
    learner.start()
    worker.join_weight_group({**where, "size": 2, "timeout_seconds": 20})
    learner.join()
    answer = worker.load_published({**publisher.publish(1, None), "memory": None}, 0.2)
    assert answer["ok"] is False and answer["touched"] is False and "0.2 s" in answer["why"]
    assert worker.loaded is None


def test_what_does_not_arrive_as_it_was_sent_is_refused_by_name_and_not_served(publisher: Publisher) -> None:
    worker = Worker()
    weights = copy.deepcopy(travelled(publisher.publish(1, None)))
    name, dtype, shape, offset, _ = weights["tensors"][3]
    weights["tensors"][3] = [name, dtype, shape, offset, "12345"]
    answer = worker.load_published(weights, 5)
    assert answer["ok"] is False and answer["touched"] is False and name in answer["why"]
    assert worker.loaded is None


def test_weights_that_are_not_finite_are_not_published(publisher: Publisher) -> None:
    with torch.no_grad():
        next(publisher._model.causal.parameters())[0] = torch.nan
    with pytest.raises(KernelError, match="not finite"):
        publisher.publish(1, None)


def test_the_folder_of_what_was_published_holds_that_and_not_what_was_trained_since(
    publisher: Publisher, tmp_path: Path
) -> None:
    publisher.publish(7, None)
    before = {name: tensor.to(torch.bfloat16) for name, tensor in merged_weights(publisher._model).items()}
    with torch.no_grad():
        for parameter in publisher._model.causal.parameters():
            parameter.add_(1)
    assert publisher.export(str(tmp_path / "out")) == {"version": 7}
    stored = load_file(tmp_path / "out" / "model.safetensors")
    assert all(torch.equal(stored[name], tensor) for name, tensor in before.items())
