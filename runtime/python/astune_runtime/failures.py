"""An error as data and back. No constructor of a user's is run for one that arrives. See
`runtime/wire/failure-codec.ts`.
"""

from __future__ import annotations

import os
import traceback
from types import TracebackType
from typing import Any

from .errors import RayError, RayTaskError, RemoteError, error_class
from .values import SerializationError, ValueCodec

_DEEPEST = 8
_OWN_FOLDER = os.path.dirname(os.path.abspath(__file__)) + os.sep
_codec = ValueCodec()

Failure = dict[str, Any]


def encode_failure(error: BaseException, depth: int = 0) -> Failure:
    """The error with its fields, its traceback as text, and its causes."""
    fields = {key: _portable(value) for key, value in vars(error).items() if key not in _HIDDEN}
    code = getattr(error, "code", None)
    if isinstance(code, str) and isinstance(error, (RayError, SerializationError)):
        fields.setdefault("code", code)
    name = class_name(error)
    failure: Failure = {
        "className": name,
        "name": name,
        "message": _message(error),
        "stack": traceback_text(error),
        "fields": _codec.encode(fields, "an error's fields").data,
    }
    cause = getattr(error, "cause", None) or error.__cause__
    if isinstance(cause, BaseException) and depth < _DEEPEST:
        failure["cause"] = encode_failure(cause, depth + 1)
    return failure


_HIDDEN = {"cause", "traceback_text", "__notes__", "thrown_class", "function_name", "task_id"}


def class_name(error: BaseException) -> str:
    """The name of an error's own class; for an error that came from a call, of the class it was raised with."""
    if isinstance(error, RemoteError):
        return error.name
    thrown = getattr(error, "thrown_class", None)
    return thrown if isinstance(thrown, str) else type(error).__name__


def decode_failure(failure: Failure) -> Exception:
    """The error as an instance of its class where this process knows it, else of RemoteError."""
    if failure.get("thrown"):
        error: Exception = RemoteError(str(_codec.decode(failure["thrown"])))
        error.name = "Error"  # type: ignore[attr-defined]
        return error
    name = failure.get("className") or "Error"
    cls = error_class(name)
    error = (cls or RemoteError).__new__(cls or RemoteError)
    error.args = (failure.get("message") or "",)
    fields = _codec.decode(failure["fields"]) if failure.get("fields") else None
    for key, value in (fields or {}).items():
        if not key.startswith("__") and key != "args":
            _set(error, key, value)
    if cls is None:
        error.name = failure.get("name") or name  # type: ignore[attr-defined]
    _set(error, "traceback_text", failure.get("stack") or "")
    if failure.get("cause"):
        error.__cause__ = decode_failure(failure["cause"])
    return error


def task_error(cause: Exception, function_name: str, task_id: str, actor_id: str | None = None) -> RayTaskError:
    """What a caller of the failed code gets: an instance of the cause's class, and a RayTaskError."""
    dual = _dual_class(type(cause))
    try:
        error = dual.__new__(dual)
    except TypeError:
        error = RayTaskError.__new__(RayTaskError)
    error.args = (_message(cause),)
    error.__dict__.update(vars(cause))
    where = f"in {function_name}.remote()"
    text = getattr(cause, "traceback_text", "")
    facts = {"function_name": function_name, "task_id": task_id, "actor_id": actor_id, "cause": cause}
    error.__dict__.update({**facts, "thrown_class": class_name(cause), "traceback_text": f"{text}\n    {where}"})
    error.__cause__ = cause
    if text:
        error.add_note(f"{text.rstrip()}\n    {where}")
    return error


_duals: dict[type, type[RayTaskError]] = {}


def _dual_class(cls: type[Exception]) -> type[RayTaskError]:
    dual = _duals.get(cls)
    if dual is None:
        try:
            bases = (cls,) if issubclass(cls, RayTaskError) else (RayTaskError, cls)
            dual = type(f"RayTaskError({cls.__name__})", bases, {"__module__": __name__})
        except TypeError:
            dual = RayTaskError
        _duals[cls] = dual
    return dual


def traceback_text(error: BaseException) -> str:
    """Where it was raised, without the runtime's own frames; what came with it where it was raised elsewhere."""
    known = getattr(error, "traceback_text", "")
    if isinstance(known, str) and known:
        return known
    frames = [frame for frame in traceback.extract_tb(_first(error)) if not frame.filename.startswith(_OWN_FOLDER)]
    head = ["Traceback (most recent call last):\n"] if frames else []
    return "".join([*head, *traceback.format_list(frames), *traceback.format_exception_only(error)]).rstrip()


def _first(error: BaseException) -> TracebackType | None:
    return error.__traceback__


def _message(error: BaseException) -> str:
    # str() of a KeyError is the repr of its key.
    if isinstance(error, KeyError) and len(error.args) == 1 and isinstance(error.args[0], str):
        return error.args[0]
    return str(error)


def _portable(value: Any) -> Any:
    try:
        encoded = _codec.encode(value, "")
    except (SerializationError, RecursionError):
        return str(value)
    return value if not encoded.objects and not encoded.actors else str(value)


def _set(error: Exception, key: str, value: Any) -> None:
    try:
        setattr(error, key, value)
    except (AttributeError, TypeError):
        # A read-only attribute of a built-in class; it is in the message too.
        return
