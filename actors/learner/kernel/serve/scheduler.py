"""Continuous batching: new requests join the running rows between two passes, finished rows leave at once."""

from __future__ import annotations

import logging
from collections import deque
from threading import Condition, Thread

from .generation import Generator, Limits, Sequence, StaleCacheError

log = logging.getLogger("astune.serve")

KV_BYTES = 4 << 30
PREFIX_BYTES = 256 << 20
IDLE_RELEASE_SECONDS = 30


class GenerationError(Exception):
    """A request failed; `status` is the HTTP status that says whether to try again."""

    def __init__(self, message: str, status: int = 500):
        super().__init__(message)
        self.status = status


class Scheduler:
    """Owns the generation thread. All public methods may be called from any thread.

    `deterministic` runs one request at a time, in the order of arrival, and remembers no prefix: a reply then depends on
    its request and the weights alone.
    """

    def __init__(self, get_model, device, weights_lock, deterministic: bool, max_batch: int):
        self.deterministic = deterministic
        self._max_batch = 1 if deterministic else max_batch
        self._generator = Generator(get_model, device, weights_lock, 0 if deterministic else PREFIX_BYTES)
        self._weights_lock = weights_lock
        self._changed = Condition()
        self._waiting: deque[Sequence] = deque()
        self._hold: str | None = None  # None, "keep", "wait" or "abort": how it is paused
        self.sleeping = False
        self._wanted: set[str] = set()  # things only the generation thread may do: "clear", "abort", "release"
        self._closed = False
        self._busy = False
        self.generated_tokens = 0
        self._thread = Thread(target=self._run, name="astune-generation", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def paused(self) -> bool:
        return self._hold is not None

    @property
    def limits(self) -> Limits:
        return self._generator.limits()

    @property
    def weight_version(self) -> int:
        return self._generator.version

    def set_weight_version(self, version: int) -> None:
        """Tokens from the next pass on carry this version; stored keys and values of older weights are dropped."""
        with self._weights_lock:
            self._generator.version = version

    def running(self) -> int:
        return len(self._generator.rows)

    def waiting(self) -> int:
        return len(self._waiting)

    def submit(self, sequence: Sequence) -> None:
        """Queues a request. Raises GenerationError 503 while paused with `wait` or `abort`, or when closed."""
        with self._changed:
            if self._closed or self._hold in ("wait", "abort"):
                raise GenerationError("the engine takes no requests now (paused or closing)", 503)
            self._waiting.append(sequence)
            self._changed.notify_all()

    def cancel(self, sequence: Sequence) -> None:
        """The client went away: the row is freed at the next pass."""
        sequence.cancelled = True

    def pause(self, mode: str, clear: bool) -> None:
        """`keep`: rows stand still. `wait`: returns when they finished. `abort`: they end with what they have."""
        with self._changed:
            self._hold = mode
            if mode == "abort":
                self._wanted.add("abort")
            if clear:
                self._wanted.add("clear")
            self._changed.notify_all()
            while (mode == "wait" and (self._generator.rows or self._waiting)) or (mode != "wait" and self._busy):
                if self._closed or self._hold != mode:
                    return
                self._changed.wait(0.5)

    def resume(self) -> None:
        with self._changed:
            if not self.sleeping:
                self._hold = None
            self._changed.notify_all()

    def sleep(self) -> None:
        """Stands still and gives the caches' memory back; the rows are computed again after `wake`."""
        self.pause("keep", clear=True)
        with self._changed:
            self.sleeping = True
            self._wanted.add("release")
            self._changed.notify_all()

    def wake(self) -> None:
        self.sleeping = False
        self.resume()

    def clear_prefixes(self) -> None:
        with self._changed:
            self._wanted.add("clear-prefixes")
            self._changed.notify_all()

    def close(self) -> None:
        """Ends the thread; requests under way fail with 503."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                while not self._closed and not self._wanted and not self._has_work():
                    timed_out = not self._changed.wait(IDLE_RELEASE_SECONDS)
                    if timed_out and not self._generator.rows and not self._waiting:
                        self._generator.release()
                if self._closed:
                    self._fail(self._generator.forget() + list(self._waiting), GenerationError("the engine closed", 503))
                    self._waiting.clear()
                    return
                wanted, self._wanted = self._wanted, set()
                self._do(wanted)
                if not self._has_work():
                    continue
                arrivals = self._next_arrivals()
                self._busy = True
            self._pass(arrivals)

    def _has_work(self) -> bool:
        return self._hold in (None, "wait") and bool(self._generator.rows or self._waiting)

    def _do(self, wanted: set[str]) -> None:
        if "abort" in wanted:
            for sequence in self._generator.forget() + list(self._waiting):
                sequence.finish_reason = "abort"
                sequence.on_done(None)
            self._waiting.clear()
        if "clear" in wanted or "release" in wanted:
            self._waiting.extendleft(reversed(self._generator.forget()))
        if "clear-prefixes" in wanted:
            self._generator.clear_prefixes()
        if "release" in wanted:
            self._generator.release()

    def _next_arrivals(self) -> list[Sequence]:
        """Takes waiting requests, in order, while there is a row and memory for them at their longest; always one."""
        rows = self._generator.rows
        arrivals: list[Sequence] = []
        per_token = self._generator.bytes_per_token() or 1
        longest = max((s.prompt_length + s.params.max_tokens for s in rows), default=0)
        while self._waiting and len(rows) + len(arrivals) < self._max_batch:
            sequence = self._waiting[0]
            if sequence.cancelled:
                self._waiting.popleft()
                continue
            longest = max(longest, sequence.prompt_length + sequence.params.max_tokens)
            count = len(rows) + len(arrivals) + 1
            if count > 1 and count * longest * per_token > KV_BYTES:
                break
            arrivals.append(self._waiting.popleft())
        return arrivals

    def _pass(self, arrivals: list[Sequence]) -> None:
        generator = self._generator
        try:
            if arrivals:
                generator.admit(arrivals)
                arrivals = []
            if generator.rows:
                self._finish(generator.step())
        except StaleCacheError:
            with self._changed:
                self._waiting.extendleft(reversed(generator.forget() + arrivals))
        except Exception as error:  # noqa: BLE001: a failing request must not end the engine
            log.exception("a generation pass failed")
            failed = arrivals or generator.forget()
            if not generator.rows:
                generator.release()
            self._fail(failed, GenerationError(f"{type(error).__name__}: {error}"))

    def _finish(self, finished: list[Sequence]) -> None:
        for sequence in finished:
            self.generated_tokens += len(sequence.logprobs)
            if sequence.finish_reason == "error":
                sequence.on_done(GenerationError("the model's logits are not finite: its weights are broken"))
            elif not sequence.cancelled:
                sequence.on_done(None)

    def _fail(self, sequences: list[Sequence], error: Exception) -> None:
        for sequence in sequences:
            sequence.on_done(error)
