/**
 * Records of the processes that astune started on this machine, so that they can be ended later by what they are
 * (process id and start time), never by a name. One small file each, in the user's state folder.
 */

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

export interface ProcessRecord {
  readonly pid: number;
  /** The kernel's start time of the process in clock ticks since boot; with the pid it names one process for ever. */
  readonly startTicks: string;
  /** What it is, for people. */
  readonly name: string;
  /** True where the process leads its own group, so that the whole group is ended with it. */
  readonly leadsGroup: boolean;
}

/** `$ASTUNE_STATE_DIR`, else `$XDG_STATE_HOME/astune`, else `~/.local/state/astune`. */
export function stateFolder(): string {
  const { ASTUNE_STATE_DIR: own, XDG_STATE_HOME: xdg } = process.env as Record<string, string | undefined>;
  return own ?? join(xdg ?? join(homedir(), ".local", "state"), "astune");
}

const folder = (): string => join(stateFolder(), "processes");

/** The start time of a running process, or undefined where there is none (a zombie counts as none). */
export function startTicksOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/**
 * Records a process that was just started. Call the returned function once it has ended. Where the state folder cannot
 * be written the process goes unrecorded: it then ends with its parent only.
 */
export function recordProcess(process: { pid: number; name: string; leadsGroup: boolean }): () => void {
  const startTicks = startTicksOf(process.pid);
  if (startTicks === undefined) return () => undefined;
  const file = join(folder(), `${process.pid}.json`);
  try {
    mkdirSync(folder(), { recursive: true, mode: 0o700 });
    writeFileSync(file, JSON.stringify({ ...process, startTicks } satisfies ProcessRecord), { mode: 0o600 });
  } catch {
    return () => undefined;
  }
  return () => rmSync(file, { force: true });
}

/** The recorded processes that still run; records of others are removed. */
export function recordedProcesses(): ProcessRecord[] {
  let names: string[] = [];
  try {
    names = readdirSync(folder());
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    const file = join(folder(), name);
    const record = parse(file);
    if (record !== undefined && isRunning(record)) return [record];
    rmSync(file, { force: true });
    return [];
  });
}

/** True while the recorded process, and not a later one with its number, is running. */
export const isRunning = (record: ProcessRecord): boolean => startTicksOf(record.pid) === record.startTicks;

function parse(file: string): ProcessRecord | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as ProcessRecord;
  } catch {
    return undefined;
  }
}
