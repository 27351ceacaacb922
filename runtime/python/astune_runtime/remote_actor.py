"""An actor of the cluster as this process sees it: the calls it makes on it, and what the head tells of its life."""

from __future__ import annotations

import collections
from typing import Any, Protocol

from .actor_info import ActorInfo
from .errors import (
    ActorDiedError,
    ActorPlacementGroupRemoved,
    ActorUnavailableError,
    ActorUnschedulableError,
    PendingCallsLimitExceeded,
)
from .failures import decode_failure
from .packed import Companions
from .peer import Peer
from .pending_call import PendingCall


class ActorServices(Protocol):
    """What an actor needs from its process."""

    objects: Companions
    callers: dict[int, PendingCall]

    def peer(self, address: str) -> Peer: ...

    def holding(self, actor_id: str, holding: bool) -> None:
        """The first handle is here, or the last one is gone."""


class RemoteActor:
    """Used on the runtime's loop."""

    force_end = None

    def __init__(self, actor_id: str, info: ActorInfo, services: ActorServices) -> None:
        self.actor_id = actor_id
        self.info = info
        self.address = ""
        self._services = services
        self._state = "PENDING_CREATION"
        self._host_id: str | None = None
        self._death: Exception | None = None
        self._handles = 0
        self._is_held = False
        self._unanswered: set[PendingCall] = set()
        self._sent: dict[PendingCall, None] = {}
        self._held: list[PendingCall] = []
        self._outboxes: dict[tuple[str, str], collections.deque[list[Any]]] = {}

    def submit(self, call: PendingCall) -> None:
        limit = self.info.data["maxPendingCalls"]
        if self._death is not None:
            call.fail(self._death)
        elif limit != -1 and len(self._unanswered) >= limit:
            text = f"{self.info.class_name} has {limit} unanswered calls (max_pending_calls)"
            call.fail(PendingCallsLimitExceeded(text, limit=limit))
        elif not self.info.data["ordered"]:
            self._unanswered.add(call)
            call.when_ready(lambda error: call.fail(error) if error else self._dispatch(call))
        else:
            self._unanswered.add(call)
            self._in_order(call)

    def register(self, call: PendingCall) -> None:
        self._services.callers[call.call_id] = call

    def unregister(self, call: PendingCall) -> None:
        self._services.callers.pop(call.call_id, None)

    def retry(self, call: PendingCall) -> None:
        self._sent.pop(call, None)
        self._dispatch(call)

    def finished(self, call: PendingCall) -> None:
        self._unanswered.discard(call)
        self._sent.pop(call, None)
        self._let_go_if_idle()

    def retain(self) -> None:
        """One more handle."""
        self._handles += 1
        if not self._is_held:
            self._is_held = True
            self._services.holding(self.actor_id, True)

    def release(self) -> None:
        """One handle less."""
        self._handles -= 1
        self._let_go_if_idle()

    def become(self, actor_id: str, info: ActorInfo) -> None:
        """The handle turns out to be for an actor that exists already (`get_if_exists`)."""
        self.actor_id = actor_id
        self.info = info

    def news(self, news: dict[str, Any]) -> None:
        """The head tells how the actor is."""
        if self._state == "DEAD":
            return
        self._state = news["state"]
        if self._state == "ALIVE":
            self.address = news["address"]
            self._host_id = news["hostId"]
            held, self._held = self._held, []
            for call in held:
                self._dispatch(call)
        elif self._state == "RESTARTING":
            self._restarting()
        elif self._state == "DEAD":
            self.dead(self._error_of(news.get("death")))

    def disconnected(self) -> None:
        """Its process has forgotten the calls that were made on it."""
        if self._state == "ALIVE":
            self._restarting(wait=False)

    def dead(self, error: Exception) -> None:
        """The actor is dead, or was never made: everything fails, now and later."""
        self._state = "DEAD"
        self._death = error
        for call in list(self._unanswered):
            call.fail(error)
        self._held.clear()
        self._outboxes.clear()

    def _in_order(self, call: PendingCall) -> None:
        key = (call.submitter, call.facts.lane)
        outbox = self._outboxes.setdefault(key, collections.deque())
        item = [call, False]
        outbox.append(item)

        def ready(error: Exception | None) -> None:
            item[1] = True
            if error:
                call.fail(error)
            while outbox and outbox[0][1]:
                first = outbox.popleft()[0]
                if not first.done:
                    self._dispatch(first)
            if not outbox:
                self._outboxes.pop(key, None)

        call.when_ready(ready)

    def _dispatch(self, call: PendingCall) -> None:
        if call.done:
            return
        if self._host_id is None:
            self._held.append(call)
            return
        self._sent[call] = None
        call.send(self._services.peer(self.address), self._host_id, self._services.objects)

    def _restarting(self, wait: bool = True) -> None:
        if wait:
            self._host_id = None
        again = []
        for call in list(self._sent):
            self._sent.pop(call, None)
            if call.use_retry():
                call.detach()
                again.append(call)
            else:
                text = f"{self.info.label} is restarting; the call may or may not have run"
                call.fail(ActorUnavailableError(text, **self._facts()))
        if wait:
            self._held = [*again, *self._held]
        else:
            for call in again:
                self._dispatch(call)

    def _let_go_if_idle(self) -> None:
        if self._is_held and self._handles == 0 and not self._unanswered:
            self._is_held = False
            self._services.holding(self.actor_id, False)

    def _facts(self) -> dict[str, Any]:
        return {"actorId": self.actor_id, "className": self.info.class_name, "actorName": self.info.name}

    def _error_of(self, death: dict[str, Any] | None) -> Exception:
        death = death or {"reason": "EXITED", "message": "it has ended"}
        cause = decode_failure(death["failure"]) if death.get("failure") else None
        reason, message = death["reason"], death["message"]
        if reason == "RUNTIME_ENV" and cause is not None:
            return cause
        if reason == "UNSCHEDULABLE":
            reasons = death.get("reasons") or []
            text = f"{self.info.label} can never be placed: {'; '.join(reasons)}"
            return ActorUnschedulableError(text, reasons=reasons, **self._facts())
        error_class = ActorPlacementGroupRemoved if reason == "PLACEMENT_GROUP_REMOVED" else ActorDiedError
        error = error_class(f"{self.info.label} is dead: {message}", **self._facts())
        error.__cause__ = cause
        return error
