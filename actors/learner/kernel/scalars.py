"""TensorBoard files, by torch's own writer."""

from __future__ import annotations

from typing import Any


class Scalars:
    """One writer for each folder, kept open until `close`."""

    def __init__(self) -> None:
        self._writers: dict[str, Any] = {}

    def write(self, folder: str, step: int, values: dict[str, float]) -> None:
        """Appends `values` at `step` and flushes, so that a reader sees them at once."""
        if folder not in self._writers:
            from torch.utils.tensorboard import SummaryWriter

            self._writers[folder] = SummaryWriter(folder)
        writer = self._writers[folder]
        for name, value in values.items():
            writer.add_scalar(name, value, step)
        writer.flush()

    def close(self) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()
