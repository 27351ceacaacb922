"""Remembers the keys and values of prompts and replies, so that a longer prompt starts where a shorter one ended."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import torch

from .slot_cache import SlotCache

BLOCK = 16


class _Entry:
    def __init__(self, keys: list[int], stored: torch.Tensor):
        self.keys = keys
        self.stored = stored
        self.bytes = stored.numel() * stored.element_size()


def _block_keys(tokens: Sequence[int]) -> list[int]:
    """One key for each whole block: the hash of all tokens up to its end."""
    keys = []
    key = 0
    for end in range(BLOCK, len(tokens) + 1, BLOCK):
        key = hash((key, tuple(tokens[end - BLOCK : end])))
        keys.append(key)
    return keys


class PrefixCache:
    """Least recently used entries go first when `limit_bytes` is reached. A limit of 0 switches it off."""

    def __init__(self, limit_bytes: int):
        self._limit = limit_bytes
        self._bytes = 0
        self._entries: OrderedDict[int, _Entry] = OrderedDict()
        self._blocks: dict[int, tuple[int, int]] = {}
        self._next_id = 0
        self.hit_tokens = 0

    def clear(self) -> None:
        """Forgets everything; the weights that made it are gone."""
        self._entries.clear()
        self._blocks.clear()
        self._bytes = 0

    def load(self, tokens: Sequence[int], cache: SlotCache, row: int) -> int:
        """Fills `row` with the longest known prefix of `tokens` and returns its length, 0 when there is none."""
        if not self._entries:
            return 0
        for count, key in reversed(list(enumerate(_block_keys(tokens), start=1))):
            found = self._blocks.get(key)
            if found is not None:
                entry_id, length = found
                self._entries.move_to_end(entry_id)
                cache.write(row, self._entries[entry_id].stored, length)
                self.hit_tokens += length
                assert length == count * BLOCK
                return length
        return 0

    def store(self, tokens: Sequence[int], cache: SlotCache, row: int) -> None:
        """Remembers the whole blocks of `tokens`, whose keys and values are in `row`."""
        if self._limit == 0:
            return
        keys = _block_keys(tokens)
        if not keys or keys[-1] in self._blocks:
            return
        entry = _Entry(keys, cache.read(row, len(keys) * BLOCK))
        if entry.bytes > self._limit:
            return
        entry_id = self._next_id
        self._next_id += 1
        self._entries[entry_id] = entry
        self._bytes += entry.bytes
        for count, key in enumerate(keys, start=1):
            self._blocks[key] = (entry_id, count * BLOCK)
        while self._bytes > self._limit:
            self._evict()

    def _evict(self) -> None:
        entry_id, entry = self._entries.popitem(last=False)
        self._bytes -= entry.bytes
        for key in entry.keys:
            if self._blocks.get(key, (None,))[0] == entry_id:
                del self._blocks[key]
