/**
 * The runtime beside Ray, row by row, in one run on one machine: Ray's own benchmark bodies on Ray, and the same on ours,
 * through the public API with references, retries and ownership on, between separate processes, values checked. The unit is
 * operations per second, or milliseconds for the rows that say so.
 */

import { loadavg } from "node:os";
import { init, shutdown } from "../../../runtime/index.ts";
import type { BenchOptions, BenchRow } from "../bench.ts";
import { goalOf } from "./goals.ts";
import { actorCreation, largeObjects } from "./latencies.ts";
import { installRay, type RayRow, rayName, rayRows } from "./ray.ts";
import { type Body, rows } from "./rows.ts";

/** Processes kept ready for the rows that create actors: as many as are created at once. */
const warmHosts = 20;

/** `--seconds`: of one window; each row has four. */
export async function runtimeSpeed(options: BenchOptions): Promise<BenchRow[]> {
  const seconds = Number(options.seconds ?? 2);
  await installRay();
  const rays = new Map<string, RayRow>();
  for (const group of ["calls", "groups", "latency"]) {
    process.stderr.write(`${rayName}: ${group}\n`);
    for (const row of await rayRows(group, seconds)) rays.set(row.name, row);
  }
  const ours: RayRow[] = [];
  await init({ address: "local", resources: { custom: 100 } });
  for await (const body of rows()) {
    process.stderr.write(`astune: ${body.name}\n`);
    ours.push(await measured(body, seconds));
  }
  process.stderr.write("astune: 100 MB\n");
  ours.push(...(await largeObjects()));
  await shutdown();
  process.stderr.write("astune: creation of actors\n");
  await init({ address: "local", warmHosts });
  ours.push(...(await actorCreation(warmHosts)));
  await shutdown();
  return ours.map((row) => beside(row, rays));
}

async function measured({ name, operations, run }: Body, seconds: number): Promise<RayRow> {
  const rates: number[] = [];
  // As in Ray's benchmark: the clock is read after each tenth of what the warm-up could do.
  let step = 1;
  let count = 0;
  const window = async (length: number): Promise<number> => {
    const start = performance.now();
    count = 0;
    while (performance.now() - start < length * 1000) {
      for (let i = 0; i < step; i += 1) await run();
      count += step;
    }
    return (operations * count * 1000) / (performance.now() - start);
  };
  await window(seconds / 2);
  step = Math.floor(count / 10) + 1;
  for (let i = 0; i < 4; i += 1) rates.push(await window(seconds));
  const mean = rates.reduce((a, b) => a + b, 0) / rates.length;
  const sd = Math.sqrt(rates.reduce((sum, rate) => sum + (rate - mean) ** 2, 0) / rates.length);
  return { name, mean, sd, unit: "per s" };
}

function beside(row: RayRow, rays: ReadonlyMap<string, RayRow>): BenchRow {
  const { name, mean, sd, unit, note } = row;
  const round = (value: number): number => Number(value.toPrecision(4));
  const ray = rayFor(row, rays);
  const goal = goalOf(name, unit);
  const spread = [`± ${round(sd)}`, `Ray's ± ${round(ray?.sd ?? 0)}`, `load ${loadavg()[0]?.toFixed(1)}`, note ?? []];
  return {
    name,
    ours: round(mean),
    unit,
    ...(ray && { anchor: round(ray.mean), anchorName: ray.name === name ? rayName : `${rayName}, ${ray.name}` }),
    ...(goal && { goal }),
    spread: spread.flat().join(", "),
  };
}

/** The same row of Ray's; of large objects whichever of its two kinds is the faster. */
function rayFor({ name, unit }: RayRow, rays: ReadonlyMap<string, RayRow>): RayRow | undefined {
  if (unit !== "ms") return rays.get(name);
  const kinds = ["array", "bytes"].flatMap((kind) => rays.get(name.replace(/array|bytes/, kind)) ?? []);
  return kinds.sort((a, b) => a.mean - b.mean)[0];
}
