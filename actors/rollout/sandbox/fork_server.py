"""Runs inside the sandbox and forks a fresh, isolated child for each piece of code, one after another.

It never holds code or output of a run where a later child could find it: the child reads the code itself, and output
goes through one buffer that is wiped. A request is 32 bytes, "<length of code> <time limit in ms>" padded with spaces,
followed by the code. A reply is a line "<status> <stopped by> <length of stdout> <length of stderr>" and the two texts;
"stopped by" is -, time, output or memory. The first line it writes is "ready" with how the children are isolated.
"""

import atexit
import ctypes
import gc
import io
import os
import select
import signal
import sys
import threading
import time
import types

from isolation import can_nest, clone, isolate, restrict

# What programs of a model import most: paid for once, here.
import collections, datetime, decimal, fractions, functools, itertools, json, math, random, re, statistics, string  # noqa: E401,F401

WATCH_SECONDS = 0.05
HEADER = 32
PAGE = os.sysconf("SC_PAGE_SIZE")

def main():
    memory, output, processes, file_size, want_nested = (int(argument) for argument in sys.argv[1:6])
    requests, replies = os.dup(0), os.dup(1)
    nothing = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1):
        os.dup2(nothing, fd)
    os.closerange(nothing, nothing + 1)
    buffers = (bytearray(output + 1), bytearray(output + 1))
    warm_up()
    nested = bool(want_nested) and can_nest()
    write(replies, b"ready %s\n" % (b"nested" if nested else b"flat"))
    limits = (memory, processes, file_size)
    while True:
        header = read_exactly(requests, HEADER)
        if header is None:
            return
        length, time_ms = (int(number) for number in header.split())
        serve(requests, replies, length, time_ms / 1000, limits, buffers, nested)


def warm_up():
    """What a first run would do: so that each child shares it instead of doing it again."""
    try:
        exec(compile("def f(x): return x + 1\nraise ValueError(f(1))", "warm-up", "exec"), {})
    except ValueError:
        pass
    gc.collect()
    gc.freeze()


def serve(requests, replies, length, seconds, limits, buffers, nested):
    out, out_end = os.pipe()
    err, err_end = os.pipe()
    child = clone() if nested else os.fork()
    if child == 0:
        run_child(requests, length, (out_end, err_end), limits, nested)
    os.close(out_end)
    os.close(err_end)
    used, stopped = supervise(child, (out, err), buffers, seconds, limits)
    _, status = os.waitpid(child, 0)
    drain((out, err), buffers, used)
    for fd in (out, err):
        os.close(fd)
    kept = len(buffers[0]) - 1
    if sum(used) > kept:
        stopped = stopped if stopped != b"-" else b"output"
        used[1] = min(used[1], max(kept // 4, kept - used[0]))
        used[0] = min(used[0], kept - used[1])
    code = os.waitstatus_to_exitcode(status)
    write(replies, b"%d %s %d %d\n" % (code, stopped, used[0], used[1]))
    for buffer, size in zip(buffers, used):
        write(replies, memoryview(buffer)[:size])
    for buffer in buffers:
        ctypes.memset((ctypes.c_char * len(buffer)).from_buffer(buffer), 0, len(buffer))


def supervise(child, pipes, buffers, seconds, limits):
    """Collects output until the child is dead. In its own pid namespace its death is that of all it started."""
    deadline = time.monotonic() + seconds
    used, stopped = [0, 0], b"-"
    poll = select.poll()
    pidfd = os.pidfd_open(child)
    poll.register(pidfd, select.POLLIN)
    for fd in pipes:
        poll.register(fd, select.POLLIN)
    try:
        while True:
            left = deadline - time.monotonic()
            ready = [fd for fd, _ in poll.poll(1000 * max(0, min(WATCH_SECONDS, left)))]
            for which, fd in enumerate(pipes):
                if fd in ready and not read_into(fd, buffers[which], used, which):
                    poll.unregister(fd)
            if pidfd in ready:
                return used, stopped
            if stopped == b"-":
                if sum(used) >= len(buffers[0]):
                    stopped = b"output"
                elif time.monotonic() >= deadline:
                    stopped = b"time"
                elif not ready and over_limits(limits):
                    stopped = b"memory"
                if stopped != b"-":
                    os.kill(child, signal.SIGKILL)
                    deadline = time.monotonic() + 3600
    finally:
        os.close(pidfd)


def read_into(fd, buffer, used, which):
    """Reads what is there into the buffer; what does not fit is dropped. False at the end of the pipe."""
    room = memoryview(buffer)[used[which] :]
    if len(room) == 0:
        return bool(os.read(fd, 65536))
    got = os.readv(fd, [room])
    used[which] += got
    return got > 0


def drain(pipes, buffers, used):
    for which, fd in enumerate(pipes):
        os.set_blocking(fd, False)
        try:
            while used[which] < len(buffers[which]) and read_into(fd, buffers[which], used, which):
                pass
        except BlockingIOError:
            pass


def over_limits(limits):
    """Whether all processes of the run together hold too much memory, or are too many. Only they are in this /proc."""
    memory, processes, _ = limits
    pages, count = 0, 0
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) in (1, os.getpid()):
            continue
        try:
            with open("/proc/%s/statm" % name, "rb") as file:
                resident, shared = file.read().split()[1:3]
        except OSError:
            continue
        count += 1
        pages += int(resident) - int(shared)
    return pages * PAGE > memory + count * 8 * 2**20 or count > processes


def run_child(requests, length, ends, limits, nested):
    """Becomes the run: reads the code, gives up every way back, executes. Does not return."""
    try:
        code = read_exactly(requests, length)
        os.dup2(ends[0], 1)
        os.dup2(ends[1], 2)
        os.closerange(3, 1 << 20)
        os.setsid()
        if nested:
            isolate(limits[2])
        os.chdir("/tmp")
        with open("main.py", "wb") as file:
            file.write(code)
        restrict(*limits)
        status = execute(code)
    except BaseException as error:
        os.write(2, ("the sandbox could not start the code: %r\n" % (error,)).encode())
        status = 70
    os._exit(status)


def execute(code):
    """What `python3 -u main.py` does with the code; returns the exit status."""
    sys.stdin = sys.__stdin__ = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)), encoding="utf-8")
    sys.stdout = sys.__stdout__ = text_output(1, "surrogateescape")
    sys.stderr = sys.__stderr__ = text_output(2, "backslashreplace")
    sys.argv = ["/tmp/main.py"]
    sys.path.insert(0, "/tmp")
    program = types.ModuleType("__main__")
    program.__dict__.update(__file__="/tmp/main.py", __builtins__=__builtins__)
    sys.modules["__main__"] = program
    status = 0
    try:
        exec(compile(code, "/tmp/main.py", "exec"), program.__dict__)
    except SystemExit as leaving:
        status = exit_status(leaving)
    except BaseException as error:
        frames = error.__traceback__.tb_next
        sys.excepthook(type(error), error.with_traceback(frames), frames)
        status = 130 if isinstance(error, KeyboardInterrupt) else 1
    for finish in (threading._shutdown, atexit._run_exitfuncs, program.__dict__.clear):
        try:
            finish()
        except SystemExit as leaving:
            status = exit_status(leaving)
        except BaseException as error:
            sys.excepthook(type(error), error, error.__traceback__)
    return status


def text_output(fd, errors):
    raw = io.FileIO(fd, "w", closefd=False)
    return io.TextIOWrapper(raw, encoding="utf-8", errors=errors, newline="\n", write_through=True)


def exit_status(leaving):
    if leaving.code is None:
        return 0
    if isinstance(leaving.code, int):
        return leaving.code & 0xFF
    print(leaving.code, file=sys.stderr)
    return 1


def write(fd, data):
    data = memoryview(data)
    while len(data) > 0:
        data = data[os.write(fd, data) :]


def read_exactly(fd, size):
    parts = []
    while size > 0:
        part = os.read(fd, min(size, 1 << 20))
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


main()
