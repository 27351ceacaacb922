"""Placement groups of the cluster as their creator sees them: bundles of resources that are reserved together."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any

from .errors import InvalidOptionError, PlacementGroupUnschedulableError, RaySystemError
from .head_link import HeadLink
from .io_loop import IoLoop
from .object_ref import ObjectEntry, ObjectRef
from .packed import pack
from .quantities import units_of

_STRATEGIES = ("PACK", "SPREAD", "STRICT_PACK", "STRICT_SPREAD")


class PlacementGroup:
    """Bundles reserved together, or waiting to be. Hand it to a `PlacementGroupSchedulingStrategy`."""

    def __init__(self, group_id: str, bundles: list[dict[str, float]], strategy: str, name: str) -> None:
        self.id = group_id
        self.bundle_specs = bundles
        self.strategy = strategy
        self.name = name
        self._entry = ObjectEntry()

    @property
    def bundle_count(self) -> int:
        return len(self.bundle_specs)

    def ready(self) -> ObjectRef:
        """Ready when all bundles are reserved; fails if they never can be, or the group is removed."""
        return ObjectRef(self._entry)

    def wait(self, timeout_seconds: float = 30) -> bool:
        """Whether all bundles are reserved within this time."""
        settled = threading.Event()
        self._entry.on_settled(settled.set)
        return settled.wait(timeout_seconds) and self._entry.error is None

    def __repr__(self) -> str:
        return f"PlacementGroup({self.name or self.id})"


def compile_group(
    group: PlacementGroup, lifetime: str | None, labels: Sequence[dict[str, str]] | None
) -> dict[str, Any]:
    """The parts of `createGroup` that come from the user. Raises InvalidOptionError."""
    if group.strategy not in _STRATEGIES:
        raise _wrong("strategy", f"one of {', '.join(_STRATEGIES)}", group.strategy)
    if not group.bundle_specs:
        raise _wrong("bundles", "at least one bundle", group.bundle_specs)
    if lifetime not in (None, "detached"):
        raise _wrong("lifetime", '"detached" or None', lifetime)
    if labels is not None and len(labels) != len(group.bundle_specs):
        raise _wrong("bundle_label_selector", f"one for each of the {len(group.bundle_specs)} bundles", labels)
    for index, bundle in enumerate(group.bundle_specs):
        if not any(units_of(name, amount) for name, amount in bundle.items()):
            raise _wrong(f"bundles[{index}]", "at least one resource above 0", bundle)
    return {
        "id": group.id,
        "name": group.name,
        "strategy": group.strategy,
        "bundles": group.bundle_specs,
        "labelSelectors": list(labels) if labels is not None else [{} for _ in group.bundle_specs],
        "detached": lifetime == "detached",
    }


class RemoteGroups:
    """Used on the runtime's loop."""

    def __init__(self, head: HeadLink, io: IoLoop) -> None:
        self._head = head
        self._io = io
        self._waiting: dict[str, PlacementGroup] = {}

    def create(self, group: PlacementGroup, creation: dict[str, Any]) -> None:
        self._waiting[group.id] = group

        def stored(future: asyncio.Future[Any]) -> None:
            if (error := future.exception()) is not None:
                self._settle(group.id, lambda entry: entry.fail(error))  # type: ignore[arg-type]

        self._head.ask("createGroup", creation).add_done_callback(stored)

    def news(self, news: dict[str, Any]) -> None:
        """The head tells how a group is."""
        group = self._waiting.get(news["id"])
        if group is None:
            return
        if news["state"] == "CREATED":
            # It is still heard of: it may be removed.
            group._entry.fulfil(pack(True, "ready"))
        elif news["state"] == "INFEASIBLE":
            reasons = news["reasons"]
            text = f"placement group {group.name or group.id} can never be placed: {'; '.join(reasons)}"
            error = PlacementGroupUnschedulableError(text, placementGroupId=group.id, reasons=reasons)
            self._settle(group.id, lambda entry: entry.fail(error))
        else:
            removed = RaySystemError(f"placement group {group.name or group.id} was removed")
            self._settle(group.id, lambda entry: entry.fail(removed))

    def fail_all(self, error: Exception) -> None:
        for group_id in list(self._waiting):
            self._settle(group_id, lambda entry: entry.fail(error))

    def _settle(self, group_id: str, settle: Callable[[ObjectEntry], None]) -> None:
        if (group := self._waiting.pop(group_id, None)) is not None:
            settle(group._entry)


def _wrong(option: str, expected: str, got: Any) -> InvalidOptionError:
    return InvalidOptionError(f"{option}: expected {expected}, got {got!r}", option=option)
