"""Python code by name: what travels in place of classes and functions is a module and a name in it."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
import sysconfig
from collections.abc import Callable
from types import ModuleType
from typing import Any

from .errors import InvalidOptionError, RuntimeEnvSetupError, register_error_class

Code = Callable[..., Any]

_sent: list[str] = []


def code_of(reference: dict[str, Any]) -> Code:
    """Imports what a reference names. Raises RuntimeEnvSetupError where the module or the name is not there."""
    if reference.get("root") != "python":
        raise RuntimeEnvSetupError(f"{reference.get('path')} is not Python, and this is a Python host")
    return load(reference["path"], reference["name"], reference.get("folders") or [])


def load(module: str, name: str, folders: list[str]) -> Code:
    """The class or function `name` of a module; dots are folders, searched in `folders` first."""
    search(folders)
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError as error:
        if error.name is not None and (module == error.name or module.startswith(f"{error.name}.")):
            where = ", ".join([*folders, "Python's own path"])
            raise RuntimeEnvSetupError(f"{module}->{name}: there is no module {module} in {where}") from error
        raise _does_not_load(module, error) from error
    except Exception as error:  # noqa: BLE001 a module's own code may raise anything
        raise _does_not_load(module, error) from error
    _know_errors(sys.modules[module])
    if not callable(found):
        known = [key for key, value in vars(sys.modules[module]).items() if callable(value) and not key.startswith("_")]
        text = f"{module} has no class or function {name}; it has {', '.join(known) or 'none'}"
        raise RuntimeEnvSetupError(text)
    return found


def search(folders: list[str]) -> None:
    """Makes modules be looked for in these folders, before all others and in this order."""
    missing = [folder for folder in folders if folder not in sys.path]
    # What was sent with the job comes before what this machine happens to have.
    first = 1 if _sent and sys.path[:1] == _sent else 0
    sys.path[first:first] = missing


def search_first(folder: str) -> None:
    """The working folder that was sent: from now on modules are looked for there before all others."""
    _sent[:] = [folder]
    sys.path.insert(0, folder)


def reference_of(code: Code) -> dict[str, Any]:
    """The reference of a class or function. Raises InvalidOptionError for one that cannot be imported by its name."""
    module = inspect.getmodule(code)
    name = getattr(code, "__qualname__", "")
    if module is None or not name.isidentifier() or getattr(module, name, None) is None:
        raise InvalidOptionError(f"remote: expected a class or function of a module's own level, got {code!r}")
    _know_errors(module)
    if module.__name__ != "__main__":
        return {"root": "python", "path": module.__name__, "name": name, "folders": _own_path()}
    file = getattr(module, "__file__", None)
    if file is None:
        raise InvalidOptionError(f"remote: {name} is of an interactive session: put it into a file of its own")
    folder, stem = os.path.split(os.path.splitext(os.path.abspath(file))[0])
    return {"root": "python", "path": stem, "name": name, "folders": [folder, *_own_path()]}


def _know_errors(module: ModuleType) -> None:
    """What the code raises and catches by class is known in this process, also when it arrives from another."""
    for each in vars(module).values():
        if isinstance(each, type) and issubclass(each, Exception) and each.__module__ == module.__name__:
            register_error_class(each)


def _own_path() -> list[str]:
    """The folders that this process was told to look in; not its installation's."""
    installed = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib"))
    folders = [os.path.abspath(folder or os.getcwd()) for folder in sys.path]
    return [folder for folder in dict.fromkeys(folders) if os.path.isdir(folder) and not folder.startswith(installed)]


def _does_not_load(module: str, error: Exception) -> RuntimeEnvSetupError:
    return RuntimeEnvSetupError(f"{module} does not load here: {type(error).__name__}: {error}")
