// What the code of an actor or task finds around it: its variables, its folder, its GPUs.
import type { RuntimeEnv } from "../core/index.ts";
import { RuntimeEnvSetupError } from "../errors/index.ts";

/** Sets this process up. Throws RuntimeEnvSetupError where the folder cannot be entered. */
export function enterEnvironment({ envVars = {}, workingDir }: RuntimeEnv, gpuIds: readonly string[]): void {
  Object.assign(process.env, envVars);
  // Without GPUs the variable stays as it is, unless RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO asks for none, as in Ray.
  const { env } = process;
  const isSet = gpuIds.length > 0 || env["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] === "1";
  if (isSet && env["RAY_EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES"] !== "1") {
    env["CUDA_VISIBLE_DEVICES"] = gpuIds.join(",");
  }
  if (workingDir === undefined) return;
  try {
    process.chdir(workingDir);
  } catch (error) {
    throw new RuntimeEnvSetupError(`workingDir: ${workingDir} cannot be entered on this node`, {}, { cause: error });
  }
}
