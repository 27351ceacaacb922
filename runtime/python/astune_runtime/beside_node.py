"""A driver on a machine that is a node of the cluster joins it: large values go through the node's store."""

from __future__ import annotations

import gc
import os
import socket
from typing import Any

from .cluster_process import ClusterProcess
from .peer import Peer, PeerHandlers


async def join_node(process: ClusterProcess, nodes: list[dict[str, Any]]) -> None:
    """Joins the node that this machine is, if there is one. On the runtime's loop. `nodes`: as the head welcomes with."""
    for node in nodes:
        agent_socket = os.path.join(node["sessionFolder"], "agent.sock")
        is_here = node["hostname"] == socket.gethostname() and _is_own_address(node["ip"])
        if is_here and os.path.exists(agent_socket):
            handlers = PeerHandlers(request=_answer)
            agent = process.connect(f"unix:{agent_socket}", handlers, node["nodeId"])
            home = await agent.ask("register", {"hostId": "", "address": process.address})
            process.settle(agent, home)
            return


def _answer(method: str, _payload: Any, _peer: Peer) -> None:
    if method == "letGo":
        gc.collect()


def _is_own_address(ip: str) -> bool:
    """Only an address of this machine can be listened on."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind((ip, 0))
    except OSError:
        return False
    return True
