"""What a user says about the environment of code, as it travels; a folder of this machine is sent by its content. See
`runtime/environment/` and `runtime/core/runtime-env.ts`.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .errors import InvalidOptionError, RuntimeEnvSetupError

_KNOWN = ("env_vars", "working_dir", "excludes", "pip", "npm", "config")
_ALWAYS = (".git", ".venv", "venv", "__pycache__")
_MARK = b"astune-package-1"
_MOST_BYTES = 100 * 2**20
_PART_BYTES = 2**20
PREFIX = "package:"

Env = dict[str, Any]


def compile_runtime_env(given: Any) -> Env:
    """The environment as it travels; its folder is still a path. Raises InvalidOptionError."""
    env = given or {}
    if not isinstance(env, dict):
        raise _wrong("runtime_env", "a dict", env)
    for name in env:
        if name not in _KNOWN:
            raise _wrong(f"runtime_env.{name}", f"one of {', '.join(_KNOWN)}", env[name])
    out: Env = {}
    if variables := env.get("env_vars"):
        if not all(isinstance(each, str) for pair in variables.items() for each in pair):
            raise _wrong("runtime_env.env_vars", "texts", variables)
        out["envVars"] = dict(variables)
    if env.get("working_dir"):
        out["workingDir"] = os.fspath(env["working_dir"])
    for name in ("excludes", "pip", "npm"):
        value = env.get(name)
        if value is not None:
            if not isinstance(value, (list, tuple)) or not all(isinstance(each, str) and each for each in value):
                raise _wrong(f"runtime_env.{name}", "a list of texts", value)
            out[name] = list(value)
    if config := env.get("config"):
        seconds = config.get("setup_timeout_seconds", 600)
        if set(config) - {"setup_timeout_seconds"} or not isinstance(seconds, (int, float)) or seconds <= 0:
            raise _wrong("runtime_env.config", "setup_timeout_seconds, a number above 0", config)
        out["config"] = {"setupTimeoutSeconds": seconds}
    return out


def inherited(env: Env) -> Env:
    """What the code inside a host gives to what it makes: a folder that only its own node may have is not part of it."""
    is_sent = str(env.get("workingDir", "")).startswith(PREFIX)
    return {name: value for name, value in env.items() if is_sent or name != "workingDir"}


class JobEnvironment:
    """The job's environment and an actor's own together. `send` asks the head `putPackage`, in order."""

    def __init__(self, job: Env, send: Callable[[dict[str, Any]], None]) -> None:
        self._send = send
        self._sent: dict[str, str] = {}
        self._job = self._packed(job)

    def of(self, own: Env) -> Env:
        """What travels. Raises RuntimeEnvSetupError where a folder cannot be sent."""
        own = self._packed(own)
        if not own or not self._job:
            return own or self._job
        job = {name: value for name, value in self._job.items() if name != "excludes" or "workingDir" not in own}
        merged = {**job, **own}
        variables = {**job.get("envVars", {}), **own.get("envVars", {})}
        return {**merged, "envVars": variables} if variables else merged

    def _packed(self, env: Env) -> Env:
        folder = env.get("workingDir")
        if folder is None or folder.startswith(PREFIX) or not os.path.isdir(folder):
            return env
        excludes = env.get("excludes", [])
        key = json.dumps([os.path.abspath(folder), *excludes])
        if key not in self._sent:
            data = pack_folder(Path(folder), excludes)
            package = hashlib.sha256(data).hexdigest()
            for offset in range(0, len(data), _PART_BYTES):
                part = data[offset : offset + _PART_BYTES]
                self._send({"id": package, "offset": offset, "total": len(data), "data": part})
            self._sent[key] = f"{PREFIX}{package}"
        rest = {name: value for name, value in env.items() if name != "excludes"}
        return {**rest, "workingDir": self._sent[key]}


def pack_folder(folder: Path, excludes: list[str]) -> bytes:
    """The folder as one block of bytes, see `runtime/environment/package-file.ts`."""
    patterns = [_pattern(line) for line in (*_ALWAYS, *excludes)]
    files: list[dict[str, Any]] = []
    contents: list[bytes] = []

    def walk(inside: str) -> None:
        for entry in sorted(os.scandir(folder / inside), key=lambda each: each.name):
            path = f"{inside}/{entry.name}" if inside else entry.name
            is_folder = entry.is_dir(follow_symlinks=False)
            if any(excludes_it(path, is_folder) for excludes_it in patterns):
                continue
            if is_folder:
                walk(path)
            elif entry.is_symlink():
                link = os.readlink(entry.path)
                target = os.path.relpath(os.path.join(os.path.dirname(entry.path), link), folder)
                if target == ".." or target.startswith("../"):
                    raise _refused(folder, f"the link {path} leads out of it")
                files.append({"path": path, "mode": 0o777, "size": 0, "link": link})
            elif entry.is_file():
                contents.append(Path(entry.path).read_bytes())
                mode = entry.stat().st_mode & 0o777
                files.append({"path": path, "mode": mode, "size": len(contents[-1])})
                if sum(each["size"] for each in files) > _MOST_BYTES:
                    raise _refused(folder, f"it has more than the {_MOST_BYTES >> 20} MiB that are sent at most")
            else:
                raise _refused(folder, f"{path} is neither a file nor a folder")

    walk("")
    head = json.dumps(files).encode()
    return gzip.compress(_MARK + len(head).to_bytes(4, "little") + head + b"".join(contents), 1, mtime=0)


def _pattern(line: str) -> Callable[[str, bool], bool]:
    """A line of a `.gitignore`, without `!`."""
    only_folders = line.endswith("/")
    text = line[:-1] if only_folders else line
    prefix = "" if "/" in text else "(?:.*/)?"
    marks = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", text.removeprefix("/"))
    expression = re.compile(prefix + "".join(marks.get(part) or re.escape(part) for part in parts))
    return lambda path, is_folder: (is_folder or not only_folders) and expression.fullmatch(path) is not None


def _refused(folder: Path, message: str) -> RuntimeEnvSetupError:
    return RuntimeEnvSetupError(f"working_dir {folder}: {message}: name what is not needed in runtime_env's excludes")


def _wrong(option: str, expected: str, got: Any) -> InvalidOptionError:
    return InvalidOptionError(f"{option}: expected {expected}, got {got!r}", option="runtime_env")
