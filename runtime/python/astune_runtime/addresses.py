"""The address of a process: who it is, on which node, and where it listens."""

from __future__ import annotations

from typing import NamedTuple


class Address(NamedTuple):
    """`socket` is for processes of the same machine, `tcp` (`host:port`) for all others; empty where there is none."""

    process_id: str
    node_id: str = ""
    socket: str = ""
    tcp: str = ""

    def __str__(self) -> str:
        return "|".join(self)

    def target_from(self, node_id: str) -> str:
        """What a process on `node_id` dials."""
        near = self.node_id != "" and self.node_id == node_id
        target = (near and self.socket) or self.tcp or self.socket
        return f"unix:{target}" if target == self.socket else target


def parse_address(text: str) -> Address:
    """Reads an address as it stands in object descriptors."""
    return Address(*[*text.split("|"), "", "", ""][:4])
