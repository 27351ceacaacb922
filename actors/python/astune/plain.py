"""Values as plain data: what the judge is told must be able to leave the process."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any


def plain(value: Any, path: str) -> Any:
    """The value as lists, dicts, texts and numbers. Raises TypeError with the way to what is none of them."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, dict):
        return {str(key): plain(item, f"{path}.{key}") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, f"{path}[{index}]") for index, item in enumerate(value)]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return plain(dataclasses.asdict(value), path)
    for method in ("model_dump", "to_dict", "item"):
        convert = getattr(value, method, None)
        if callable(convert):
            return plain(convert(), path)
    raise TypeError(f"{path} is a {type(value).__name__}: register plain data, for example str() of it")


def plain_config(value: Any) -> Any:
    """A configuration whose keys are attributes."""
    if isinstance(value, dict):
        return SimpleNamespace(**{key: plain_config(item) for key, item in value.items()})
    return [plain_config(item) for item in value] if isinstance(value, list) else value
