"""Ray's vocabulary for Python: `init, remote, get, put, wait, kill, get_actor, shutdown`, over the cluster's own
protocol.
"""

from __future__ import annotations

import inspect
import os
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .actor_handles import ActorHandle, ActorHandles
from .beside_node import join_node
from .call_context import current_context
from .cluster_process import ClusterProcess, ProcessOptions
from .cluster_runtime import ClusterRuntime
from .errors import AsyncioActorExit, InvalidOptionError, RaySystemError
from .head_link import HeadLink
from .ids import new_id
from .io_loop import IoLoop
from .modules import Code
from .object_ref import ObjectRef, wait_settled
from .options import ACTOR_OPTIONS, TASK_OPTIONS, check_known
from .runtime_env import Env, compile_runtime_env
from .tls import Tls

TOKEN_VARIABLE = "ASTUNE_AUTH_TOKEN"
ADDRESS_VARIABLE = "ASTUNE_ADDRESS"

_lock = threading.RLock()
_current: ClusterRuntime | None = None
_make: Callable[[], ClusterRuntime] | None = None
_loop: IoLoop | None = None


def adopt_runtime(make: Callable[[], ClusterRuntime]) -> None:
    """Gives this process, a host of the cluster, the runtime that its code uses; `make` makes it when first called."""
    global _make
    _make = make


def runtime() -> ClusterRuntime:
    """The runtime. Raises RaySystemError before `init`."""
    if _make is not None:
        return _make()
    current = _current
    if current is None:
        raise RaySystemError("the runtime is not started: call init(address=…) first")
    return current


def init(
    address: str | None = None,
    token: str | None = None,
    namespace: str | None = None,
    connect_timeout_s: float = 30.0,
    tls: tuple[str, str, str] | None = None,
    runtime_env: dict[str, Any] | None = None,
) -> None:
    """Connects to a head as a driver; `address` is `host:port`, else `ASTUNE_ADDRESS`, the token `ASTUNE_AUTH_TOKEN`.

    `tls`: the files of certificate, key and authority, where the cluster has them. `runtime_env`: what all actors and
    tasks have around them; what their own options say is added to it.

    Raises AuthenticationError, or RaySystemError where no head answers in time.
    """
    global _current, _loop
    address = address or os.environ.get(ADDRESS_VARIABLE)
    if not address:
        raise InvalidOptionError("address: expected host:port of the head", option="address")
    token = token or os.environ.get(TOKEN_VARIABLE, "")
    env = compile_runtime_env(runtime_env)
    with _lock:
        if is_initialized():
            raise RaySystemError("init() was called already; call shutdown() first")
        io = _loop = IoLoop()
        try:
            connecting = _connect(io, address, token, namespace or f"anonymous-{os.getpid()}", tls, env)
            _current = io.run(connecting, timeout=connect_timeout_s)
        except TimeoutError:
            io.stop()
            text = f"no head answers at {address} within {connect_timeout_s:g} s: is astune-head running there?"
            raise RaySystemError(text) from None
        except BaseException:
            io.stop()
            raise


async def _connect(
    io: IoLoop, address: str, token: str, namespace: str, tls: tuple[str, str, str] | None, env: Env
) -> ClusterRuntime:
    files = Tls(*tls) if tls else None
    options = ProcessOptions(new_id(), token, "", None, _interface_to(address), files)
    process = ClusterProcess(options, io, ActorHandles(io))
    await process.listen()
    job_id = new_id()
    registration = {
        "kind": "driver",
        "jobId": job_id,
        "namespace": namespace,
        "address": process.address,
        "pid": os.getpid(),
        "hostname": socket.gethostname(),
        "entrypoint": " ".join(sys.argv),
        "actorId": None,
        "logToDriver": False,
    }
    head = HeadLink(process, address, registration)
    welcome = await head.register()
    await join_node(process, welcome["nodes"])
    return ClusterRuntime(process, head, job_id, namespace, runtime_env=env)


def _interface_to(address: str) -> str:
    """The address of this machine's interface towards the head. Connecting a datagram socket sends nothing."""
    host, _, port = address.rpartition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((host, int(port)))
            return probe.getsockname()[0]
        except (OSError, ValueError):
            return "127.0.0.1"


def shutdown() -> None:
    """Leaves the cluster; this driver's actors end. May be called at any time, and twice."""
    global _current, _loop
    with _lock:
        ending, _current = _current, None
        io, _loop = _loop, None
    if ending is not None:
        ending.close()
    if io is not None:
        io.stop()


def is_initialized() -> bool:
    """Whether there is a runtime."""
    return _current is not None or _make is not None


class RemoteClass:
    """A class made remote: `.options(…)`, `.remote(…)`."""

    def __init__(self, cls: type, options: dict[str, Any]) -> None:
        check_known(options, ACTOR_OPTIONS)
        self._class = cls
        self._options = options

    def options(self, **options: Any) -> RemoteClass:
        """The same class with other options; those not given stay."""
        return RemoteClass(self._class, {**self._options, **options})

    def remote(self, *args: Any, **kwargs: Any) -> ActorHandle:
        """Makes an actor of the class; its handle is there at once, the actor later."""
        return runtime().create_actor(self._class, self._options, args, kwargs)


class RemoteFunction:
    """A function made remote: `.options(…)`, `.remote(…)`."""

    def __init__(self, code: Code, options: dict[str, Any]) -> None:
        check_known(options, TASK_OPTIONS)
        self._code = code
        self._options = options

    def options(self, **options: Any) -> RemoteFunction:
        """The same function with other options; those not given stay."""
        return RemoteFunction(self._code, {**self._options, **options})

    def remote(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the function somewhere and gives references to its results at once."""
        return runtime().submit_task(self._code, self._options, args, kwargs)


def remote(target: Any) -> Any:
    """Makes a class's instances actors, or a function's runs tasks: `counter = remote(Counter).remote(0)`.

    It is imported by its module and name where it runs. Not for use as a decorator: the module's name
    must go on to mean the class itself.
    """
    if inspect.isclass(target):
        return RemoteClass(target, {})
    if callable(target):
        return RemoteFunction(target, {})
    raise InvalidOptionError(f"remote: expected a class or a function, got {target!r}", option="remote")


def get(refs: ObjectRef | Sequence[ObjectRef], timeout: float | None = None) -> Any:
    """The value of a reference, or of several in their order. Raises the call's error, or GetTimeoutError."""
    if isinstance(refs, ObjectRef):
        return refs.result(timeout)
    if not all(isinstance(ref, ObjectRef) for ref in refs):
        raise InvalidOptionError("get: expected ObjectRefs", option="get")
    wait_settled([ref.entry for ref in refs], len(refs), timeout, f"not all of {len(refs)} values") if refs else None
    return [ref.entry.read() for ref in refs]


def put(value: Any) -> ObjectRef:
    """Stores a value and gives a reference to it."""
    if isinstance(value, ObjectRef):
        raise InvalidOptionError("put: a reference is one already; put it in a list to store it", option="put")
    return runtime().put(value)


def wait(
    refs: Sequence[ObjectRef], num_returns: int = 1, timeout: float | None = None
) -> tuple[list[ObjectRef], list[ObjectRef]]:
    """Waits until `num_returns` are ready, or `timeout` seconds. Gives the ready ones, at most so many, and the
    others.
    """
    if len(set(refs)) != len(refs):
        raise InvalidOptionError("wait: expected references that are all different", option="wait")
    if not 1 <= num_returns <= max(1, len(refs)):
        text = f"num_returns: expected a whole number from 1 to the {len(refs)} references, got {num_returns}"
        raise InvalidOptionError(text, option="num_returns")
    if refs:
        wait_settled([ref.entry for ref in refs], num_returns, timeout, None)
    ready = [ref for ref in refs if ref.entry.settled][:num_returns]
    return ready, [ref for ref in refs if ref not in ready]


def cancel(ref: ObjectRef, *, force: bool = False, recursive: bool = True) -> None:
    """Cancels a call. Queued, it never runs; running asynchronous code is cancelled. Its references fail at once.

    `force` ends the process that runs a task; raises InvalidOptionError for an actor's method. `recursive`: also what
    the call has called.
    """
    if not isinstance(ref, ObjectRef):
        raise InvalidOptionError(f"cancel: expected an ObjectRef, got {ref!r}", option="cancel")
    if not ref.entry.settled and ref.entry.cancel:
        ref.entry.cancel(force, recursive)


def get_actor(name: str, namespace: str | None = None) -> ActorHandle:
    """The live actor of this name. Raises ActorHandleNotFoundError."""
    return runtime().get_actor(name, namespace)


def kill(actor: ActorHandle, no_restart: bool = True) -> None:
    """Ends an actor at once, without letting it clean up. Without `no_restart` it is made again if it may be."""
    if not isinstance(actor, ActorHandle):
        raise InvalidOptionError(f"kill: expected an actor handle, got {actor!r}", option="kill")
    runtime().kill(actor, no_restart)


def exit_actor() -> None:
    """Leaves the running method and ends its actor, which is not restarted. Raises, so nothing after it runs."""
    context = current_context()
    if context is None or context.host.exit is None:
        raise RaySystemError("exit_actor() is only for code of an actor")
    context.host.exit()
    raise AsyncioActorExit("exit_actor() was called")


@dataclass(frozen=True)
class RuntimeContext:
    """Facts about the running call; in a driver there is no actor and no task."""

    namespace: str
    job_id: str
    node_id: str | None
    task_id: str | None
    actor_id: str | None
    actor_name: str | None
    was_current_actor_reconstructed: bool
    gpu_ids: tuple[str, ...]
    assigned_resources: dict[str, float]


def get_runtime_context() -> RuntimeContext:
    """What the running code can ask about itself and its place."""
    context, current = current_context(), runtime()
    if context is None:
        return RuntimeContext(current.namespace, current.job_id, None, None, None, None, False, (), {})
    host = context.host
    return RuntimeContext(
        host.namespace,
        current.job_id,
        host.node_id,
        context.task_id,
        host.actor_id,
        host.actor_name,
        host.restarts > 0,
        host.gpu_ids,
        host.resources,
    )
