"""The errors that the runtime raises, under Ray's names, and how an error's class is found by its name."""

from __future__ import annotations

import builtins
from typing import Any


class RayError(Exception):
    """The root of the runtime's errors. `code` is stable; the message is not."""

    code = "RAY_ERROR"

    def __init__(self, message: str = "", **facts: Any) -> None:
        super().__init__(message)
        self.__dict__.update(facts)


class InvalidOptionError(RayError, ValueError):
    """An option, quantity or argument that the API does not accept."""

    code = "INVALID_OPTION"


class RayTaskError(RayError):
    """The called code raised. `cause` is the error as it was raised there, `traceback_text` where.

    What a caller gets is also an instance of the raised error's class.
    """

    code = "TASK_FAILED"
    cause: BaseException | None = None
    traceback_text: str = ""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class RayActorError(RayError):
    """A call could not be answered because of the state of its actor."""

    code = "ACTOR_ERROR"


class ActorDiedError(RayActorError):
    """The actor is dead and stays dead."""

    code = "ACTOR_DIED"


class ActorUnavailableError(RayActorError):
    """The actor is restarting; the call may or may not have run."""

    code = "ACTOR_UNAVAILABLE"


class ActorUnschedulableError(RayActorError):
    """The actor asks for what no node has."""

    code = "ACTOR_UNSCHEDULABLE"


class ActorPlacementGroupRemoved(RayActorError):
    """The placement group that the actor was placed in has been removed."""

    code = "ACTOR_PLACEMENT_GROUP_REMOVED"


class ActorAlreadyExistsError(RayActorError, ValueError):
    """Another live actor has this name in this namespace."""

    code = "ACTOR_ALREADY_EXISTS"


class ActorHandleNotFoundError(RayError, ValueError):
    """No live actor has this name in this namespace."""

    code = "ACTOR_NOT_FOUND"


class PendingCallsLimitExceeded(RayError):
    """The actor has `limit` calls waiting already."""

    code = "PENDING_CALLS_LIMIT_EXCEEDED"


class AsyncioActorExit(RayError):
    """What `exit_actor()` raises to leave the running method. Let it pass."""

    code = "ACTOR_EXIT"


class ObjectLostError(RayError):
    """The object's value is gone."""

    code = "OBJECT_LOST"


class OwnerDiedError(ObjectLostError):
    """The process that owned the object is gone."""

    code = "OWNER_DIED"


class ObjectStoreFullError(RayError):
    """The object store has no room for the object."""

    code = "OBJECT_STORE_FULL"


class GetTimeoutError(RayError, TimeoutError):
    """The value was not ready in time."""

    code = "GET_TIMEOUT"


class CrossLanguageError(RayError):
    """The value cannot be read by the other side's language."""

    code = "CROSS_LANGUAGE"


class TaskCancelledError(RayError):
    """The call was cancelled."""

    code = "TASK_CANCELLED"


class TaskUnschedulableError(RayError):
    """The task asks for what no node has."""

    code = "TASK_UNSCHEDULABLE"


class PlacementGroupUnschedulableError(RayError):
    """No node can ever have the group's bundles."""

    code = "PLACEMENT_GROUP_UNSCHEDULABLE"


class WorkerCrashedError(RayError):
    """The process that ran the task ended under it."""

    code = "WORKER_CRASHED"


class NodeDiedError(RayError):
    """The node that ran the task is gone."""

    code = "NODE_DIED"


class OutOfMemoryError(RayError):
    """The task was ended because its node ran out of memory."""

    code = "OUT_OF_MEMORY"


class RuntimeEnvSetupError(RayError):
    """The runtime environment, or the code itself, could not be had."""

    code = "RUNTIME_ENV_SETUP"


class AuthenticationError(RayError):
    """The token is missing or wrong."""

    code = "AUTHENTICATION"


class RaySystemError(RayError):
    """The runtime itself is not in a state to do this."""

    code = "RAY_SYSTEM"


class RemoteError(Exception):
    """An error of a class that this process does not know. `name` is its class's; its fields are attributes."""

    name = "Error"

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


_runtime = {name: value for name, value in globals().items() if isinstance(value, type) and issubclass(value, RayError)}
_builtin = {
    name: value for name, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, Exception)
}
_registered: dict[str, type[Exception]] = {}


def register_error_class(error_class: type[Exception]) -> None:
    """Makes errors of this class arrive as instances of it when they cross between processes. Found by its name."""
    _registered[error_class.__name__] = error_class


def error_class(name: str) -> type[Exception] | None:
    """The class to rebuild an error of this name with, if this process knows it."""
    return _registered.get(name) or _runtime.get(name) or _builtin.get(name)
