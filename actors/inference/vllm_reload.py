"""What our vLLM's workers can do besides vLLM's own methods: take other weights from a folder, from the learner's memory
or from its broadcast, so that every tensor takes effect.

`load_published` touches the served weights only after all that arrived was checked. Its answer says what happened: `ok`,
or `why` not, with `touched: false` where the old weights are still served.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

# The learner's own module knows how the weights are packed.
sys.path.append(str(Path(__file__).resolve().parents[1] / "learner"))


class ReloadExtension:
    """Mixed into vLLM's worker by `--worker-extension-cls`; its methods are called through `collective_rpc`."""

    def reload_weights_whole(self, weights_path: str) -> None:
        """vLLM's `reload_weights` from a model folder, then the output head's packed copy made again."""
        self.reload_weights(weights_path=weights_path)
        self._pack_heads()

    def load_published(self, weights: dict[str, Any], timeout_seconds: float) -> dict[str, Any]:
        """Serves the weights that the learner has published, from its `memory`, else from the group's next broadcast."""
        import torch
        from kernel import flat_weights

        try:
            flat = self._from_memory(weights) if weights["memory"] else self._from_group(weights, timeout_seconds)
            tensors = flat_weights.checked(flat, weights["tensors"])
        except Exception as error:  # noqa: BLE001 whatever it is, it is told to whoever asked for the swap
            return {"ok": False, "touched": False, "why": f"{type(error).__name__}: {error}"}
        self.reload_weights(weights_iterator=iter(tensors.items()))
        self._pack_heads()
        if flat.is_cuda:
            torch.cuda.synchronize(flat.device)
        return {"ok": True}

    def join_weight_group(self, group: dict[str, Any]) -> dict[str, Any]:
        """Joins the learner's group for this engine: the learner is rank 0, the workers follow in their own order."""
        from kernel import flat_weights

        self._leave_group()
        try:
            address = (group["host"], int(group["port"]))
            place = (1 + int(self.rank), int(group["size"]))
            self.weight_group = flat_weights.WeightGroup(*address, *place, self.device, float(group["timeout_seconds"]))
        except Exception as error:  # noqa: BLE001
            return {"ok": False, "touched": False, "why": f"{type(error).__name__}: {error}"}
        return {"ok": True}

    def _leave_group(self) -> None:
        group = getattr(self, "weight_group", None)
        if group is not None:
            group.close()
        self.weight_group = None

    def _from_group(self, weights: dict[str, Any], timeout_seconds: float) -> Any:
        import torch

        if getattr(self, "weight_group", None) is None:
            raise RuntimeError("this worker is in no weight group")
        flat = torch.empty(int(weights["bytes"]), dtype=torch.uint8, device=self.device)
        try:
            self.weight_group.broadcast(flat, timeout_seconds)
        except BaseException:
            self.weight_group = None
            raise
        return flat

    def _from_memory(self, weights: dict[str, Any]) -> Any:
        import torch

        memory = weights["memory"]
        if memory["kind"] == "file":
            return torch.from_file(memory["path"], shared=True, size=int(weights["bytes"]), dtype=torch.uint8)
        # One mapping for each piece of memory: the learner counts its readers.
        known = getattr(self, "mapped_weights", None)
        if known is None or known[0] != memory["handle"]:
            self.mapped_weights = known = (memory["handle"], _map_cuda(memory))
        flat = torch.empty(0, dtype=torch.uint8, device=known[1].device)
        return flat.set_(known[1], 0, (int(weights["bytes"]),))

    def _pack_heads(self) -> None:
        """vLLM's CPU build multiplies by copies of the weights that it packs while loading. Where the head shares the
        embedding's weight (Llama with tied embeddings), a reload packs the embedding's layer and not the head's, which
        goes on with the weights of the start. On a GPU nothing is packed, and this does nothing more.
        """
        from vllm.model_executor.layers.vocab_parallel_embedding import ParallelLMHead, UnquantizedEmbeddingMethod

        for layer in self.get_model().modules():
            if isinstance(layer, ParallelLMHead) and isinstance(layer.quant_method, UnquantizedEmbeddingMethod):
                layer.quant_method.process_weights_after_loading(layer)


def _map_cuda(memory: dict[str, Any]) -> Any:
    """The storage behind a CUDA IPC handle, on whichever of this process's devices is that GPU."""
    import torch

    gpus = [str(torch.cuda.get_device_properties(i).uuid) for i in range(torch.cuda.device_count())]
    if memory["gpu"] not in gpus:
        raise RuntimeError(f"the learner's GPU {memory['gpu']} is none of this engine's: {', '.join(gpus)}")
    return torch.UntypedStorage._new_shared_cuda(
        gpus.index(memory["gpu"]),
        bytes.fromhex(memory["handle"]),
        int(memory["bytes"]),
        int(memory["offset"]),
        bytes.fromhex(memory["counter"]),
        int(memory["counter_offset"]),
        bytes.fromhex(memory["event"]),
        bool(memory["event_sync"]),
    )
