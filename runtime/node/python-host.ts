// How a Python host is started: the interpreter, and the folders of this package that its code is imported from.
import { accessSync, constants } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { HostProgram } from "./host-process.ts";

const packageFolder = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** Where a module is looked for after all other folders: the runtime's own, and the package that user's code imports. */
const folders = [join(packageFolder, "runtime", "python"), join(packageFolder, "actors", "python")];

/**
 * The interpreter of the Python hosts: `ASTUNE_HOST_PYTHON`, else the environment made for them, else the package's own,
 * else what the PATH has.
 */
export function hostPython(environment: NodeJS.ProcessEnv = process.env): string {
  const chosen = environment["ASTUNE_HOST_PYTHON"];
  if (chosen !== undefined && chosen !== "") return chosen;
  const path = (environment["PATH"] ?? "").split(delimiter);
  const candidates = [
    ...[".venv-hosts", ".venv"].map((folder) => join(packageFolder, folder, "bin", "python")),
    ...["python3.11", "python3"].flatMap((name) => path.map((folder) => join(folder, name))),
  ];
  return candidates.find(canRun) ?? "python3";
}

export function pythonHost(python: string, environment: NodeJS.ProcessEnv = process.env): HostProgram {
  const given = environment["PYTHONPATH"];
  const all = given === undefined || given === "" ? folders : [...folders, given];
  return {
    command: python,
    args: (settings) => ["-u", "-m", "astune_runtime", settings],
    env: { PYTHONPATH: all.join(delimiter) },
  };
}

function canRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
