"""What ran in this host, for those who look: every call is counted, some of each second are kept with their times. A few
times a second what is new goes to the node agent. See `runtime/host/task-log.ts`.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .io_loop import IoLoop

_INTERVAL_S = 0.25
_KEPT_PER_INTERVAL = 250
_RUNNING_KEPT = 10_000
_MESSAGE_LENGTH = 500


class Watch:
    """One call that is kept."""

    def __init__(self, log: TaskLog, task_id: str, name: str, origin: dict[str, Any]) -> None:
        self._log = log
        self._facts = {"taskId": task_id, "name": name, **origin}
        self._start_ms = time.time() * 1000
        self._end_ms: float | None = None
        self.error: BaseException | None = None

    def ended(self) -> None:
        if self._end_ms is None:
            self._end_ms = time.time() * 1000
            self._log._ended(self)

    def event(self) -> dict[str, Any]:
        error, has_ended = self.error, self._end_ms is not None
        return {
            **self._facts,
            "state": "RUNNING" if not has_ended else "FAILED" if error is not None else "FINISHED",
            "startMs": self._start_ms,
            "endMs": self._end_ms,
            "errorType": None if error is None else type(error).__name__,
            "errorMessage": None if error is None else str(error)[:_MESSAGE_LENGTH],
        }


@dataclass(frozen=True)
class CallObserver:
    """Watches the calls of one actor, or the tasks of one lease."""

    log: TaskLog
    origin: dict[str, Any]

    def began(self, task_id: str, name: str) -> Watch | None:
        """A call begins. What it gives is told when the call ends; None: this call is only counted."""
        return self.log._began(task_id, name, self.origin)

    def failed(self, name: str, error: BaseException, watch: Watch | None) -> None:
        self.log._failed(name, self.origin["type"])
        if watch is not None:
            watch.error = error


class TaskLog:
    """Told in any thread."""

    def __init__(self, io: IoLoop, report: Callable[[dict[str, Any]], None]) -> None:
        self._io = io
        self._report = report
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, str], list[int]] = {}
        self._running: dict[Watch, None] = {}
        self._done: list[Watch] = []
        self._budget = _KEPT_PER_INTERVAL
        self._is_waiting = False

    def observe(self, kind: str, job_id: str, actor_id: str | None) -> CallObserver:
        """`kind`: NORMAL_TASK, ACTOR_CREATION_TASK or ACTOR_TASK."""
        return CallObserver(self, {"type": kind, "jobId": job_id, "actorId": actor_id})

    def take(self) -> dict[str, Any]:
        """What has ended since it was last taken or reported, and what runs now."""
        with self._lock:
            news = self._news()
            return {**news, "events": [*news["events"], *(watch.event() for watch in self._running)]}

    def _began(self, task_id: str, name: str, origin: dict[str, Any]) -> Watch | None:
        with self._lock:
            self._counts.setdefault((name, origin["type"]), [0, 0])[0] += 1
            self._wake()
            if self._budget == 0:
                return None
            self._budget -= 1
            watch = Watch(self, task_id, name, origin)
            if len(self._running) < _RUNNING_KEPT:
                self._running[watch] = None
            return watch

    def _failed(self, name: str, kind: str) -> None:
        with self._lock:
            self._counts.setdefault((name, kind), [0, 0])[1] += 1

    def _ended(self, watch: Watch) -> None:
        with self._lock:
            self._running.pop(watch, None)
            self._done.append(watch)
            self._wake()

    def _wake(self) -> None:
        if not self._is_waiting:
            self._is_waiting = True
            self._io.post(lambda: asyncio.get_running_loop().call_later(_INTERVAL_S, self._tick))

    def _tick(self) -> None:
        with self._lock:
            self._is_waiting = False
            self._budget = _KEPT_PER_INTERVAL
            news = self._news()
        if news["events"] or news["counts"]:
            self._report(news)

    def _news(self) -> dict[str, Any]:
        done, self._done = self._done, []
        counts, self._counts = self._counts, {}
        return {
            "events": [watch.event() for watch in done],
            "counts": [
                {"name": name, "type": kind, "started": started, "failed": failed}
                for (name, kind), (started, failed) in counts.items()
            ],
        }
