"""What the embedded engine can do, in the form a client asks vLLM for it: the parts of /openapi.json that matter."""

from __future__ import annotations


def _route(method: str, query: tuple[str, ...] = ()) -> dict:
    return {method: {"parameters": [{"name": name, "in": "query"} for name in query], "responses": {"200": {}}}}


_COMPLETION_FIELDS = (
    "prompt max_tokens temperature top_p top_k seed logprobs stop_token_ids ignore_eos return_token_ids "
    "return_weight_versions"
).split()

OPENAPI = {
    "openapi": "3.1.0",
    "info": {"title": "astune embedded engine", "version": "1"},
    "paths": {
        "/health": _route("get"),
        "/version": _route("get"),
        "/load": _route("get"),
        "/v1/models": _route("get"),
        "/v1/completions": _route("post"),
        "/pause": _route("post", ("mode", "clear_cache")),
        "/resume": _route("post"),
        "/is_paused": _route("get"),
        "/sleep": _route("post", ("level",)),
        "/wake_up": _route("post", ("tags",)),
        "/is_sleeping": _route("get"),
        "/reset_prefix_cache": _route("post"),
        "/update_weight_version": _route("post"),
        "/weight_info": _route("get"),
    },
    "components": {
        "schemas": {"CompletionRequest": {"properties": {name: {} for name in _COMPLETION_FIELDS}, "type": "object"}}
    },
}
