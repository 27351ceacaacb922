"""What a Python program asks about the cluster's nodes and resources, and how it reserves some of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .api import runtime
from .errors import InvalidOptionError
from .placement_groups import PlacementGroup


def nodes() -> list[dict[str, Any]]:
    """All nodes, the dead ones too."""
    return runtime().ask("nodes", None)


def cluster_resources() -> dict[str, float]:
    """What the nodes together have, by resource name."""
    return _sum("resources")


def available_resources() -> dict[str, float]:
    """What of it is not leased now."""
    return _sum("available")


def placement_group(
    bundles: Sequence[dict[str, float]],
    strategy: str = "PACK",
    name: str = "",
    lifetime: str | None = None,
    bundle_label_selector: Sequence[dict[str, str]] | None = None,
) -> PlacementGroup:
    """Reserves bundles of resources together, all or none. Raises InvalidOptionError for what cannot be."""
    return runtime().create_placement_group(list(bundles), strategy, name, lifetime, bundle_label_selector)


def remove_placement_group(group: PlacementGroup) -> None:
    """Ends the group's actors and gives its bundles back."""
    if not isinstance(group, PlacementGroup):
        raise InvalidOptionError(f"remove_placement_group: expected a placement group, got {group!r}", option="group")
    runtime().remove_placement_group(group)


def placement_group_table() -> list[dict[str, Any]]:
    """All groups and their states."""
    return runtime().ask("groups", None)


def _sum(column: str) -> dict[str, float]:
    total: dict[str, float] = {}
    for node in nodes():
        for name, amount in node[column].items() if node["alive"] else ():
            total[name] = total.get(name, 0) + amount
    return total
