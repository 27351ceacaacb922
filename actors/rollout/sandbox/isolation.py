"""How one run is kept apart from everything else, with the kernel's own calls."""

import ctypes
import os
import platform
import resource
import signal

CLONE = {"x86_64": 56, "aarch64": 220}.get(platform.machine())
NEW_MOUNTS, NEW_IPC, NEW_USER, NEW_PIDS = 0x20000, 0x08000000, 0x10000000, 0x20000000
READ_ONLY, NO_SUID, NO_DEV, NO_EXEC = 1, 2, 4, 8

libc = ctypes.PyDLL(None, use_errno=True)


def clone():
    """A fork into new namespaces, where the child is process 1. This process has one thread, as it must have."""
    child = check(libc.syscall(CLONE, ctypes.c_ulong(NEW_USER | NEW_PIDS | NEW_MOUNTS | NEW_IPC | signal.SIGCHLD), 0, 0, 0, 0))
    if child == 0:
        ctypes.pythonapi.PyOS_AfterFork_Child()
    return child


def can_nest():
    """Whether this machine lets the sandbox make namespaces of its own."""
    if CLONE is None:
        return False
    try:
        child = clone()
    except OSError:
        return False
    if child == 0:
        status = 1
        try:
            isolate(1 << 16)
            status = 0
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1] == 0


def mount(source, target, flags, options, kind=b"tmpfs"):
    check(libc.mount(source, target, kind, ctypes.c_ulong(flags), options))


def check(result):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def put(path, data):
    fd = os.open(path, os.O_WRONLY)
    try:
        os.write(fd, data)
    finally:
        os.close(fd)


def isolate(file_size):
    """In the new namespaces: own empty /tmp and /dev/shm, own /proc, no more user namespaces, no capabilities."""
    user, group = os.getuid(), os.getgid()
    put("/proc/self/setgroups", b"deny")
    put("/proc/self/uid_map", b"%d %d 1" % (user, user))
    put("/proc/self/gid_map", b"%d %d 1" % (group, group))
    try:
        put("/proc/sys/user/max_user_namespaces", b"0")
    except OSError:
        pass  # Covered where the sandbox was started by root; the capabilities are gone all the same.
    size = b"mode=1777,nr_inodes=4096,size=%d" % max(file_size, 1 << 16)
    mount(b"tmpfs", b"/tmp", NO_SUID | NO_DEV, size)
    mount(b"tmpfs", b"/dev/shm", NO_SUID | NO_DEV, size)
    try:
        mount(b"proc", b"/proc", READ_ONLY | NO_SUID | NO_DEV | NO_EXEC, None, b"proc")
    except OSError:
        mount(b"tmpfs", b"/proc", READ_ONLY | NO_SUID | NO_DEV | NO_EXEC, b"size=4096")


def restrict(memory, processes, file_size):
    for which, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 256),
        (resource.RLIMIT_MEMLOCK, 1 << 16),
        (resource.RLIMIT_MSGQUEUE, 1 << 16),
        (resource.RLIMIT_FSIZE, file_size),
        (resource.RLIMIT_NPROC, processes),
        (resource.RLIMIT_AS, memory),
    ):
        resource.setrlimit(which, (most, most))
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    check(libc.capset(header, (ctypes.c_uint32 * 6)()))
