// Errors of tasks and of the system under them: cancelled, crashed, not placeable, environment, authentication.
import { RayError } from "./ray-error.ts";

/** The call was cancelled. */
export class TaskCancelledError extends RayError {
  override readonly code = "TASK_CANCELLED";
  declare readonly taskId: string;
}

/** The task asks for what no node has, so it can never be placed. `reasons` has one line for each refusal. */
export class TaskUnschedulableError extends RayError {
  override readonly code = "TASK_UNSCHEDULABLE";
  declare readonly reasons: readonly string[];
}

/** The placement group that the task was placed in has been removed. */
export class TaskPlacementGroupRemoved extends RayError {
  override readonly code = "TASK_PLACEMENT_GROUP_REMOVED";
  declare readonly placementGroupId: string;
}

/** The placement group asks for what the nodes together do not have. `reasons` has one line for each refusal. */
export class PlacementGroupUnschedulableError extends RayError {
  override readonly code = "PLACEMENT_GROUP_UNSCHEDULABLE";
  declare readonly placementGroupId: string;
  declare readonly reasons: readonly string[];
}

/** The process that ran the task ended under it. */
export class WorkerCrashedError extends RayError {
  override readonly code = "WORKER_CRASHED";
}

/** The node agent of this process is gone. */
export class LocalRayletDiedError extends RayError {
  override readonly code = "LOCAL_RAYLET_DIED";
}

/** The node that ran the task is gone. */
export class NodeDiedError extends RayError {
  override readonly code = "NODE_DIED";
}

/** The task was ended because its node ran out of memory. */
export class OutOfMemoryError extends RayError {
  override readonly code = "OUT_OF_MEMORY";
}

/** The runtime environment asked for could not be made. */
export class RuntimeEnvSetupError extends RayError {
  override readonly code = "RUNTIME_ENV_SETUP";
}

/** The token is missing or wrong. */
export class AuthenticationError extends RayError {
  override readonly code = "AUTHENTICATION";
}

/** The runtime itself is not in a state to do this: not started, started twice, shut down. */
export class RaySystemError extends RayError {
  override readonly code = "RAY_SYSTEM";
}
