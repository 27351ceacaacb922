"""AgentScope's tools that run the model's code, in the sandbox instead of in this process's own place.

A workflow says `from agentscope.tool import execute_python_code` as ever; what it gets is the same signature and
the same text, run by the RolloutActor's sandbox. Tools that touch the machine's files are refused.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from .episode import Episode, current_episode

_PACKAGE = "agentscope.tool"

_SHELL = """
import subprocess
done = subprocess.run({command!r}, shell=True, capture_output=True, text=True, errors="replace")
print(done.returncode)
print(done.stdout, end="\\x00")
print(done.stderr, end="")
"""


def install() -> None:
    """From now on whoever imports AgentScope's tools gets the guarded ones. May be called twice."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    if _PACKAGE in sys.modules:
        guard(sys.modules[_PACKAGE])


def guard(package: ModuleType) -> None:
    """Replaces the tools wherever the package and its modules name them."""
    tools = _tools(package.ToolResponse)
    for name, module in list(sys.modules.items()):
        if name == _PACKAGE or name.startswith(f"{_PACKAGE}."):
            for tool, function in tools.items():
                if hasattr(module, tool):
                    setattr(module, tool, function)


def _episode() -> Episode:
    episode = current_episode.get()
    if episode is None:
        raise RuntimeError("the model's code runs inside an episode only")
    return episode


def _tools(response: Any) -> dict[str, Any]:
    def text(content: str) -> Any:
        return response(content=[{"type": "text", "text": content}])

    async def execute_python_code(code: str, timeout: float = 300, **kwargs: Any) -> Any:
        """Execute the given python code in a temp file and capture the return
        code, standard output and error. Note you must `print` the output to get
        the result, and the tmp file will be removed right after the execution.

        Args:
            code (`str`):
                The Python code to be executed.
            timeout (`float`, defaults to `300`):
                The maximum time (in seconds) allowed for the code to run.

        Returns:
            `ToolResponse`:
                The response containing the return code, standard output, and
                standard error of the executed code.
        """
        answer = await _episode().post("tools/python", {"code": code, "timeout": timeout})
        return text(answer["text"])

    async def execute_shell_command(command: str, timeout: int = 300, **kwargs: Any) -> Any:
        """Execute given command and return the return code, standard output and
        error within <returncode></returncode>, <stdout></stdout> and
        <stderr></stderr> tags.

        Args:
            command (`str`):
                The shell command to execute.
            timeout (`float`, defaults to `300`):
                The maximum time (in seconds) allowed for the command to run.

        Returns:
            `ToolResponse`:
                The tool response containing the return code, standard output, and
                standard error of the executed command.
        """
        body = {"code": _SHELL.format(command=command), "timeout": timeout}
        answer = await _episode().post("tools/python", body)
        status, _, rest = answer["stdout"].partition("\n")
        if answer["returnCode"] != 0 or not status.lstrip("-").isdigit():
            return text(answer["text"])
        out, _, err = rest.partition("\x00")
        return text(f"<returncode>{status}</returncode><stdout>{out}</stdout><stderr>{err}</stderr>")

    def refused(name: str) -> Any:
        async def tool(*args: Any, **kwargs: Any) -> Any:
            return text(f"Error: {name} is not available: an episode has no files of this machine.")

        tool.__name__ = name
        tool.__doc__ = f"{name} is not available here."
        return tool

    files = {name: refused(name) for name in ("view_text_file", "write_text_file", "insert_text_file")}
    return {"execute_python_code": execute_python_code, "execute_shell_command": execute_shell_command, **files}


class _Finder(importlib.abc.MetaPathFinder):
    """Finds AgentScope's tools where they are, and guards them as soon as they are loaded."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != _PACKAGE:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


class _Loader(importlib.abc.Loader):
    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        guard(module)
