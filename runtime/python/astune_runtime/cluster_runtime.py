"""The runtime of a process of the cluster: what the API asks, through the head where something is placed, named or
watched, and straight to the other process where something is called.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

from .actor_handles import ActorHandle, bind
from .actor_info import ActorInfo, has_async, kind_of, methods_of
from .call_context import current_context
from .cluster_process import ClusterProcess
from .errors import ActorDiedError, RaySystemError
from .failures import encode_failure
from .head_link import HeadLink
from .ids import new_id
from .modules import Code, reference_of
from .object_ref import ObjectEntry, ObjectRef
from .options import TASK_OPTIONS, check_known, compile_actor, compile_request, whole
from .packed import encode_packed, pack
from .pending_call import CallFacts, PendingCall, pack_arguments
from .placement_groups import PlacementGroup, RemoteGroups, compile_group
from .remote_actor import RemoteActor
from .remote_tasks import RemoteTasks
from .runtime_env import Env, JobEnvironment, compile_runtime_env


class _ConstructorCall:
    """The arguments of a constructor, waited for like those of a call."""

    force_end = None

    def register(self, call: PendingCall) -> None: ...

    def unregister(self, call: PendingCall) -> None: ...

    def retry(self, call: PendingCall) -> None: ...

    def finished(self, call: PendingCall) -> None: ...


class ClusterRuntime:
    """Its public methods may be called in any thread but the runtime's own."""

    def __init__(
        self,
        process: ClusterProcess,
        head: HeadLink,
        job_id: str,
        namespace: str,
        lost: Callable[[Exception], None] | None = None,
        runtime_env: Env | None = None,
    ) -> None:
        self.job_id = job_id
        self.namespace = namespace
        self.callers = process.callers
        self.objects = process.objects
        self.peer = process.peer
        self._process = process
        self._head = head
        self._io = process.io
        self._closed = False
        self._environment = JobEnvironment(runtime_env or {}, self._put_package)
        scope = {"jobId": job_id, "namespace": namespace}
        self._tasks = RemoteTasks(head, scope, process.callers, process.peer, process.objects)
        self._groups = RemoteGroups(head, process.io)
        process.handles.open(self)
        process.on_lost = self._disconnected
        head.on_event = self._head_event
        process.on_event = self._peer_event
        head.on_again = self._again
        head.objects = process.objects.facts
        process.objects.is_gone = self._is_gone
        head.on_lost = self._head_lost
        self._lost = lost

    def holding(self, actor_id: str, holding: bool) -> None:
        if holding:
            self._head.tell("hold", actor_id)
        else:
            self._process.handles.forget(actor_id)
            self._head.ask("letGo", actor_id).add_done_callback(lambda future: future.exception())

    def create_actor(
        self, cls: type, options: dict[str, Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> ActorHandle:
        """Gives a handle at once; what goes wrong later shows in the calls made on it."""
        self._check_open()
        compiled = compile_actor(cls.__name__, methods_of(cls), has_async(cls), options)
        compiled["runtimeEnv"] = self._environment.of(compiled["runtimeEnv"])
        compiled["info"]["namespace"] = compiled["info"]["namespace"] or self.namespace
        name = f"{cls.__name__}.__init__"
        packed = pack_arguments(bind(cls, "__init__", args, kwargs), name)
        arguments = PendingCall(CallFacts(name, "", "", packed, 1, False), _ConstructorCall(), self._io.post)
        context = current_context()
        actor_id = new_id()
        creation = {
            "actorId": actor_id,
            "jobId": self.job_id,
            "code": reference_of(cls),
            **compiled,
            "callSite": "",
            "owner": self._process.options.process_id,
            "ownerActorId": context.host.actor_id if context else None,
            "args": None,
        }
        actor = RemoteActor(actor_id, ActorInfo.of(compiled["info"]), self)
        self._io.post(self._create, actor, creation, arguments)
        return ActorHandle(actor, self._io, cls)

    def submit_task(self, code: Code, options: dict[str, Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Gives an ObjectRef, several, or an ObjectRefGenerator."""
        self._check_open()
        check_known(options, TASK_OPTIONS)
        name = options.get("name") or code.__name__
        if kwargs:
            raise TypeError(f"{name}: a task takes its arguments by position")
        returns = options.get("num_returns")
        streaming = returns == "streaming" or (kind_of(code) == "generator" and returns is None)
        facts = CallFacts(
            name,
            f"python:{json.dumps(reference_of(code))}",
            "",
            pack_arguments(args, name),
            returns if isinstance(returns, int) else 1,
            streaming,
            retries=whole(options, "max_retries", 3, -1),
            retry_exceptions=options.get("retry_exceptions") is True,
        )
        env = self._environment.of(compile_runtime_env(options.get("runtime_env")))
        kind = {"name": name, "request": compile_request(options, 1), "runtimeEnv": env}
        kind["ownerActorId"] = context.host.actor_id if (context := current_context()) else None
        queue = self._tasks.queue(kind)
        call = PendingCall(facts, queue, self._io.post)
        result = call.result()
        self._io.post(queue.submit, call)
        return result

    def create_placement_group(
        self,
        bundles: list[dict[str, float]],
        strategy: str,
        name: str,
        lifetime: str | None,
        labels: Sequence[dict[str, str]] | None,
    ) -> PlacementGroup:
        """Gives the group at once; `ready` tells when its bundles are reserved."""
        self._check_open()
        group = PlacementGroup(new_id(), bundles, strategy, name)
        context = current_context()
        owner = {"ownerActorId": context.host.actor_id if context else None, "jobId": self.job_id}
        self._io.post(self._groups.create, group, {**compile_group(group, lifetime, labels), **owner})
        return group

    def remove_placement_group(self, group: PlacementGroup) -> None:
        """Gives its bundles back, once its actors have ended."""
        self.ask("removeGroup", group.id)
        self._io.post(self._groups.news, {"id": group.id, "state": "REMOVED", "reasons": []})

    def _put_package(self, part: dict[str, Any]) -> None:
        """What is made with it is told the head after it. One that is refused shows where a node asks for it."""
        self._io.post(lambda: self._head.ask("putPackage", part).add_done_callback(lambda done: done.exception()))

    def get_actor(self, name: str, namespace: str | None) -> ActorHandle:
        """The live actor of this name. Raises ActorHandleNotFoundError."""

        async def find() -> RemoteActor:
            found = await self._head.ask("getActor", {"name": name, "namespace": namespace or self.namespace})
            return self._process.handles.find(found["actorId"], found["info"])

        return ActorHandle(self._io.run(find()), self._io)

    def kill(self, handle: ActorHandle, no_restart: bool) -> None:
        """Ends an actor at once, without letting it clean up."""
        self.ask("killActor", {"actorId": handle._actor_id, "noRestart": no_restart})

    def put(self, value: Any) -> ObjectRef:
        """Stores a value and gives a reference to it."""
        self._check_open()
        entry = ObjectEntry()
        entry.fulfil(pack(value, "the value of put()"))
        return ObjectRef(entry)

    def ask(self, method: str, payload: Any) -> Any:
        """Asks the head, and waits for its answer."""

        async def asking() -> Any:
            return await self._head.ask(method, payload)

        return self._io.run(asking())

    def close(self) -> None:
        """Fails everything that is under way and leaves the head."""
        self._closed = True
        self._io.run(self._leave(), timeout=10)

    async def _leave(self) -> None:
        error = RaySystemError("the runtime was shut down")
        self._tasks.fail_all(error)
        self._groups.fail_all(error)
        for actor in self._process.handles.all():
            actor.dead(error)
        try:
            await asyncio.wait_for(self._head.ask("leave", None), 5)
        except Exception:  # noqa: BLE001 a head that is gone has nothing to be told
            pass
        self._head.peer.end(error)
        await self._process.close()

    def _create(self, actor: RemoteActor, creation: dict[str, Any], arguments: PendingCall) -> None:
        self._process.handles.add(actor)
        asked = False

        def encoded() -> list[Any]:
            return [encode_packed(value, self.objects) for value in arguments.packed_arguments()]

        def ready(error: Exception | None) -> None:
            if not asked:
                creation["args"] = None if error else encoded()
            if error:
                self._io.loop.call_soon(self._abandon, actor, error)
            elif asked:
                self._head.ask("placeActor", {"actorId": actor.actor_id, "args": encoded()}).add_done_callback(placed)

        def placed(future: asyncio.Future[Any]) -> None:
            if (error := future.exception()) is not None:
                actor.dead(error)  # type: ignore[arg-type]

        def created(future: asyncio.Future[Any]) -> None:
            if future.exception() is not None:
                actor.dead(future.exception())  # type: ignore[arg-type]
                return
            actor_id, info = future.result()["actorId"], future.result()["info"]
            if actor_id != creation["actorId"]:
                self._process.handles.forget(actor.actor_id)
                actor.become(actor_id, ActorInfo.of(info))
                self._process.handles.add(actor)
                self._head.tell("hold", actor_id)

        arguments.when_ready(ready)
        asked = True
        self._head.ask("createActor", creation).add_done_callback(created)

    def _abandon(self, actor: RemoteActor, error: Exception) -> None:
        """An argument of the constructor failed: the actor is never made."""
        message = f"an argument of its constructor failed: {error}"
        payload = {"actorId": actor.actor_id, "message": message, "failure": encode_failure(error)}
        died = ActorDiedError(message, actorId=actor.actor_id, className=actor.info.class_name)
        self._head.ask("abandonActor", payload).add_done_callback(
            lambda future: future.exception() and actor.dead(died)
        )

    def _disconnected(self, process_id: str) -> None:
        for actor in self._process.handles.all():
            if actor.address.startswith(f"{process_id}|"):
                actor.disconnected()
                # The head tells where it is now, which may be where it was.
                self._head.tell("hold", actor.actor_id)
        self._tasks.disconnected(process_id)

    def _head_event(self, topic: str, payload: Any) -> None:
        if topic == "group":
            self._groups.news(payload)
        elif topic == "actor":
            self._process.handles.news(payload)
        elif topic == "leaseLost":
            self._tasks.lease_lost(payload["leaseId"], payload["message"])
        elif topic == "processGone":
            self.objects.process_gone(payload)
            self._process.peers.gone(payload)

    def _peer_event(self, topic: str, payload: Any) -> None:
        if topic == "callEnded":
            self._tasks.ended(payload["hostId"], payload["callId"])

    async def _is_gone(self, process_id: str) -> bool:
        return await self._head.ask("isGone", process_id) is True

    def _again(self) -> None:
        for actor in self._process.handles.all():
            self._head.tell("hold", actor.actor_id)
        self._head.tell("leases", self._tasks.leases())

    def _head_lost(self, error: Exception) -> None:
        if self._closed:
            return
        self._closed = True
        self._tasks.fail_all(error)
        self._groups.fail_all(error)
        for actor in self._process.handles.all():
            actor.dead(error)
        if self._lost:
            self._lost(error)

    def _check_open(self) -> None:
        if self._closed:
            raise RaySystemError("the runtime was shut down")
