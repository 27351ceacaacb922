"""Reads completion requests and writes their replies, in the form that vLLM gives OpenAI's /v1/completions."""

from __future__ import annotations

import time
from typing import Any

from .generation import Limits, Sequence
from .sampling import SamplingParams


class BadRequest(Exception):
    """The request cannot be served as it is; the message says which field and why."""


def _number(body: dict[str, Any], key: str, kind: type, default, low, high):
    value = body.get(key)
    if value is None:
        return default
    allowed = (int, float) if kind is float else (int,)
    if isinstance(value, bool) or not isinstance(value, allowed) or not low <= value <= high:
        raise BadRequest(f"{key}: expected a number from {low} to {high}, got {value!r}")
    return kind(value)


def _token_ids(body: dict[str, Any], key: str) -> list[int]:
    value = body.get(key)
    if not isinstance(value, list) or not all(type(item) is int and item >= 0 for item in value):
        raise BadRequest(f"{key}: this engine takes token ids, a list of whole numbers")
    return value


def read_completion(body: dict[str, Any], eos: frozenset[int], limits: Limits) -> tuple[list[int], SamplingParams]:
    """The prompt and the settings of a completion request; raises BadRequest for what this engine cannot do."""
    prompt = _token_ids(body, "prompt")
    if not prompt:
        raise BadRequest("prompt: at least one token is needed")
    if max(prompt) >= limits.vocabulary:
        raise BadRequest(f"prompt: token id {max(prompt)} is outside the model's vocabulary of {limits.vocabulary}")
    if body.get("stream") or (body.get("n") or 1) != 1:
        raise BadRequest("stream and n: this engine answers one whole reply for each request")
    max_tokens = _number(body, "max_tokens", int, 16, 1, 1 << 20)
    if len(prompt) + max_tokens > limits.context_length:
        raise BadRequest(
            f"This model's maximum context length is {limits.context_length} tokens, but the prompt has {len(prompt)} "
            f"and max_tokens is {max_tokens}"
        )
    stops = frozenset(_token_ids(body, "stop_token_ids")) if body.get("stop_token_ids") else frozenset()
    return prompt, SamplingParams(
        max_tokens=max_tokens,
        temperature=_number(body, "temperature", float, 1.0, 0, 1e6),
        top_p=_number(body, "top_p", float, 1.0, 1e-9, 1),
        top_k=_number(body, "top_k", int, -1, -1, 1 << 30),
        seed=_number(body, "seed", int, None, -(2**63), 2**63 - 1),
        stop_token_ids=stops if body.get("ignore_eos") else stops | eos,
    )


def write_completion(sequence: Sequence, body: dict[str, Any]) -> dict[str, Any]:
    """A finished sequence in the form of OpenAI's completions, with the extra fields that the request asked for."""
    generated = sequence.generated
    choice: dict[str, Any] = {
        "index": 0,
        "text": "",
        "finish_reason": sequence.finish_reason,
        "stop_reason": generated[-1] if sequence.finish_reason == "stop" else None,
        "logprobs": None,
    }
    if body.get("logprobs") is not None:
        choice["logprobs"] = {
            "token_logprobs": sequence.logprobs,
            "tokens": [f"token_id:{token}" for token in generated],
            "top_logprobs": None,
            "text_offset": [],
        }
    if body.get("return_token_ids"):
        choice["token_ids"] = generated
    if body.get("return_weight_versions"):
        choice["weight_versions"] = _spans(sequence.versions)
    return {
        "id": sequence.request_id,
        "object": "text_completion",
        "created": int(time.time()),
        "model": "model",
        "choices": [choice],
        "usage": {
            "prompt_tokens": sequence.prompt_length,
            "completion_tokens": len(generated),
            "total_tokens": len(sequence.tokens),
        },
    }


def _spans(versions: list[int]) -> list[dict[str, Any]]:
    """Runs of equal versions as `{version, start, end}`, end excluded."""
    spans: list[dict[str, Any]] = []
    for place, version in enumerate(versions):
        if spans and spans[-1]["version"] == str(version):
            spans[-1]["end"] = place + 1
        else:
            spans.append({"version": str(version), "start": place, "end": place + 1})
    return spans
