"""Identifiers that are unique across processes: 16 random hex digits of this process and a count."""

from __future__ import annotations

import itertools
import os

_process_part = os.urandom(8).hex()
_made = itertools.count(1)


def new_id() -> str:
    """A new identifier."""
    return f"{_process_part}{next(_made):012x}"
