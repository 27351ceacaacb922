/** Figures that Ray's benchmark lacks: how fast actors are there, and what 100 MB cost. */

import { type ActorHandle, get, kill, put, remote, wait } from "../../../runtime/index.ts";
import { Actor } from "./actors.ts";
import { warmPool } from "./pool.ts";
import type { RayRow } from "./ray.ts";

const bytes = 100_000_000;

/** How long 100 MB take to be stored, read and passed on: rows by the names that ray_rows.py gives them. */
export async function largeObjects(): Promise<RayRow[]> {
  const all: RayRow[] = [];
  const actor = remote(Actor).options({ numCpus: 0 }).remote();
  await actor.smallValue.remote();
  for (const [name, value] of [
    ["array", new Uint8Array(bytes).fill(1)],
    ["bytes", Buffer.alloc(bytes, 7)],
  ] as const) {
    all.push(...(await hundredMegabytes(name, value, actor)));
  }
  return all;
}

/** How fast actors are there, in a cluster that keeps `warmHosts` processes ready. */
export async function actorCreation(warmHosts: number): Promise<RayRow[]> {
  const { processes, megabytes } = await warmPool(warmHosts);
  const note = `warm pool of ${processes} processes, ${megabytes} MB`;
  return [await atOnce(warmHosts, note), await oneAfterAnother(note)];
}

async function atOnce(warmHosts: number, note: string): Promise<RayRow> {
  const rates: number[] = [];
  for (let run = 0; run < 3; run += 1) {
    const start = performance.now();
    const actors = Array.from({ length: 20 }, () => remote(Actor).options({ numCpus: 0 }).remote());
    expectOk(await get(actors.map((actor) => actor.smallValue.remote())), 20);
    rates.push(20_000 / (performance.now() - start));
    for (const actor of actors) await kill(actor);
    await warmPool(warmHosts);
  }
  const mean = rates.reduce((a, b) => a + b, 0) / rates.length;
  return { name: "20 actors at once, created and answering", mean, sd: deviation(rates, mean), unit: "per s", note };
}

/** 200 of them: ten times what the pool has. */
async function oneAfterAnother(note: string): Promise<RayRow> {
  const rates: number[] = [];
  const [parts, count] = [5, 40];
  for (let part = 0; part < parts; part += 1) {
    const start = performance.now();
    for (let i = 0; i < count; i += 1) {
      const actor = remote(Actor).options({ numCpus: 0 }).remote();
      expectOk([await actor.smallValue.remote()], 1);
      await kill(actor);
    }
    rates.push((count * 1000) / (performance.now() - start));
  }
  const mean = parts / rates.reduce((sum, rate) => sum + 1 / rate, 0);
  const name = "actors one after another, created and answering";
  return { name, mean, sd: deviation(rates, mean), unit: "per s", note };
}

async function hundredMegabytes(name: string, value: Uint8Array, actor: ActorHandle<Actor>): Promise<RayRow[]> {
  const times: Record<string, number[]> = { put: [], get: [], "pass to an actor": [] };
  const [first, last] = [value[0], value.at(-1)];
  for (let run = 0; run < 12; run += 1) {
    const timed = async <T>(what: string, body: () => Promise<T> | T): Promise<T> => {
      const start = performance.now();
      const result = await body();
      times[what]?.push(performance.now() - start);
      return result;
    };
    const start = performance.now();
    const ref = put<Uint8Array>(value);
    // As Ray's put: done when the node's store has it.
    await wait([ref]);
    times["put"]?.push(performance.now() - start);
    const got = await timed("get", () => get(ref));
    if (got.length !== bytes || got[0] !== first || got.at(-1) !== last) throw new Error("not what was put");
    const size = await timed("pass to an actor", () => actor.size.remote(ref));
    if (size !== bytes) throw new Error("not what was put");
  }
  return Object.entries(times).map(([what, values]) => {
    const kept = values.slice(2).sort((a, b) => a - b);
    const median = kept[kept.length >> 1] as number;
    return { name: `100 MB ${name}, ${what}`, mean: median, sd: deviation(kept, median), unit: "ms" };
  });
}

function expectOk(values: readonly Buffer[], count: number): void {
  if (values.length !== count || !values.every((value) => value.toString() === "ok")) {
    throw new Error("the values are not what was sent");
  }
}

function deviation(values: readonly number[], mean: number): number {
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}
