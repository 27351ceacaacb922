/** Ray beside us: installed pinned into an environment of its own, run as its own benchmark. */

import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { execa } from "execa";

const root = resolve(import.meta.dirname, "..", "..", "..");
/** Where Ray is installed. */
export const rayEnvironment = join(root, ".astune", "ray");
const version = "2.60.0";

/** One of Ray's rows. */
export interface RayRow {
  readonly name: string;
  readonly mean: number;
  readonly sd: number;
  readonly unit: string;
  readonly note?: string;
}

/** What Ray is called in tables. */
export const rayName = `Ray ${version}`;

/** Installs Ray where it is not there yet. */
export async function installRay(): Promise<void> {
  const python = join(rayEnvironment, "bin", "python");
  if (existsSync(join(rayEnvironment, "lib", "python3.11", "site-packages", `ray-${version}.dist-info`))) return;
  process.stderr.write(`installing ${rayName} into ${rayEnvironment}\n`);
  await execa("python3.11", ["-m", "venv", rayEnvironment], { stdio: "inherit" });
  const packages = [`ray[default]==${version}`, "numpy==2.4.1"];
  await execa(python, ["-m", "pip", "install", "-q", "--disable-pip-version-check", ...packages], { stdio: "inherit" });
}

/** Runs one group of Ray's rows: `calls`, `groups` or `latency`. */
export async function rayRows(group: string, seconds: number): Promise<RayRow[]> {
  return rayLines(join(import.meta.dirname, "ray_rows.py"), group, String(seconds));
}

/** Runs a program that uses Ray; gives the JSON lines among what it prints. */
export async function rayLines<T>(script: string, ...args: string[]): Promise<T[]> {
  const { stdout } = await execa(join(rayEnvironment, "bin", "python"), [script, ...args], {
    stderr: "ignore",
    // Ray's workers give way to everything else by default: on a machine with other work they would hardly run.
    env: { RAY_USAGE_STATS_ENABLED: "0", RAY_worker_niceness: "0" },
  });
  return stdout.split("\n").flatMap((line) => (line.startsWith("{") ? [JSON.parse(line) as T] : []));
}
