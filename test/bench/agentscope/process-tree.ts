/** Memory and CPU time of this process and all below it, by what they are. Linux only. */

import { readdirSync, readFileSync } from "node:fs";

const CLOCK_TICKS = 100;

/** One process as /proc shows it. */
export interface ProcessFacts {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
  /** User and system time of it and of its ended children. */
  readonly cpuSeconds: number;
}

/** The processes below `root`, and itself. */
export function processTree(root: number = process.pid): ProcessFacts[] {
  const all = new Map<number, ProcessFacts>();
  for (const name of readdirSync("/proc")) {
    const facts = /^\d+$/.test(name) ? factsOf(Number(name)) : undefined;
    if (facts) all.set(facts.pid, facts);
  }
  const isBelow = (pid: number): boolean => pid === root || (all.has(pid) && isBelow(all.get(pid)?.parent ?? 0));
  return [...all.values()].filter(({ pid }) => isBelow(pid));
}

/** Its share of the memory it uses, in bytes: pages that several processes use are counted once in the sum. */
export function memoryOf(pid: number): number {
  const kilobytes = /^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`) ?? "")?.[1];
  return Number(kilobytes ?? 0) * 1024;
}

function factsOf(pid: number): ProcessFacts | undefined {
  const stat = read(`/proc/${pid}/stat`);
  const fields = stat
    ?.slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
  if (!fields) return undefined;
  const ticks = [11, 12, 13, 14].reduce((sum, at) => sum + (fields[at] ?? 0), 0);
  const command = read(`/proc/${pid}/cmdline`)?.replaceAll("\0", " ") ?? "";
  return { pid, parent: fields[1] ?? 0, command, cpuSeconds: ticks / CLOCK_TICKS };
}

/** A process may end while it is looked at. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
