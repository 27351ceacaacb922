"""What our vLLM's workers can do besides vLLM's own methods: load other weights so that every tensor takes effect."""

from __future__ import annotations


class ReloadExtension:
    """Mixed into vLLM's worker by `--worker-extension-cls`; its methods are called through `collective_rpc`."""

    def reload_weights_whole(self, weights_path: str) -> None:
        """vLLM's `reload_weights` from a model folder, then the output head's packed copy made again.

        vLLM's CPU build multiplies by copies of the weights that it packs while loading. Where the head shares the
        embedding's weight (Llama with tied embeddings), a reload packs the embedding's layer and not the head's, which
        goes on with the weights of the start. On a GPU nothing is packed, and this does nothing more.
        """
        from vllm.model_executor.layers.vocab_parallel_embedding import ParallelLMHead, UnquantizedEmbeddingMethod

        self.reload_weights(weights_path=weights_path)
        for layer in self.get_model().modules():
            if isinstance(layer, ParallelLMHead) and isinstance(layer.quant_method, UnquantizedEmbeddingMethod):
                layer.quant_method.process_weights_after_loading(layer)
