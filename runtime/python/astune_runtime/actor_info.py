"""What a handle must know of its actor: its names, its methods, and the options that its callers apply."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .errors import InvalidOptionError

METHOD_OPTIONS = "__astune_method_options__"
BUILT_IN = (["__ray_ready__", "sync"], ["__ray_terminate__", "sync"])

_OPTION_NAMES = {
    "num_returns": "numReturns",
    "concurrency_group": "concurrencyGroup",
    "max_task_retries": "maxTaskRetries",
    "retry_exceptions": "retryExceptions",
    "_generator_backpressure_num_objects": "generatorBackpressureNumObjects",
    "generator_backpressure_num_objects": "generatorBackpressureNumObjects",
}


def method_options(options: dict[str, Any]) -> dict[str, Any]:
    """Ray's names of a method's options as they travel. Raises InvalidOptionError for one that is unknown."""
    for name in options:
        if name not in _OPTION_NAMES:
            known = ", ".join(_OPTION_NAMES)
            raise InvalidOptionError(f"{name}: expected one of the options {known}", option=name)
    return {_OPTION_NAMES[name]: value for name, value in options.items()}


def method(**options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Gives options to a method: `@method(concurrency_group="io")`."""
    portable = method_options(options)

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        setattr(function, METHOD_OPTIONS, portable)
        return function

    return decorate


def kind_of(function: Callable[..., Any]) -> str:
    """Whether calling it gives a value, a coroutine or a generator."""
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        return "generator"
    if getattr(function, METHOD_OPTIONS, {}).get("numReturns") == "streaming":
        return "generator"
    return "async" if inspect.iscoroutinefunction(function) else "sync"


def methods_of(cls: type) -> list[list[Any]]:
    """Name, kind and options of each method of a class, those of its bases included."""
    methods = []
    for name, function in inspect.getmembers(cls, callable):
        if name.startswith("__") or inspect.isclass(function):
            continue
        options = getattr(function, METHOD_OPTIONS, {})
        methods.append([name, kind_of(function), *([options] if options else [])])
    return [*methods, *(list(one) for one in BUILT_IN)]


def has_async(cls: type) -> bool:
    """A class with any async method runs its calls concurrently."""
    functions = [function for name, function in inspect.getmembers(cls, callable) if not name.startswith("__")]
    return any(inspect.iscoroutinefunction(each) or inspect.isasyncgenfunction(each) for each in functions)


@dataclass(frozen=True)
class ActorInfo:
    """One actor's info as it travels with its handles."""

    data: dict[str, Any]
    kinds: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)

    @classmethod
    def of(cls, data: dict[str, Any]) -> ActorInfo:
        methods = {each[0]: (each[1], each[2] if len(each) > 2 else {}) for each in data["methods"]}
        return cls(data, methods)

    @property
    def class_name(self) -> str:
        return self.data["className"]

    @property
    def name(self) -> str | None:
        return self.data.get("name")

    @property
    def label(self) -> str:
        """How errors call it."""
        return f"Actor {self.class_name}" + (f' "{self.name}"' if self.name else "")
