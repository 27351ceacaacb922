"""Amounts of resources in whole units: ten thousandths, or bytes of memory."""

from __future__ import annotations

from .errors import InvalidOptionError

UNITS_PER_ONE = 10_000


def units_of(name: str, amount: float) -> int:
    """An amount of a resource in units. Raises InvalidOptionError."""
    scale = 1 if name == "memory" else UNITS_PER_ONE
    units = round(amount * scale) if isinstance(amount, (int, float)) and not isinstance(amount, bool) else -1
    if units < 0 or abs(amount * scale - units) > 1e-6 * max(1, units):
        option = {"CPU": "num_cpus", "GPU": "num_gpus"}.get(name, name)
        text = f"{option}: expected a number of at least 0, no finer than 0.0001 (memory: whole bytes), got {amount!r}"
        raise InvalidOptionError(text, option=name)
    return units
