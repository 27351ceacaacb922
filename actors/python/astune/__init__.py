"""astune for Python.

The runtime, Ray's vocabulary over the cluster's own protocol:

    import astune
    astune.init(address="127.0.0.1:6379", token=token)
    counter = astune.remote(Counter).remote(0)
    print(astune.get(counter.add.remote(1)))

Workflows and judges: `Workflow`, `WorkflowTask`, `WorkflowOutput`, `ModelTuner`, `JudgeBase`.
"""

from __future__ import annotations

import importlib
from typing import Any

_RUNTIME = "astune_runtime.api"
_STATE = "astune_runtime.cluster_state"
_SCHEDULING = "astune_runtime.scheduling"
_ERRORS = "astune_runtime.errors"
_EXPORTS = {
    **dict.fromkeys(("init", "shutdown", "is_initialized", "remote", "get", "put", "wait", "cancel", "kill"), _RUNTIME),
    **dict.fromkeys(("get_actor", "exit_actor", "get_runtime_context"), _RUNTIME),
    **dict.fromkeys(("nodes", "cluster_resources", "available_resources", "placement_group"), _STATE),
    **dict.fromkeys(("remove_placement_group", "placement_group_table"), _STATE),
    **dict.fromkeys(("PlacementGroupSchedulingStrategy", "NodeAffinitySchedulingStrategy"), _SCHEDULING),
    "NodeLabelSchedulingStrategy": _SCHEDULING,
    "PlacementGroup": "astune_runtime.placement_groups",
    "PlacementGroupUnschedulableError": _ERRORS,
    "method": "astune_runtime.actor_info",
    "register_error_class": _ERRORS,
    **dict.fromkeys(("RayError", "RayTaskError", "RayActorError", "ActorDiedError", "ActorUnavailableError"), _ERRORS),
    **dict.fromkeys(("GetTimeoutError", "TaskCancelledError", "RuntimeEnvSetupError", "AuthenticationError"), _ERRORS),
    "ObjectRef": "astune_runtime.object_ref",
    "ObjectRefGenerator": "astune_runtime.object_stream",
    "ActorHandle": "astune_runtime.actor_handles",
    **dict.fromkeys(("Task", "WorkflowTask", "WorkflowOutput"), "astune.workflow_task"),
    "Workflow": "astune.workflow",
    "JudgeBase": "astune.judge",
    "Tuner": "astune.tuner",
    "ModelTuner": "astune.model_tuner",
}

__all__ = sorted(_EXPORTS)


def __getattr__(name: str) -> Any:
    """What is asked for is imported then: a driver needs no workflow's packages, and a workflow no cluster."""
    module = _EXPORTS.get(name)
    if module is None:
        raise AttributeError(f"module astune has no {name}; it has {', '.join(__all__)}")
    value = getattr(importlib.import_module(module), name)
    globals()[name] = value
    return value
