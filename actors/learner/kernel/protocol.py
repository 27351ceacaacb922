"""JSON lines over stdio: requests in, replies and events out.

The protocol keeps a private duplicate of fd 1 and points fd 1 at stderr, so that no stray print can break a line.
Requests run one at a time on the main thread, in order; `hello` is answered at once by the thread that reads.
"""

from __future__ import annotations

import json
import math
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

from .errors import error_type

Handler = Callable[[dict[str, Any]], Any]
_GRACE_SECONDS = 5.0
_PROGRESS_SECONDS = 0.25


def _plain(value: Any) -> Any:
    """JSON has no NaN or infinity: they travel as null."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


class Channel:
    """The two ends of the protocol. `serve` returns when stdin closes or `shutdown` was answered."""

    def __init__(self) -> None:
        sys.stdout.flush()
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        self._lock = threading.Lock()
        self._requests: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._last_progress = 0.0
        self._done = threading.Event()

    def send(self, message: dict[str, Any]) -> None:
        """Writes one line. A reader that is gone ends the process: nobody is left to work for."""
        line = json.dumps(_plain(message), ensure_ascii=False, allow_nan=False)
        try:
            with self._lock:
                self._out.write(line + "\n")
                self._out.flush()
        except BrokenPipeError:
            os._exit(0)

    def progress(self, done: int, total: int) -> None:
        """Sends a progress event, at most a few a second; the last one always."""
        now = time.monotonic()
        if done >= total or now - self._last_progress >= _PROGRESS_SECONDS:
            self._last_progress = now
            self.send({"event": "progress", "done": done, "total": total})

    def log(self, text: str) -> None:
        self.send({"event": "log", "text": text})

    def serve(self, methods: dict[str, Handler], hello: Handler) -> None:
        """Answers requests until there are no more."""
        threading.Thread(target=self._read, args=(hello,), daemon=True).start()
        while (request := self._requests.get()) is not None:
            name = request.get("method")
            if name == "shutdown":
                self.send({"id": request.get("id"), "result": {}})
                break
            self._answer(request, methods.get(str(name)))
        self._done.set()

    def _answer(self, request: dict[str, Any], handler: Handler | None) -> None:
        number = request.get("id")
        try:
            if handler is None:
                raise KeyError(f"no method {request.get('method')!r}")
            result = handler(request.get("params") or {})
            reply = {"id": number, "result": {} if result is None else result}
        except Exception as error:
            trace = traceback.format_exc()
            print(trace, file=sys.stderr, flush=True)
            # The traceback's frames hold the tensors of the failed call.
            traceback.clear_frames(error.__traceback__)
            message = str(error) or type(error).__name__
            reply = {"id": number, "error": {"type": error_type(error), "message": message, "traceback": trace}}
        self.send(reply)

    def _read(self, hello: Handler) -> None:
        for line in sys.stdin:
            if not line.strip():
                continue
            try:
                request = json.loads(line)
            except ValueError as error:
                self.send({"id": None, "error": {"type": "BadRequest", "message": f"not JSON: {error}", "traceback": ""}})
                continue
            if request.get("method") == "hello":
                self._answer(request, hello)
            else:
                self._requests.put(request)
        self._requests.put(None)
        # The work under way may finish; it must not outlive the one who asked for it by much.
        if not self._done.wait(_GRACE_SECONDS):
            os._exit(0)
