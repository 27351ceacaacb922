"""Handles to actors, and the actors that this process has handles of: one object for each, however many handles."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable
from typing import Any

from .actor_info import ActorInfo, method_options
from .errors import InvalidOptionError, RaySystemError
from .io_loop import IoLoop
from .packed import HandleBase
from .pending_call import CallFacts, PendingCall, pack_arguments
from .remote_actor import ActorServices, RemoteActor


class ActorMethod:
    """One method of a handle."""

    def __init__(self, handle: ActorHandle, name: str, options: dict[str, Any]) -> None:
        self._handle = handle
        self._name = name
        self._options = options

    def options(self, **options: Any) -> ActorMethod:
        """The same method with other options, for this call."""
        return ActorMethod(self._handle, self._name, {**self._options, **method_options(options)})

    def remote(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the method and gives references to its results at once."""
        return self._handle._submit(self._name, self._options, args, kwargs)


class ActorHandle(HandleBase):
    """A handle to an actor: `handle.method.remote(…)`. An actor that is not detached ends with its last handle."""

    def __init__(self, actor: RemoteActor, io: IoLoop, python_class: type | None = None) -> None:
        self._actor = actor
        self._io = io
        self._class = python_class
        io.post(actor.retain)
        weakref.finalize(self, io.post, actor.release).atexit = False

    def __getattr__(self, name: str) -> ActorMethod:
        if name not in self._actor.info.kinds:
            known = ", ".join(each for each in self._actor.info.kinds if not each.startswith("__"))
            raise AttributeError(f"{self._actor.info.class_name} has no method {name}; it has {known or 'none'}")
        return ActorMethod(self, name, {})

    def __repr__(self) -> str:
        return f"ActorHandle({self._actor.info.class_name})"

    @property
    def _actor_id(self) -> str:
        return self._actor.actor_id

    def _submit(self, name: str, given: dict[str, Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        info = self._actor.info
        kind, own = info.kinds[name]
        options = {**own, **given}
        function_name = f"{info.class_name}.{name}"
        group = options.get("concurrencyGroup", "")
        if group and group not in info.data["concurrencyGroups"]:
            raise InvalidOptionError(f'{function_name}: the actor has no concurrency group "{group}"', option=group)
        returns = options.get("numReturns")
        streaming = returns == "streaming" or (kind == "generator" and returns is None)
        retry = options.get("retryExceptions", info.data["retryExceptions"])
        facts = CallFacts(
            function_name,
            name,
            group,
            pack_arguments(bind(self._class, name, args, kwargs), function_name),
            returns if isinstance(returns, int) else 1,
            streaming,
            options.get("generatorBackpressureNumObjects", -1),
            options.get("maxTaskRetries", info.data["maxTaskRetries"]),
            retry is True,
        )
        call = PendingCall(facts, self._actor, self._io.post)
        result = call.result()
        self._io.post(self._actor.submit, call)
        return result


def bind(owner: type | None, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """Named arguments in their places, since only positions travel. Needs the Python class to be known here."""
    if not kwargs:
        return args
    if owner is None:
        raise TypeError(f"{name}: named arguments need a class of this process; give them by position")
    signature = inspect.signature(getattr(owner, name) if name != "__init__" else owner)
    bound = signature.bind(*(() if name == "__init__" else (None,)), *args, **kwargs)
    bound.apply_defaults()
    if bound.kwargs:
        raise TypeError(f"{name}: {', '.join(bound.kwargs)} can only be named, and only positions travel")
    return bound.args if name == "__init__" else bound.args[1:]


class ActorHandles:
    """Used on the runtime's loop, except `new_handle`."""

    def __init__(self, io: IoLoop, opener: Callable[[], None] | None = None) -> None:
        self._io = io
        self._actors: dict[str, list[RemoteActor]] = {}
        self._opener = opener
        self._services: ActorServices | None = None

    def open(self, services: ActorServices) -> None:
        self._services = services

    @property
    def services(self) -> ActorServices:
        if self._services is None and self._opener:
            self._opener()
        if self._services is None:
            raise RaySystemError("the runtime is not started")
        return self._services

    def add(self, actor: RemoteActor) -> None:
        """Two for one id where a name turned out to be that of an actor known already."""
        self._actors.setdefault(actor.actor_id, []).append(actor)

    def all(self) -> list[RemoteActor]:
        return [actor for actors in self._actors.values() for actor in actors]

    def find(self, actor_id: str, info: dict[str, Any]) -> RemoteActor:
        """The actor of this id. Its first handle makes the head tell of it."""
        known = self._actors.get(actor_id)
        if known:
            return known[0]
        actor = RemoteActor(actor_id, ActorInfo.of(info), self.services)
        self.add(actor)
        return actor

    def forget(self, actor_id: str) -> None:
        self._actors.pop(actor_id, None)

    def describe_actor(self, handle: HandleBase) -> tuple[str, Any]:
        actor = handle._actor  # type: ignore[attr-defined]
        return actor.actor_id, actor.info.data

    def actor(self, descriptor: list[Any]) -> HandleBase:
        return ActorHandle(self.find(descriptor[0], descriptor[1]), self._io)

    def news(self, news: dict[str, Any]) -> None:
        for actor in list(self._actors.get(news["actorId"], ())):
            actor.news(news)
