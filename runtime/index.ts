// The public door of the runtime: Ray's vocabulary in camelCase, typed from the user's own classes.
//
//   await init();
//   const counter = remote(Counter).remote(0);
//   console.log(await counter.add.remote(1));
//   await shutdown();
export { exitActor, getActor, kill } from "./actors.ts";
export {
  availableResources,
  clusterResources,
  listActors,
  nodes,
  pendingReasons,
  placementGroup,
  placementGroupTable,
  removePlacementGroup,
  status,
} from "./cluster-state.ts";
export {
  type ActorId,
  type ActorOptions,
  type ActorState,
  type ActorStateName,
  type Bundle,
  type CancelOptions,
  type DeathCause,
  type JobId,
  type KillOptions,
  type LabelSelector,
  type MethodOptions,
  type NodeId,
  type NodeInfo,
  type ObjectId,
  ObjectRef,
  ObjectRefGenerator,
  type PendingReason,
  type PlacementGroup,
  type PlacementGroupId,
  type PlacementGroupOptions,
  type PlacementGroupState,
  type PlacementGroupStateName,
  type PlacementStrategy,
  type ResourceOptions,
  type RetryExceptions,
  type RuntimeEnv,
  type RuntimeStatus,
  type SchedulingStrategy,
  type TaskId,
  type TaskOptions,
} from "./core/index.ts";
export { init, isInitialized, shutdown } from "./current.ts";
export {
  ActorAlreadyExistsError,
  ActorDiedError,
  type ActorFacts,
  ActorHandleNotFoundError,
  ActorPlacementGroupRemoved,
  ActorUnavailableError,
  ActorUnschedulableError,
  AsyncioActorExit,
  AuthenticationError,
  CrossLanguageError,
  type ErrorClass,
  GetTimeoutError,
  InvalidOptionError,
  LocalRayletDiedError,
  NodeDiedError,
  ObjectFetchTimedOutError,
  ObjectFreedError,
  ObjectLostError,
  ObjectReconstructionFailedError,
  ObjectStoreFullError,
  OutOfDiskError,
  OutOfMemoryError,
  OwnerDiedError,
  PendingCallsLimitExceeded,
  PlacementGroupUnschedulableError,
  RayActorError,
  RayError,
  RaySystemError,
  RayTaskError,
  ReferenceCountingAssertionError,
  RuntimeEnvSetupError,
  registerErrorClass,
  SerializationError,
  TaskCancelledError,
  type TaskErrorFacts,
  TaskPlacementGroupRemoved,
  TaskUnschedulableError,
  WorkerCrashedError,
} from "./errors/index.ts";
export { cancel, type GetOptions, get, put, type WaitOptions, wait } from "./objects.ts";
export {
  type PythonMethodKind,
  type PythonMethods,
  type PythonOptions,
  pythonClass,
  pythonFunction,
} from "./python-code.ts";
export { method, remote } from "./remote.ts";
export type {
  ActorHandle,
  RemoteArguments,
  RemoteClass,
  RemoteFunction,
  RemoteMethod,
  RemoteResult,
} from "./remote-types.ts";
export { getGpuIds, getRuntimeContext, type RuntimeContext } from "./runtime-context.ts";
export type { InitOptions } from "./start-runtime.ts";
export { Tensor, type TypedArray } from "./wire/index.ts";
