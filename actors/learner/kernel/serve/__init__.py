"""The embedded engine: serves the kernel's own model, in its own process and from its own weights, with vLLM's routes.

    server = EngineServer(lambda: model, {eos_id}, device, weights_lock, deterministic=False, max_batch=128)
    server.start("/private/folder/engine.sock")

`http_server.py` speaks HTTP over a Unix socket, `scheduler.py` decides which requests run in which pass, `generation.py`
does the arithmetic (`slot_cache.py` holds the keys and values of the running rows, `sampling.py` draws the tokens, and
`prefix_cache.py` remembers prompts). docs/embedded-engine.md says why it is not transformers' own batching.
"""

from .http_server import EngineServer

__all__ = ["EngineServer"]
