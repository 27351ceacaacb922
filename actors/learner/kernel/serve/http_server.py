"""HTTP over a Unix socket, in a thread of its own: the part of vLLM's routes that astune uses, with vLLM's shapes."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from itertools import count
from typing import Any

import torch
from aiohttp import web

from .completions import BadRequest, read_completion, write_completion
from .generation import Sequence
from .openapi import OPENAPI
from .scheduler import GenerationError, Scheduler

VERSION = "astune-embedded-1"


class EngineServer:
    """Serves a model of this process. `get_model` is asked before each pass, so that a reloaded model is seen."""

    def __init__(self, get_model, eos_token_ids, device, weights_lock, deterministic: bool = False, max_batch: int = 128):
        self._eos = frozenset(eos_token_ids)
        self._scheduler = Scheduler(get_model, device, weights_lock, deterministic, max_batch)
        self._loop = asyncio.new_event_loop()
        self._thread: threading.Thread | None = None
        self._stopping: asyncio.Event | None = None
        self._socket_path = ""
        self._ids = count()

    def start(self, socket_path: str) -> None:
        """Listens on `socket_path`, whose folder must be private. Returns when it listens; raises OSError when it cannot."""
        self._socket_path = str(socket_path)
        listening = threading.Event()
        failure: list[BaseException] = []

        def serve() -> None:
            asyncio.set_event_loop(self._loop)
            try:
                self._loop.run_until_complete(self._serve(listening))
            except BaseException as error:  # noqa: BLE001: handed to the caller of start
                failure.append(error)
                listening.set()
            finally:
                self._loop.close()

        self._thread = threading.Thread(target=serve, name="astune-engine-http", daemon=True)
        self._thread.start()
        listening.wait()
        if failure:
            raise failure[0]

    def set_weight_version(self, version: int) -> None:
        """See Scheduler.set_weight_version."""
        self._scheduler.set_weight_version(version)

    def close(self) -> None:
        """Ends generation and the server, and removes the socket. May be called twice."""
        self._scheduler.close()
        if self._thread is not None and self._thread.is_alive() and self._stopping is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(timeout=10)
        if self._socket_path and os.path.exists(self._socket_path):
            os.unlink(self._socket_path)

    async def _serve(self, listening: threading.Event) -> None:
        self._stopping = asyncio.Event()
        app = web.Application(middlewares=[_errors], client_max_size=64 << 20)
        get, post = app.router.add_get, app.router.add_post
        get("/health", self._health)
        get("/version", self._answer(lambda: {"version": VERSION}))
        get("/openapi.json", self._answer(lambda: OPENAPI))
        get("/v1/models", self._models)
        get("/load", self._load)
        get("/is_paused", self._answer(lambda: {"is_paused": self._scheduler.paused}))
        get("/is_sleeping", self._answer(lambda: {"is_sleeping": self._scheduler.sleeping}))
        get("/weight_info", self._answer(lambda: {"weight_version": str(self._scheduler.weight_version)}))
        post("/v1/completions", self._completions)
        post("/pause", self._pause)
        post("/resume", self._resume)
        post("/sleep", self._sleep)
        post("/wake_up", self._wake)
        post("/reset_prefix_cache", self._reset_prefix_cache)
        post("/update_weight_version", self._update_weight_version)
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
        await runner.setup()
        if os.path.exists(self._socket_path):
            os.unlink(self._socket_path)
        await web.UnixSite(runner, self._socket_path, backlog=1024).start()
        os.chmod(self._socket_path, 0o600)
        listening.set()
        await self._stopping.wait()
        await runner.cleanup()

    def _answer(self, body: Callable[[], dict[str, Any]]):
        async def answer(request: web.Request) -> web.Response:
            return web.json_response(body())

        return answer

    async def _health(self, request: web.Request) -> web.Response:
        return web.Response(status=200 if self._scheduler.alive else 503)

    async def _load(self, request: web.Request) -> web.Response:
        scheduler = self._scheduler
        return web.json_response(
            {"server_load": scheduler.running() + scheduler.waiting(), "generated_tokens": scheduler.generated_tokens}
        )

    async def _models(self, request: web.Request) -> web.Response:
        model = {"id": "model", "object": "model", "owned_by": "astune", "max_model_len": self._scheduler.limits.context_length}
        return web.json_response({"object": "list", "data": [model]})

    async def _completions(self, request: web.Request) -> web.Response:
        body = await _body(request)
        prompt, params = read_completion(body, self._eos, self._scheduler.limits)
        request_id = f"cmpl-{next(self._ids)}"
        sequence = Sequence(request_id, prompt, params, self._fallback_seed())
        done = self._loop.create_future()
        sequence.on_done = lambda error: self._loop.call_soon_threadsafe(_settle, done, error)
        self._scheduler.submit(sequence)
        try:
            await done
        except asyncio.CancelledError:
            self._scheduler.cancel(sequence)
            raise
        return web.json_response(write_completion(sequence, body))

    def _fallback_seed(self) -> int:
        return 0 if self._scheduler.deterministic else int(torch.randint(0, 2**31, (1,)).item())

    async def _pause(self, request: web.Request) -> web.Response:
        mode = request.query.get("mode", "abort")
        if mode not in ("keep", "wait", "abort"):
            raise BadRequest(f"mode: expected keep, wait or abort, got {mode!r}")
        clear = request.query.get("clear_cache", "true").lower() != "false"
        await asyncio.to_thread(self._scheduler.pause, mode, clear)
        return web.json_response({"status": "paused"})

    async def _resume(self, request: web.Request) -> web.Response:
        self._scheduler.resume()
        return web.json_response({"status": "resumed"})

    async def _sleep(self, request: web.Request) -> web.Response:
        await asyncio.to_thread(self._scheduler.sleep)
        return web.json_response({"status": "sleeping", "level": int(request.query.get("level", "1"))})

    async def _wake(self, request: web.Request) -> web.Response:
        self._scheduler.wake()
        return web.json_response({"status": "awake"})

    async def _reset_prefix_cache(self, request: web.Request) -> web.Response:
        self._scheduler.clear_prefixes()
        return web.json_response({"success": True})

    async def _update_weight_version(self, request: web.Request) -> web.Response:
        version = (await _body(request)).get("new_version")
        try:
            number = int(version)
        except (TypeError, ValueError):
            raise BadRequest(f"new_version: expected a whole number as text, got {version!r}") from None
        await asyncio.to_thread(self._scheduler.set_weight_version, number)
        return web.json_response({"weight_version": str(number)})


def _settle(done: asyncio.Future, error: Exception | None) -> None:
    if done.done():
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError as error:
        raise BadRequest(f"the body is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise BadRequest("the body is not a JSON object")
    return body


def _error(status: int, kind: str, message: str) -> web.Response:
    return web.json_response({"error": {"message": message, "type": kind, "param": None, "code": status}}, status=status)


@web.middleware
async def _errors(request: web.Request, handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except BadRequest as error:
        return _error(400, "BadRequestError", str(error))
    except GenerationError as error:
        kind = "ServiceUnavailableError" if error.status == 503 else "InternalServerError"
        return _error(error.status, kind, str(error))
    except web.HTTPException as error:
        return _error(error.status, "NotFoundError" if error.status == 404 else "BadRequestError", error.reason)
    except asyncio.CancelledError:
        raise
    except Exception as error:  # noqa: BLE001: a failing request must not end the engine
        return _error(500, "InternalServerError", f"{type(error).__name__}: {error}")
