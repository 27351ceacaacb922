"""Identifiers that are unique across processes: 16 random hex digits of this process and a count."""

from __future__ import annotations

import itertools
import os

_process_part = os.urandom(8).hex()
_made = itertools.count(1)


def task_id_of(call_id: int, process_id: str = _process_part) -> str:
    """The name of the task that a call is: by the process that makes it, and the call's number there."""
    return f"{process_id[:16]}f{call_id:011x}"


def new_id() -> str:
    """A new identifier."""
    return f"{_process_part}{next(_made):012x}"
