/** Where the Python interpreter of the training kernel lies. */

import { accessSync, constants } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { UserError } from "../../configs/index.ts";

/** The folder that holds the package: the one with `actors/` in it. */
const PACKAGE_ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

/**
 * The interpreter: `ASTUNE_PYTHON`, else the package's own environment in `.venv`.
 * Throws a `UserError` that says what to run when it is not there or cannot be executed.
 */
export function pythonPath(environment: NodeJS.ProcessEnv = process.env, packageRoot: string = PACKAGE_ROOT): string {
  const chosen = environment["ASTUNE_PYTHON"];
  const path = chosen === undefined || chosen === "" ? join(packageRoot, ".venv", "bin", "python") : chosen;
  try {
    accessSync(path, constants.X_OK);
  } catch (cause) {
    throw new UserError(
      {
        where: chosen ? "ASTUNE_PYTHON" : "Python",
        expected: "a Python interpreter with torch and transformers",
        found: `nothing that can be run at ${path}`,
        fix: chosen
          ? "set ASTUNE_PYTHON to a Python 3.11 that has them, or unset it"
          : "run `npm run quickstart`, which makes it, or set ASTUNE_PYTHON",
      },
      { cause },
    );
  }
  return path;
}
