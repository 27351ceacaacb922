// What every place that runs tasks and actors shares: references, handles, options, the running call's context, and the
// interface such a place implements.
export { type ActorTarget, makeHandle, targetOf } from "./actor-handle.ts";
export type { ActorSpec, KillOptions, RuntimeBackend, TaskSpec } from "./backend.ts";
export { callSite } from "./call-site.ts";
export {
  checkGroup,
  checkLabels,
  checkMethodOptions,
  compileActorOptions,
  compileCallOptions,
  compileTaskOptions,
  compileUnits,
} from "./compile-options.ts";
export type { CompiledActorOptions, CompiledCallOptions, CompiledTaskOptions } from "./compiled-options.ts";
export {
  currentContext,
  type ExecutionContext,
  outsideContext,
  reside,
  runInContext,
  runSynchronously,
} from "./execution-context.ts";
export * from "./ids.ts";
export {
  builtInMethods,
  kindOf,
  type MethodInfo,
  type MethodKind,
  type MethodTable,
  methodTable,
  setMethodOptions,
  type UserClass,
} from "./method-table.ts";
export { type CancelOptions, ObjectRef, type ObjectSlot, readWhenSettled, slotOf } from "./object-ref.ts";
export { ObjectRefGenerator, type StreamSource } from "./object-ref-generator.ts";
export * from "./options.ts";
export type { Bundle, PlacementGroup, PlacementGroupOptions, PlacementStrategy } from "./placement-group.ts";
export { checkRuntimeEnv, mergeRuntimeEnv, noRuntimeEnv, type RuntimeEnv } from "./runtime-env.ts";
export * from "./status.ts";
