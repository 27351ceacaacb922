// Runtime environments: what the code of an actor or a task needs around it, from the driver's folder to a node's copy of it.
export { inherited, JobEnvironment } from "./job-environment.ts";
export { NodeEnvironments } from "./node-environments.ts";
export { type PackagePart, PackageStore } from "./package-store.ts";
