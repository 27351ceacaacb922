// What the code of an actor or task finds around it: its variables, its folder, its packages, its GPUs.
import { rmSync, symlinkSync } from "node:fs";
import Module from "node:module";
import { join } from "node:path";
import type { PreparedEnvironment } from "../control/index.ts";
import type { RuntimeEnv } from "../core/index.ts";
import { RuntimeEnvSetupError } from "../errors/index.ts";

/** What of an actor's or a lease's start is about the environment. */
interface Surroundings {
  readonly runtimeEnv: RuntimeEnv;
  readonly prepared?: PreparedEnvironment;
  readonly gpuIds: readonly string[];
}

/**
 * Sets this process up. Throws RuntimeEnvSetupError where the folder cannot be entered. `sessionFolder`: the node's.
 */
export function enterEnvironment({ runtimeEnv, prepared = {}, gpuIds }: Surroundings, sessionFolder: string): void {
  Object.assign(process.env, runtimeEnv.envVars);
  // Without GPUs the variable stays as it is, unless RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO asks for none, as in Ray.
  const { env } = process;
  const isSet = gpuIds.length > 0 || env["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] === "1";
  if (isSet && env["RAY_EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES"] !== "1") {
    env["CUDA_VISIBLE_DEVICES"] = gpuIds.join(",");
  }
  if (prepared.packages !== undefined) findPackagesIn(prepared.packages, sessionFolder);
  const workingDir = prepared.workingDir ?? runtimeEnv.workingDir;
  if (workingDir === undefined) return;
  try {
    process.chdir(workingDir);
  } catch (error) {
    throw new RuntimeEnvSetupError(`workingDir: ${workingDir} cannot be entered on this node`, {}, { cause: error });
  }
}

/** Modules that are not found otherwise are found there, by `import` (see runtime/typescript/hooks.js) and `require`. */
function findPackagesIn(folder: string, sessionFolder: string): void {
  const link = join(sessionFolder, "environments", `of-${process.pid}`);
  rmSync(link, { force: true });
  symlinkSync(folder, link);
  process.env["NODE_PATH"] = join(folder, "node_modules");
  (Module as unknown as { _initPaths(): void })._initPaths();
}
