/** Who of a process group still lives: a worker that outlives its leader holds its GPU. */

import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 20;

/** Process ids of the group that run; those that ended and were not yet waited for do not count. Linux only: else none. */
export function groupMembers(group: number): number[] {
  let names: string[];
  try {
    names = readdirSync("/proc");
  } catch {
    return [];
  }
  return names
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        // After the name in brackets: state, parent, group.
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "");
        const [state, , pgrp] = stat.split(" ");
        return Number(pgrp) === group && state !== "Z" && state !== "X";
      } catch {
        return false;
      }
    });
}

/** Waits until nothing of the group runs, at most `limitMs`. */
export async function untilGroupIsGone(group: number, limitMs: number): Promise<void> {
  const began = performance.now();
  while (groupMembers(group).length > 0 && performance.now() - began < limitMs) await sleep(POLL_MS);
}
