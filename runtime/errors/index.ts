// Every error of the runtime, under Ray's names.
export * from "./actor-errors.ts";
export * from "./object-errors.ts";
export { InvalidOptionError, RayError } from "./ray-error.ts";
export { type ErrorClass, errorClass, registerErrorClass, runtimeErrorClass } from "./registry.ts";
export * from "./system-errors.ts";
export { RayTaskError, type TaskErrorFacts, userClassName } from "./task-error.ts";
