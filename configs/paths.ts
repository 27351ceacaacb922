/** Where the paths in a configuration lead. */

import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";

/** Where relative paths are looked up, in this order. */
export interface Folders {
  /** The YAML's own folder. */
  readonly yaml: string;
  /** The folder that the command runs in. */
  readonly working: string;
}

/** The absolute path: where it exists seen from the YAML's folder, else seen from the working folder. `~/` is home. */
export function resolvePath(path: string, folders: Folders): string {
  if (path.startsWith("~/")) return join(homedir(), path.slice(2));
  if (isAbsolute(path)) return path;
  const beside = resolve(folders.yaml, path);
  return existsSync(beside) ? beside : resolve(folders.working, path);
}

/** A data set's folder as an absolute path where there is one, else the hub's name of it. */
export function resolveDataset(path: string, folders: Folders): string {
  const resolved = resolvePath(path, folders);
  return existsSync(resolved) || !isHubName(path) ? resolved : path;
}

/** Whether `text` is written like a name on the hub: `gsm8k` or `openai/gsm8k`. */
export function isHubName(text: string): boolean {
  return /^[A-Za-z0-9][\w.-]*(\/[A-Za-z0-9][\w.-]*)?$/.test(text);
}
