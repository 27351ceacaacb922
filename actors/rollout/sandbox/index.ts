/** The door of the sandbox: where `execute_python_code` runs. */
export { openSandbox } from "./open-sandbox.ts";
export { type Sandbox, SandboxError, type SandboxLimits, type SandboxResult } from "./sandbox.ts";
