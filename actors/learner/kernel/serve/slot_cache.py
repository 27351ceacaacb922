"""Keys and values of the running rows, in one buffer that transformers' models write through their `Cache` interface."""

from __future__ import annotations

import torch
from transformers.cache_utils import Cache

LENGTH_STEP = 64


def _round_up(value: int, step: int) -> int:
    return -(-value // step) * step


class SlotCache(Cache):
    """One tensor `[layer, key|value, row, head, position, head_dim]`; row i holds its tokens from position 0.

    Before each forward pass `aim` says which rows and positions the pass writes. Rows are kept contiguous by the caller
    (`move`), so that a pass reads a plain slice. What lies behind a row's own length is masked by the caller.
    """

    def __init__(self, layer_count: int):
        super().__init__(layers=[])
        self._layer_count = layer_count
        self._kv: torch.Tensor | None = None
        self._rows_wanted = 0
        self._length_wanted = 0
        self._first = self._last = self._span = 0
        self._row_index: torch.Tensor | None = None
        self._positions: torch.Tensor | None = None

    def bytes_per_token(self) -> int | None:
        """Bytes that one token of one row takes; None before the first pass, which shows the shapes."""
        if self._kv is None:
            return None
        return 2 * self._layer_count * self._kv.shape[3] * self._kv.shape[5] * self._kv.element_size()

    def reserve(self, rows: int, length: int) -> None:
        """Makes room for `rows` rows of `length` tokens; what is stored stays."""
        self._rows_wanted = max(self._rows_wanted, rows)
        if length > self._length_wanted:
            self._length_wanted = max(_round_up(length + LENGTH_STEP, LENGTH_STEP), min(2 * self._length_wanted, 2 * length))
        kv = self._kv
        if kv is not None and (kv.shape[2] < self._rows_wanted or kv.shape[4] < self._length_wanted):
            grown = kv.new_zeros(*kv.shape[:2], self._rows_wanted, kv.shape[3], self._length_wanted, kv.shape[5])
            grown[:, :, : kv.shape[2], :, : kv.shape[4]] = kv
            self._kv = grown

    def release(self) -> None:
        """Gives the memory back. Only when no row is in use."""
        self._kv = None
        self._rows_wanted = self._length_wanted = 0

    def aim(self, first: int, last: int, positions: torch.Tensor, span: int) -> None:
        """The next pass writes rows `first..last-1` at `positions` ([rows, tokens]) and reads their first `span` positions."""
        self._first, self._last, self._span = first, last, span
        self._positions = positions
        self._row_index = torch.arange(first, last, device=positions.device)[:, None]

    def move(self, source: int, target: int, length: int) -> None:
        """Copies the first `length` tokens of row `source` over row `target`."""
        if self._kv is not None and length:
            self._kv[:, :, target, :, :length] = self._kv[:, :, source, :, :length]

    def read(self, row: int, length: int) -> torch.Tensor:
        """A copy of a row's first `length` tokens: `[layer, 2, head, length, head_dim]`."""
        assert self._kv is not None
        return self._kv[:, :, row, :, :length].clone()

    def write(self, row: int, stored: torch.Tensor, length: int) -> None:
        """Puts the first `length` tokens of what `read` returned into a row."""
        assert self._kv is not None
        self._kv[:, :, row, :, :length] = stored[:, :, :, :length]

    # What a model calls during its forward pass.

    def update(self, key_states, value_states, layer_idx: int, *args, **kwargs):
        if self._kv is None:
            _, heads, _, width = key_states.shape
            self._kv = key_states.new_zeros(
                self._layer_count, 2, self._rows_wanted, heads, self._length_wanted, width
            )
        layer = self._kv[layer_idx]
        layer[0][self._row_index, :, self._positions] = key_states.transpose(1, 2)
        layer[1][self._row_index, :, self._positions] = value_states.transpose(1, 2)
        rows = layer[:, self._first : self._last, :, : self._span]
        return rows[0], rows[1]

    def get_seq_length(self, layer_idx: int = 0) -> int:
        return 0

    def get_mask_sizes(self, query_length: int, layer_idx: int = 0) -> tuple[int, int]:
        return self._span, 0

    def get_query_offset(self, layer_idx: int = 0) -> int:
        return 0
