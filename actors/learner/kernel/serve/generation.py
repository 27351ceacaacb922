"""Runs a batch of sequences over the live model: prompts in one pass, then one token for every row in each pass."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from threading import RLock

import torch

from .prefix_cache import PrefixCache
from .sampling import RowSettings, SamplingParams, draw
from .slot_cache import SlotCache

PREFILL_TOKENS = 4096


@dataclass(frozen=True)
class Limits:
    """Prompt and reply together have at most `context_length` tokens, each below `vocabulary`."""

    context_length: int
    vocabulary: int


class StaleCacheError(Exception):
    """The weights changed since the stored keys and values were made: `forget` them and admit the rows again."""


class Sequence:
    """One request on its way: its prompt, its settings and what was sampled so far."""

    def __init__(self, request_id: str, prompt: list[int], params: SamplingParams, fallback_seed: int):
        self.request_id = request_id
        self.params = params
        self.prompt_length = len(prompt)
        self.tokens = list(prompt)
        self.logprobs: list[float] = []
        self.versions: list[int] = []
        self.finish_reason: str | None = None
        self.cancelled = False
        self.on_done: Callable[[Exception | None], None] = lambda error: None
        generator = torch.Generator().manual_seed(fallback_seed if params.seed is None else params.seed)
        self._uniforms = torch.rand(params.max_tokens, generator=generator, dtype=torch.float64).tolist()

    @property
    def generated(self) -> list[int]:
        return self.tokens[self.prompt_length :]

    def uniform(self) -> float:
        """The random number of the next token: it depends on the seed and the token's place, not on the other rows."""
        return self._uniforms[len(self.logprobs)]

    def append(self, token: int, logprob: float, version: int) -> None:
        self.tokens.append(token)
        self.logprobs.append(logprob)
        self.versions.append(version)
        if token in self.params.stop_token_ids:
            self.finish_reason = "stop"
        elif len(self.logprobs) >= self.params.max_tokens:
            self.finish_reason = "length"


class Generator:
    """Rows 0..n-1 of the cache are the running sequences. Not thread-safe: one thread drives it.

    A row's keys and values are those of all its tokens but the last, which the next pass feeds. So the prompt's last token
    is fed like a sampled one, and logits are computed in one place only.
    """

    def __init__(self, get_model, device, weights_lock: RLock, prefix_cache_bytes: int):
        self._get_model = get_model
        self._device = torch.device(device)
        self._weights_lock = weights_lock
        self._cache = SlotCache(_layer_count(get_model()))
        self._prefixes = PrefixCache(prefix_cache_bytes)
        self._settings: RowSettings | None = None
        self._stamp: tuple[int, int, int] | None = None
        self.rows: list[Sequence] = []
        self.version = 0

    def limits(self) -> Limits:
        """What the model's configuration allows."""
        config = _text_config(self._get_model())
        return Limits(int(getattr(config, "max_position_embeddings", 1 << 20)), int(config.vocab_size))

    def bytes_per_token(self) -> int | None:
        return self._cache.bytes_per_token()

    def forget(self) -> list[Sequence]:
        """Drops all keys and values and hands the running sequences back, to be admitted again."""
        rows, self.rows = self.rows, []
        self._settings = self._stamp = None
        self._prefixes.clear()
        return rows

    def clear_prefixes(self) -> None:
        self._prefixes.clear()

    def release(self) -> None:
        """Gives the cache's memory back. Only when nothing runs."""
        self._prefixes.clear()
        self._cache.release()

    @torch.no_grad()
    def admit(self, arrivals: list[Sequence]) -> None:
        """Adds sequences as rows and computes their prompts; equal prompts once, known prefixes not at all."""
        base = len(self.rows)
        seen: set[tuple[int, ...]] = set()
        repeats = [s for s in arrivals if (known := tuple(s.tokens[:-1])) in seen or seen.add(known)]
        arrivals = [s for s in arrivals if s not in repeats] + repeats  # prompts to compute lie in adjacent rows
        self._cache.reserve(base + len(arrivals), max(len(s.tokens) for s in arrivals) + 1)
        leaders: dict[tuple[int, ...], int] = {}
        todo: list[tuple[int, list[int], int]] = []
        copies: list[tuple[int, int, int]] = []
        for row, sequence in enumerate(arrivals, start=base):
            known = tuple(sequence.tokens[:-1])
            leader = leaders.setdefault(known, row)
            if leader != row:
                copies.append((leader, row, len(known)))
                continue
            start = self._prefixes.load(known, self._cache, row) if self._cache.bytes_per_token() else 0
            if start < len(known):
                todo.append((row, sequence.tokens[:-1], start))
        for group in _prefill_groups(todo):
            self._prefill(group)
        for row, tokens, _ in todo:
            self._prefixes.store(tokens, self._cache, row)
        for source, target, length in copies:
            self._cache.move(source, target, length)
        self.rows.extend(arrivals)
        self._settings = None

    @torch.no_grad()
    def step(self) -> list[Sequence]:
        """One token for every row. Returns the sequences that ended, which leave the batch."""
        rows = self.rows
        if self._settings is None:
            self._settings = RowSettings([s.params for s in rows], self._device)
        last = [len(s.tokens) - 1 for s in rows]
        span = max(last) + 1
        self._cache.reserve(len(rows), span)
        positions = torch.tensor(last, device=self._device)[:, None]
        tokens = torch.tensor([s.tokens[-1] for s in rows], device=self._device)[:, None]
        logits, version = self._forward(tokens, positions, 0, len(rows), span)
        drawn, logprobs = draw(logits, self._settings, [s.uniform() for s in rows])
        for sequence, token, logprob in zip(rows, drawn, logprobs):
            if logprob - logprob != 0:  # not finite: nothing that was drawn from it means anything
                sequence.finish_reason = "error"
            else:
                sequence.append(token, logprob, version)
        return self._take_finished()

    def _take_finished(self) -> list[Sequence]:
        finished = [i for i, s in enumerate(self.rows) if s.finish_reason is not None or s.cancelled]
        if not finished:
            return []
        out = [self.rows[i] for i in finished]
        for i, sequence in zip(finished, out):
            if sequence.finish_reason != "error":
                self._prefixes.store(sequence.tokens[:-1], self._cache, i)
        for i in reversed(finished):
            end = len(self.rows) - 1
            if i != end:
                self._cache.move(end, i, len(self.rows[end].tokens) - 1)
                self.rows[i] = self.rows[end]
            self.rows.pop()
        self._settings = None
        return out

    def _prefill(self, group: list[tuple[int, list[int], int]]) -> None:
        """Computes the unknown part of prompts that lie in adjacent rows, padded on the right to the longest."""
        first, last = group[0][0], group[-1][0] + 1
        width = max(len(tokens) - start for _, tokens, start in group)
        starts = torch.tensor([start for _, _, start in group], device=self._device)[:, None]
        padded = [tokens[start:] + [0] * (width - len(tokens) + start) for _, tokens, start in group]
        positions = starts + torch.arange(width, device=self._device)[None]
        span = int(max(start for _, _, start in group)) + width
        self._cache.reserve(last, span)
        self._forward(torch.tensor(padded, device=self._device), positions, first, last, span)

    def _forward(self, tokens, positions, first: int, last: int, span: int) -> tuple[torch.Tensor, int]:
        """Logits of the last column and the version of the weights that made them. Holds the weights still meanwhile."""
        self._cache.aim(first, last, positions, span)
        columns = torch.arange(span, device=self._device)
        if positions.shape[1] > 1 and int(positions[:, 0].max()) == 0:
            positions_seen = positions[:1]  # all prompts from their start: one causal triangle serves every row
        else:
            positions_seen = positions
        hidden = columns[None, None, None, :] > positions_seen[:, None, :, None]
        with self._weights_lock, _evaluating(self._get_model()) as model:
            self._check_stamp(model)
            dtype = next(model.parameters()).dtype
            mask = torch.zeros(hidden.shape, dtype=dtype, device=self._device).masked_fill_(hidden, torch.finfo(dtype).min)
            output = model(
                input_ids=tokens,
                attention_mask=mask,
                position_ids=positions,
                past_key_values=self._cache,
                use_cache=True,
                logits_to_keep=1,
            )
            return output.logits[:, -1], self.version


    def _check_stamp(self, model) -> None:
        """Compares what the stored keys and values were made with to what the model is now; in-place updates count up."""
        stamp = (self.version, id(model), sum(p._version for p in model.parameters()))
        if self._stamp is not None and stamp != self._stamp:
            raise StaleCacheError
        self._stamp = stamp


@contextmanager
def _evaluating(model):
    """The model in evaluation mode, without changing what the learner set."""
    training = model.training
    if training:
        model.eval()
    try:
        yield model
    finally:
        if training:
            model.train()


def _text_config(model):
    return model.config.get_text_config() if hasattr(model.config, "get_text_config") else model.config


def _layer_count(model) -> int:
    return int(_text_config(model).num_hidden_layers)


def _prefill_groups(todo: list[tuple[int, list[int], int]]) -> list[list[tuple[int, list[int], int]]]:
    """Splits prompts into runs of adjacent rows whose padded size stays under PREFILL_TOKENS."""
    groups: list[list[tuple[int, list[int], int]]] = []
    width = 0
    for item in todo:
        needed = max(width, len(item[1]) - item[2])
        group = groups[-1] if groups else []
        if group and group[-1][0] + 1 == item[0] and needed * (len(group) + 1) <= PREFILL_TOKENS:
            group.append(item)
            width = needed
        else:
            groups.append([item])
            width = len(item[1]) - item[2]
    return groups
