"""Where tasks and actors may be placed, in Ray's words, and as it travels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .errors import InvalidOptionError
from .placement_groups import PlacementGroup


@dataclass(frozen=True)
class PlacementGroupSchedulingStrategy:
    """In a bundle of the group; -1 is any."""

    placement_group: PlacementGroup
    placement_group_bundle_index: int = -1
    share_gpus: bool = False
    """Not in Ray: an actor sees all GPU ids of its bundle."""


@dataclass(frozen=True)
class NodeAffinitySchedulingStrategy:
    """On this node; `soft`: elsewhere, where it cannot be."""

    node_id: str
    soft: bool = False


@dataclass(frozen=True)
class NodeLabelSchedulingStrategy:
    """On nodes with these labels (`"v"`, `"!v"`, `"in(a,b)"`, `"!in(a,b)"`), `soft` ones if there are such."""

    hard: dict[str, str] = field(default_factory=dict)
    soft: dict[str, str] = field(default_factory=dict)


def compile_strategy(given: Any) -> dict[str, Any]:
    """The strategy as it travels. Raises InvalidOptionError."""
    if given == "DEFAULT":
        return {"kind": "default"}
    if given == "SPREAD":
        return {"kind": "spread"}
    if isinstance(given, dict) and "node_id" in given:
        given = NodeAffinitySchedulingStrategy(given["node_id"], bool(given.get("soft", False)))
    if isinstance(given, NodeAffinitySchedulingStrategy):
        return {"kind": "node", "nodeId": given.node_id, "soft": given.soft}
    if isinstance(given, NodeLabelSchedulingStrategy):
        return {"kind": "labels", "hard": given.hard, "soft": given.soft}
    if isinstance(given, PlacementGroupSchedulingStrategy):
        group, index = given.placement_group, given.placement_group_bundle_index
        if not isinstance(index, int) or not -1 <= index < group.bundle_count:
            text = f"placement_group_bundle_index: expected -1 to {group.bundle_count - 1}, got {index!r}"
            raise InvalidOptionError(text, option="scheduling_strategy")
        return {"kind": "placementGroup", "groupId": group.id, "bundleIndex": index, "shareGpus": given.share_gpus}
    text = f'scheduling_strategy: expected "DEFAULT", "SPREAD", {{"node_id": …}} or a SchedulingStrategy, got {given!r}'
    raise InvalidOptionError(text, option="scheduling_strategy")
