"""Tasks of the cluster as their submitter sees them.

Tasks of one kind (same resources, same environment) share leased hosts. A host gets one task after another and is given
back when it has been idle.
"""

from __future__ import annotations

import asyncio
import collections
import json
from collections.abc import Callable
from typing import Any

from .errors import RayError, TaskCancelledError, WorkerCrashedError
from .head_link import HeadLink
from .ids import new_id
from .packed import Companions
from .peer import Peer
from .pending_call import PendingCall

_IDLE_S = 0.5
_MAX_REQUESTS = 16

Kind = dict[str, Any]
"""`name`, `request`, `runtimeEnv` and `ownerActorId` of a task."""


class RemoteTasks:
    """Used on the runtime's loop."""

    def __init__(
        self,
        head: HeadLink,
        scope: dict[str, str],
        callers: dict[int, PendingCall],
        peer: Callable[[str], Peer],
        objects: Companions,
    ) -> None:
        self.head = head
        self.scope = scope
        self.callers = callers
        self.peer = peer
        self.objects = objects
        self.queues: dict[str, TaskQueue] = {}

    def queue(self, kind: Kind) -> TaskQueue:
        """The queue of this kind of task."""
        key = json.dumps([kind["request"], kind["runtimeEnv"]], sort_keys=True)
        return self.queues.setdefault(key, TaskQueue(self, kind))

    def lease_lost(self, lease_id: str, reason: str) -> None:
        """The head tells that a leased host is gone."""
        for queue in self.queues.values():
            queue.lost(lease_id, reason)

    def ended(self, lease_id: str, call_id: int) -> None:
        """A cancelled task has ended on its leased host."""
        for queue in self.queues.values():
            queue.ended(lease_id, call_id)

    def disconnected(self, process_id: str) -> None:
        """A process cannot be reached any more: what ran there is lost to this one."""
        for queue in self.queues.values():
            queue.disconnected(process_id)

    def leases(self) -> list[dict[str, str | None]]:
        """What this process has been given or waits for, for a head that was started again."""
        return [lease for queue in self.queues.values() for lease in queue.leases()]

    def fail_all(self, error: Exception) -> None:
        for queue in self.queues.values():
            queue.fail_all(error)


class _LeasedHost:
    def __init__(self, lease_id: str, grant: dict[str, Any]) -> None:
        self.lease_id = lease_id
        self.address = grant["address"]
        self.node_id = grant["nodeId"]
        self.call: PendingCall | None = None
        self.cancelled: int | None = None
        """The number of the cancelled call that still runs."""
        self.timer: asyncio.TimerHandle | None = None

    @property
    def is_free(self) -> bool:
        return self.call is None and self.cancelled is None


class TaskQueue:
    """The tasks of one kind."""

    def __init__(self, tasks: RemoteTasks, kind: Kind) -> None:
        self._tasks = tasks
        self._kind = kind
        self._waiting: collections.deque[PendingCall] = collections.deque()
        self._all: set[PendingCall] = set()
        self._hosts: dict[str, _LeasedHost] = {}
        self._requested: set[str] = set()

    def submit(self, call: PendingCall) -> None:
        self._all.add(call)
        call.when_ready(lambda error: call.fail(error) if error else self._enqueue(call))

    def register(self, call: PendingCall) -> None:
        self._tasks.callers[call.call_id] = call

    def unregister(self, call: PendingCall) -> None:
        self._tasks.callers.pop(call.call_id, None)

    def retry(self, call: PendingCall) -> None:
        self._leave(call)
        self._enqueue(call)

    def finished(self, call: PendingCall) -> None:
        self._all.discard(call)
        self._leave(call)
        self._pump()

    def lost(self, lease_id: str, reason: str) -> None:
        host = self._hosts.pop(lease_id, None)
        if host is None:
            return
        call, host.call = host.call, None
        if call is None or call.done:
            return
        if call.use_retry():
            call.detach()
            self._enqueue(call)
        else:
            call.fail(WorkerCrashedError(f"the process that ran {call.facts.function_name} ended: {reason}"))

    def ended(self, lease_id: str, call_id: int) -> None:
        host = self._hosts.get(lease_id)
        if host is not None and host.cancelled == call_id:
            host.cancelled = None
            self._pump()
            self._rest(host)

    def force_end(self, call: PendingCall) -> None:
        """Ends the process that runs the call."""
        for host in self._hosts.values():
            if host.call is call:
                del self._hosts[host.lease_id]
                self._tasks.head.tell("killLease", host.lease_id)
                return

    def leases(self) -> list[dict[str, str | None]]:
        given = [{"leaseId": host.lease_id, "nodeId": host.node_id} for host in self._hosts.values()]
        return [*given, *({"leaseId": lease_id, "nodeId": None} for lease_id in self._requested)]

    def disconnected(self, process_id: str) -> None:
        for host in list(self._hosts.values()):
            if host.address.startswith(f"{process_id}|"):
                self.lost(host.lease_id, "it could not be reached any more")
                self._tasks.head.tell("dropLease", host.lease_id)

    def fail_all(self, error: Exception) -> None:
        for call in list(self._all):
            call.fail(error)
        for host in list(self._hosts.values()):
            self._give_back(host)

    def _enqueue(self, call: PendingCall) -> None:
        if not call.done:
            self._waiting.append(call)
            self._pump()

    def _pump(self) -> None:
        free = [host for host in self._hosts.values() if host.is_free]
        while self._waiting and free:
            call = self._waiting.popleft()
            if call.done:
                continue
            host = free.pop()
            if host.timer:
                host.timer.cancel()
            host.call = call
            call.send(self._tasks.peer(host.address), host.lease_id, self._tasks.objects)
        while len(self._requested) < min(len(self._waiting), _MAX_REQUESTS):
            self._lease()
        if not self._waiting:
            for lease_id in self._requested:
                self._tasks.head.tell("dropLease", lease_id)
            self._requested.clear()

    def _lease(self) -> None:
        lease_id = new_id()
        self._requested.add(lease_id)
        request = {"leaseId": lease_id, **self._tasks.scope, **self._kind, "language": "python"}

        def granted(future: asyncio.Future[Any]) -> None:
            error = future.exception()
            if lease_id not in self._requested:
                if error is None:
                    self._tasks.head.tell("dropLease", lease_id)
                return
            self._requested.discard(lease_id)
            if error is not None:
                self._refused(error)
                return
            host = self._hosts[lease_id] = _LeasedHost(lease_id, future.result())
            self._pump()
            self._rest(host)

        self._tasks.head.ask("lease", request).add_done_callback(granted)

    def _refused(self, error: BaseException) -> None:
        if isinstance(error, TaskCancelledError):
            return
        known = error if isinstance(error, RayError) else WorkerCrashedError(str(error))
        while self._waiting:
            self._waiting.popleft().fail(known)

    def _leave(self, call: PendingCall) -> None:
        for host in self._hosts.values():
            if host.call is call:
                host.call = None
                host.cancelled = call.call_id if call.cancelled else None
                self._rest(host)
                return

    def _rest(self, host: _LeasedHost) -> None:
        if host.is_free:
            if host.timer:
                host.timer.cancel()
            host.timer = asyncio.get_running_loop().call_later(_IDLE_S, self._give_back, host)

    def _give_back(self, host: _LeasedHost) -> None:
        if host.is_free and self._hosts.pop(host.lease_id, None):
            self._tasks.head.tell("dropLease", host.lease_id)
