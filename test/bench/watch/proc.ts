/** Processes as /proc shows them: Linux only. A process may end while it is looked at; then there is nothing to say of it. */

import { readdirSync, readFileSync } from "node:fs";

const TICKS_PER_SECOND = 100;

/** One process. */
export interface ProcessFacts {
  readonly pid: number;
  readonly parent: number;
  /** `Z`: ended, and not collected yet. */
  readonly state: string;
  /** Its command line, blanks between the words; a program may overwrite it. */
  readonly command: string;
  /** User and system time of its own, and of its children that have ended and were collected. */
  readonly cpuSeconds: number;
  readonly endedChildrenCpuSeconds: number;
}

/** What a process takes. */
export interface ProcessMemory {
  readonly rssBytes: number;
  /** Its share: summed over processes, pages that several use count once. */
  readonly pssBytes: number;
}

export function factsOf(pid: number): ProcessFacts | undefined {
  const stat = read(pid, "stat");
  if (stat === undefined) return undefined;
  // The name before the last bracket may hold blanks.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const seconds = (at: number): number => (Number(fields[at]) + Number(fields[at + 1])) / TICKS_PER_SECOND;
  return {
    pid,
    parent: Number(fields[1]),
    state: fields[0] ?? "",
    command: read(pid, "cmdline")?.replaceAll("\0", " ") ?? "",
    cpuSeconds: seconds(11),
    endedChildrenCpuSeconds: seconds(13),
  };
}

/** `roots` and every process below one of them, those left out that have ended. */
export function processesBelow(roots: Iterable<number>): ProcessFacts[] {
  const all = new Map<number, ProcessFacts>();
  for (const name of readdirSync("/proc")) {
    const facts = /^\d+$/.test(name) ? factsOf(Number(name)) : undefined;
    if (facts !== undefined && facts.state !== "Z") all.set(facts.pid, facts);
  }
  const wanted = new Set(roots);
  const isBelow = (pid: number): boolean => wanted.has(pid) || (all.has(pid) && isBelow(all.get(pid)?.parent ?? 0));
  return [...all.values()].filter(({ pid }) => isBelow(pid));
}

export function memoryOf(pid: number): ProcessMemory | undefined {
  const text = read(pid, "smaps_rollup");
  if (text === undefined) return undefined;
  const bytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0) * 1024;
  return { rssBytes: bytes("Rss"), pssBytes: bytes("Pss") };
}

/** Number of entries of a process's folder: `task` are its threads, `fd` its open files. */
export function countOf(pid: number, folder: "task" | "fd"): number | undefined {
  try {
    return readdirSync(`/proc/${pid}/${folder}`).length;
  } catch {
    return undefined;
  }
}

function read(pid: number, name: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch {
    return undefined;
  }
}
