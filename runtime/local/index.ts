// The local runtime's door.
export { LocalRuntime, type LocalRuntimeOptions } from "./local-runtime.ts";
