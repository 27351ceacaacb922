/**
 * A head at rest, ours and Ray's: from start to ready, processes, memory and CPU of everything that the command started. Ours
 * alone and with one worker on the same machine, with its object store and its warm hosts, as Ray's head is always one. Each
 * is started several times; figures are medians. Memory is read once the processes have stopped working.
 */

import { loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { BenchOptions, BenchRow } from "../bench.ts";
import { installRay, rayName } from "../runtime/ray.ts";
import { type Usage, usageOf } from "./process-tree.ts";
import { type Started, startOurs, startRay } from "./systems.ts";

/** One start, and the rest after it. */
interface Run {
  readonly seconds: number;
  /** CPU time up to ready. */
  readonly cpu: number;
  readonly rest: Usage;
  /** Share of one core while nothing is asked of it. */
  readonly idle: number;
}

const repeats = 5;
const rayRepeats = 3;
/** At rest: less than this share of a core over a second. */
const restShare = 0.1;
const longestUnrestMs = 30_000;

/** `--seconds`: of the window in which idle CPU is measured. */
export async function headAtRest(options: BenchOptions): Promise<BenchRow[]> {
  const seconds = Number(options.seconds ?? 5);
  await installRay();
  // The first start makes the bundles that later ones run; the worker's hosts have theirs when it is at rest.
  await runs("astune, to make its bundles", 1, 0.1, () => startOurs(true));
  const alone = await runs("astune-head alone", repeats, seconds, () => startOurs(false));
  const both = await runs("astune-head and a worker", repeats, seconds, () => startOurs(true));
  const ray = await runs(rayName, rayRepeats, seconds, startRay);
  return [
    ...rows("head alone", alone, ray, { ready: 0.4, processes: 1, megabytes: 100 }),
    ...rows("head with a worker", both, ray, { ready: 0.8, megabytes: 250 }),
  ];
}

async function runs(name: string, count: number, seconds: number, start: () => Promise<Started>): Promise<Run[]> {
  const all: Run[] = [];
  for (let i = 0; i < count; i += 1) {
    process.stderr.write(`${name}: start ${i + 1} of ${count}\n`);
    const system = await start();
    try {
      all.push(await observe(system, seconds));
    } finally {
      await system.close();
    }
  }
  return all;
}

async function observe(system: Started, seconds: number): Promise<Run> {
  const cpu = usageOf(system.name, system.apart).cpuSeconds;
  const deadline = performance.now() + longestUnrestMs;
  while (performance.now() < deadline && (await shareOfCore(system, 1)) > restShare);
  const rest = usageOf(system.name, system.apart);
  return { seconds: system.readySeconds, cpu, rest, idle: await shareOfCore(system, seconds) };
}

async function shareOfCore(system: Started, seconds: number): Promise<number> {
  const before = usageOf(system.name, system.apart).cpuSeconds;
  const start = performance.now();
  await sleep(seconds * 1000);
  return Math.max(0, ((usageOf(system.name, system.apart).cpuSeconds - before) * 1000) / (performance.now() - start));
}

interface Goals {
  readonly ready: number;
  readonly processes?: number;
  readonly megabytes: number;
}

function rows(name: string, ours: readonly Run[], ray: readonly Run[], goals: Goals): BenchRow[] {
  const row = (what: string, unit: string, of: (run: Run) => number, goal: number | undefined, note = ""): BenchRow => {
    const [own, its] = [ours.map(of), ray.map(of)];
    const wanted = goal === undefined ? "" : `goal ${goal}; `;
    const spread = `${wanted}${range(own)}, ${rayName} ${range(its)}${note}`;
    return { name: `${name}: ${what}`, ours: median(own), unit, anchor: median(its), anchorName: rayName, spread };
  };
  const cpu = `; CPU until ready ${median(ours.map((run) => run.cpu))} s, Ray's ${median(ray.map((run) => run.cpu))} s`;
  return [
    row("start to ready", "s", (run) => run.seconds, goals.ready, `${cpu}; load ${loadavg()[0]?.toFixed(1)}`),
    row("processes", "", (run) => run.rest.processes, goals.processes),
    row("threads", "", (run) => run.rest.threads, undefined),
    row("memory, RSS", "MB", (run) => run.rest.rssBytes / 1e6, goals.megabytes),
    row("memory, PSS", "MB", (run) => run.rest.pssBytes / 1e6, undefined),
    row("idle CPU", "% of a core", (run) => run.idle * 100, undefined),
  ];
}

const round = (value: number): number => Number(value.toPrecision(3));

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return round(sorted[sorted.length >> 1] ?? Number.NaN);
}

function range(values: readonly number[]): string {
  return `${round(Math.min(...values))}–${round(Math.max(...values))}`;
}
