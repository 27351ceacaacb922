// All code of the local runtime runs in this one process: a job's variables are the process's, and an actor's or a task's
// own environment can only be had if it is here already.
import { resolve } from "node:path";
import { mergeRuntimeEnv, type RuntimeEnv } from "../core/index.ts";
import { RuntimeEnvSetupError } from "../errors/index.ts";

/** Sets the job's variables; gives what sets them back. */
export function setVariables({ envVars = {} }: RuntimeEnv): () => void {
  const before = Object.keys(envVars).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, envVars);
  return () => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
}

/** Why this environment cannot be had in this process; undefined if it is what the process has. */
export function runtimeEnvProblem(job: RuntimeEnv, own: RuntimeEnv): RuntimeEnvSetupError | undefined {
  const { envVars = {}, workingDir, npm } = mergeRuntimeEnv(job, own);
  const differs = Object.entries(envVars).filter(([name, value]) => process.env[name] !== value);
  const parts = differs.map(([name]) => `the variable ${name}`);
  if (workingDir !== undefined && resolve(workingDir) !== process.cwd()) parts.push(`the working folder ${workingDir}`);
  if (npm !== undefined) parts.push("npm packages");
  if (parts.length === 0) return undefined;
  const fix = "set it for the whole process, or leave it out of runtimeEnv";
  return new RuntimeEnvSetupError(
    `the local runtime has one process and cannot give ${parts.join(" and ")} to one actor: ${fix}`,
  );
}
