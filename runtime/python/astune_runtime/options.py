"""Makes complete options of a user's, or says in one error which option is wrong. See
`runtime/core/compile-options.ts`.
"""

from __future__ import annotations

from typing import Any

from .errors import InvalidOptionError
from .quantities import units_of
from .runtime_env import compile_runtime_env
from .scheduling import compile_strategy

_RESOURCES = {
    *("num_cpus", "num_gpus", "memory", "resources", "accelerator_type", "label_selector", "scheduling_strategy"),
    "runtime_env",
}
ACTOR_OPTIONS = _RESOURCES | {
    *("name", "namespace", "lifetime", "get_if_exists", "max_restarts", "max_task_retries", "retry_exceptions"),
    *("max_pending_calls", "max_concurrency", "concurrency_groups", "allow_out_of_order_execution"),
}
TASK_OPTIONS = _RESOURCES | {"name", "num_returns", "max_retries", "retry_exceptions"}


def check_known(options: dict[str, Any], known: set[str]) -> None:
    """Raises InvalidOptionError for an option that is not one of these."""
    for name in options:
        if name not in known:
            text = f"{name}: expected one of the options {', '.join(sorted(known))}"
            raise InvalidOptionError(text, option=name)


def whole(options: dict[str, Any], name: str, default: int, least: int) -> int:
    """A whole number of at least `least`."""
    value = options.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        text = f"{name}: expected a whole number of at least {least}, got {value!r}"
        raise InvalidOptionError(text, option=name)
    return value


def compile_request(options: dict[str, Any], held_cpus: float) -> dict[str, Any]:
    """What is asked of a node, in units."""
    amounts = dict(options.get("resources") or {})
    for reserved in ("CPU", "GPU", "memory"):
        if reserved in amounts:
            text = f"resources.{reserved}: expected num_cpus, num_gpus or memory instead"
            raise InvalidOptionError(text, option="resources")
    if options.get("accelerator_type"):
        amounts[f"accelerator_type:{options['accelerator_type']}"] = 0.001
    for name, option in (("GPU", "num_gpus"), ("memory", "memory")):
        if options.get(option) is not None:
            amounts[name] = options[option]
    cpus = options.get("num_cpus")

    def units(cpu: float) -> dict[str, int]:
        return {name: n for name, amount in {**amounts, "CPU": cpu}.items() if (n := units_of(name, amount)) > 0}

    return {
        "held": units(held_cpus if cpus is None else cpus),
        "placement": units(1 if cpus is None else cpus),
        "labelSelector": options.get("label_selector") or {},
        "strategy": compile_strategy(options.get("scheduling_strategy") or "DEFAULT"),
    }


def compile_actor(class_name: str, methods: list[list[Any]], is_async: bool, options: dict[str, Any]) -> dict[str, Any]:
    """The parts of `createActor` that come from options: info, limits, request, environment."""
    check_known(options, ACTOR_OPTIONS)
    lifetime = options.get("lifetime")
    if lifetime not in (None, "detached", "non_detached"):
        text = f'lifetime: expected "detached" or "non_detached", got {lifetime!r}'
        raise InvalidOptionError(text, option="lifetime")
    if options.get("get_if_exists") and not options.get("name"):
        raise InvalidOptionError("get_if_exists: expected a name beside it", option="get_if_exists")
    concurrency = whole(options, "max_concurrency", 1000 if is_async else 1, 1)
    given = any(options.get(name) is not None for name in ("num_cpus", "num_gpus", "resources"))
    ordered = not is_async and concurrency == 1 and options.get("allow_out_of_order_execution") is not True
    info = {
        "className": class_name,
        "name": options.get("name"),
        "namespace": options.get("namespace"),
        "methods": methods,
        "hasAsync": is_async,
        "ordered": ordered,
        "maxTaskRetries": whole(options, "max_task_retries", 0, -1),
        "retryExceptions": options.get("retry_exceptions") is True,
        "maxPendingCalls": whole(options, "max_pending_calls", -1, -1),
        "concurrencyGroups": options.get("concurrency_groups") or {},
        "detached": lifetime == "detached",
    }
    return {
        "info": info,
        "getIfExists": bool(options.get("get_if_exists", False)),
        "maxRestarts": whole(options, "max_restarts", 0, -1),
        "maxConcurrency": concurrency,
        "request": compile_request(options, 1 if given else 0),
        "runtimeEnv": compile_runtime_env(options.get("runtime_env")),
    }
