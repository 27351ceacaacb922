// All code of the local runtime runs in this one process, so an environment can only be had if it is here already.
import { resolve } from "node:path";
import type { RuntimeEnv } from "../core/index.ts";
import { RuntimeEnvSetupError } from "../errors/index.ts";

/** Why this environment cannot be had in this process; undefined if it is what the process has. */
export function runtimeEnvProblem({ envVars = {}, workingDir }: RuntimeEnv): RuntimeEnvSetupError | undefined {
  const differs = Object.entries(envVars).filter(([name, value]) => process.env[name] !== value);
  const parts = differs.map(([name]) => `the variable ${name}`);
  if (workingDir !== undefined && resolve(workingDir) !== process.cwd()) parts.push(`the working folder ${workingDir}`);
  if (parts.length === 0) return undefined;
  const fix = "set it for the whole process, or leave it out of runtimeEnv";
  return new RuntimeEnvSetupError(
    `the local runtime has one process and cannot give ${parts.join(" and ")} to one actor: ${fix}`,
  );
}
