"""Objects of the node's store in this process's memory. Which segment holds what is the store's to say (`StorePort`)."""

from __future__ import annotations

import mmap
import os
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterable
from pathlib import Path

from .objects import Bytes, length_of

_MAPPED_AT_MOST = 64


def read_segment(path: str | Path, length: int, gone: Callable[[], object] | None = None) -> memoryview:
    """The first `length` bytes of a segment, without a copy and read-only.

    The caller has pinned the object. `gone` is called once neither the view nor anything made from it (a slice, a numpy
    array) is left, in whatever thread dropped the last one: it is for the unpin. It is not called at the process's end.
    """
    fd = os.open(path, os.O_RDONLY)
    try:
        mapping = mmap.mmap(fd, length, access=mmap.ACCESS_READ)
    finally:
        os.close(fd)
    if gone is not None:
        weakref.finalize(mapping, gone).atexit = False
    return memoryview(mapping)


class WritableSegments:
    """The segments this process writes: mapped once and kept mapped, because a warm mapping is written faster."""

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)
        self._mapped: OrderedDict[str, mmap.mmap] = OrderedDict()

    def write(self, segment: str, capacity: int, parts: Iterable[Bytes]) -> int:
        """Copies the parts, one after another, into a segment that the store gave; returns their length, for the seal."""
        parts = list(parts)
        length = length_of(parts)
        if length > capacity:
            raise ValueError(f"{length} bytes do not fit segment {segment} of {capacity}")
        at = 0
        with memoryview(self._map(segment, capacity)) as memory:
            for part in parts:
                content = memoryview(part).cast("B")
                memory[at : at + content.nbytes] = content
                at += content.nbytes
        return length

    def close(self) -> None:
        """Ends the mappings."""
        while self._mapped:
            self._mapped.popitem()[1].close()

    def _map(self, segment: str, capacity: int) -> mmap.mmap:
        mapping = self._mapped.pop(segment, None)
        if mapping is None:
            fd = os.open(self._folder / segment, os.O_RDWR)
            try:
                # All pages at once: writing then takes no page fault.
                mapping = mmap.mmap(fd, capacity, flags=mmap.MAP_SHARED | mmap.MAP_POPULATE)
            finally:
                os.close(fd)
        self._mapped[segment] = mapping
        if len(self._mapped) > _MAPPED_AT_MOST:
            self._mapped.popitem(last=False)[1].close()
        return mapping
