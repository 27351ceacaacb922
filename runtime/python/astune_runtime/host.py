"""A host process from its start to its end: introduces itself to its node agent, is given one actor or tasks to
run, and
ends when the agent does. See `runtime/host/serve.ts`.
"""

from __future__ import annotations

import asyncio
import atexit
import gc
import os
import socket
import sys
import threading
import traceback
from typing import Any

from . import api
from .actor_handles import ActorHandles
from .actor_host import ActorHost, ActorHostOptions
from .actor_info import ActorInfo
from .call_context import HostFacts
from .cluster_process import ClusterProcess, ProcessOptions
from .cluster_runtime import ClusterRuntime
from .errors import RayError, RuntimeEnvSetupError
from .failures import encode_failure
from .head_link import HeadLink
from .ids import new_id
from .io_loop import IoLoop
from .modules import code_of, search_first
from .packed import decode_packed
from .peer import Peer, PeerHandlers
from .running_call import UserLoop
from .runtime_env import Env, inherited
from .task_host import TaskHost
from .task_log import TaskLog
from .tls import Tls

_GRACE_S = 30.0
"""An actor that ends has this long for what it is doing; Ray's own figure."""


class HostProcess:
    """The process's one host."""

    def __init__(self, settings: dict[str, Any], token: str) -> None:
        self._settings = settings
        self._token = token
        self._io = IoLoop()
        self._user = UserLoop()
        self._handles = ActorHandles(self._io, api.runtime)
        self._agent: Peer | None = None
        self._actor: ActorHost | None = None
        self._tasks: TaskHost | None = None
        self._head: HeadLink | None = None
        self._work: tuple[str, str, str | None, Env] | None = None
        self._log = TaskLog(self._io, lambda batch: self._agent.tell("taskEvents", batch) if self._agent else None)

    def serve(self) -> None:
        """Serves until the node agent ends this process. In the main thread."""
        threading.Thread(target=_end_with_agent, name="astune-agent", daemon=True).start()
        self._io.run(self._begin())
        asyncio.set_event_loop(self._user.loop)
        self._user.loop.run_forever()

    async def _begin(self) -> None:
        settings = self._settings
        folder, ip, node_id = settings["sessionFolder"], settings["ip"], settings["nodeId"]
        files = settings.get("tls")
        tls = Tls(files["cert"], files["key"], files["ca"]) if files else None
        options = ProcessOptions(new_id(), self._token, node_id, folder, ip, tls)
        self._process = ClusterProcess(options, self._io, self._handles, api.runtime)
        await self._process.listen()
        handlers = PeerHandlers(request=self._request, ended=lambda _peer, _error: os._exit(0))
        self._agent = self._process.connect(f"unix:{settings['agentSocket']}", handlers, node_id)
        home = await self._agent.ask("register", {"hostId": settings["hostId"], "address": self._process.address})
        self._process.store.open(self._agent, home)

    def _request(self, method: str, payload: Any, _peer: Peer) -> Any:
        if method == "startActor":
            return self._start_actor(payload)
        if method == "startLease":
            return self._start_lease(payload)
        if method == "tasks":
            return self._log.take()
        if method == "letGo":
            gc.collect()
            return None
        if method == "retire":
            return self._retire()
        if method == "endLease":
            return self._tasks is not None and self._tasks.end()
        raise ValueError(f'a host does not know the question "{method}"')

    async def _start_actor(self, start: dict[str, Any]) -> dict[str, Any]:
        info = ActorInfo.of(start["info"])
        self._adopt(start, info.data["namespace"], start["actorId"])
        args = tuple(decode_packed(arg, self._process.objects) for arg in start["args"])

        async def make() -> dict[str, Any]:
            try:
                enter_environment(start)
                cls = code_of(start["code"])
                host = ActorHost(
                    ActorHostOptions(
                        cls,  # type: ignore[arg-type]
                        info,
                        start["maxConcurrency"],
                        self._facts(start, info),
                        self._process.calls,
                        self._io,
                        self._user,
                        self._leave,
                        self._log.observe("ACTOR_TASK", start["jobId"], start["actorId"]),
                        self._log.observe("ACTOR_CREATION_TASK", start["jobId"], start["actorId"]),
                    )
                )
                host.check_methods()
            except Exception as error:  # noqa: BLE001 it goes back to who asked
                known = (
                    error if isinstance(error, RayError) else RuntimeEnvSetupError(f"{type(error).__name__}: {error}")
                )
                return {"failed": {"reason": "RUNTIME_ENV", "message": str(known), "failure": encode_failure(known)}}
            try:
                host.construct(args)
            except BaseException as error:  # noqa: BLE001 whatever the constructor raises is the creator's
                traceback.print_exc()
                message = f"its constructor failed: {error}"
                failure = encode_failure(error)
                return {"failed": {"reason": "CREATION_FAILED", "message": message, "failure": failure}}
            self._actor = host
            return {"address": self._process.address, "pid": os.getpid()}

        answer = await self._in_user_loop(make())
        if self._actor is not None:
            self._process.calls.hosts[start["hostId"]] = self._actor
        return answer

    async def _start_lease(self, start: dict[str, Any]) -> dict[str, Any]:
        self._adopt(start, start["namespace"], None)
        try:
            enter_environment(start)
        except RayError as error:
            return {"failed": {"reason": "RUNTIME_ENV", "message": str(error), "failure": encode_failure(error)}}
        facts = HostFacts(
            self._settings["nodeId"],
            start["namespace"],
            gpu_ids=tuple(start["gpuIds"]),
            resources=start["resources"],
            placement_group_id=start["placementGroupId"],
        )
        tell = self._agent.tell if self._agent else lambda _topic, _payload: None
        observer = self._log.observe("NORMAL_TASK", start["jobId"], None)
        self._tasks = TaskHost(start["leaseId"], facts, self._process.calls, self._io, self._user, tell, observer)
        self._process.calls.hosts[start["leaseId"]] = self._tasks
        return {"address": self._process.address, "pid": os.getpid()}

    async def _retire(self) -> None:
        """Lets what runs finish and the instance end itself."""
        if self._actor is None:
            return
        try:
            await asyncio.wait_for(self._in_user_loop(self._actor.drain()), _GRACE_S)
        except Exception:  # noqa: BLE001 it is ended all the same
            traceback.print_exc()

    def _leave(self) -> None:
        """The actor ends of its own will."""

        async def leave() -> None:
            if self._agent:
                self._agent.tell("exiting", None)
            await self._retire()
            # The last answers, and word of the exit, go out before the process ends.
            await self._process.drained()
            if self._agent:
                await self._agent.session.drained()
            await asyncio.sleep(0.05)
            atexit._run_exitfuncs()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(0)

        self._io.post(lambda: asyncio.ensure_future(leave()))

    def _in_user_loop(self, coroutine: Any) -> Any:
        return asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, self._user.loop))

    def _facts(self, start: dict[str, Any], info: ActorInfo) -> HostFacts:
        return HostFacts(
            self._settings["nodeId"],
            info.data["namespace"],
            start["actorId"],
            info.name,
            start["restarts"],
            tuple(start["gpuIds"]),
            start["resources"],
            start["placementGroupId"],
            exit=lambda: self._actor.exit() if self._actor else None,
        )

    def _adopt(self, start: dict[str, Any], namespace: str, actor_id: str | None) -> None:
        """The runtime of the code inside this host: it connects to the head when it is first used."""
        job_id, env = start["jobId"], start["runtimeEnv"]
        if self._work == (job_id, namespace, actor_id, env):
            return
        self._work = (job_id, namespace, actor_id, env)
        made: list[ClusterRuntime] = []

        def connect() -> ClusterRuntime:
            if not made:
                made.append(self._connect(job_id, namespace, actor_id, env))
            return made[0]

        async def connected() -> ClusterRuntime:
            return connect()

        # Always on the runtime's loop, so that it is made once.
        api.adopt_runtime(lambda: connect() if self._io.is_here else self._io.run(connected()))

    def _connect(self, job_id: str, namespace: str, actor_id: str | None, env: Env) -> ClusterRuntime:
        registration = {
            "kind": "host",
            "jobId": job_id,
            "namespace": namespace,
            "address": self._process.address,
            "pid": os.getpid(),
            "hostname": socket.gethostname(),
            "entrypoint": "",
            "actorId": actor_id,
            "logToDriver": False,
        }
        # A host that works for one job after another keeps its connection.
        if self._head is None:
            self._head = HeadLink(self._process, self._settings["headAddress"], registration)
        head = self._head

        def registered(future: asyncio.Future[Any]) -> None:
            if error := future.exception():
                traceback.print_exception(error)

        head.introduce(registration).add_done_callback(registered)
        return ClusterRuntime(self._process, head, job_id, namespace, _end_without_head, inherited(env))


def _end_without_head(error: Exception) -> None:
    """What this process had made is gone: its actor is made again where it may be."""
    print(f"the head is lost to this process: {error}", file=sys.stderr, flush=True)
    os._exit(1)


def enter_environment(start: dict[str, Any]) -> None:
    """Sets this process up: variables, GPUs, folder. Raises RuntimeEnvSetupError where the folder cannot be entered."""
    env, gpu_ids = start["runtimeEnv"], start["gpuIds"]
    os.environ.update(env.get("envVars") or {})
    # Without GPUs the variable stays as it is, unless RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO asks for none, as in Ray.
    is_set = bool(gpu_ids) or os.environ.get("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO") == "1"
    if is_set and os.environ.get("RAY_EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES") != "1":
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(gpu_ids)
    sent = (start.get("prepared") or {}).get("workingDir")
    folder = sent or env.get("workingDir")
    if folder is None:
        return
    try:
        os.chdir(folder)
    except OSError as error:
        raise RuntimeEnvSetupError(f"workingDir: {folder} cannot be entered on this node") from error
    if sent:
        search_first(sent)
    else:
        sys.path.insert(0, folder)


def _end_with_agent() -> None:
    """Nobody writes to standard input: its end tells that the agent is gone."""
    while os.read(0, 4096):
        pass
    os._exit(0)
