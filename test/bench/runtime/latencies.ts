/** Figures that Ray's benchmark lacks: how fast actors are there, and what 100 MB cost. */

import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { type ActorHandle, get, kill, put, remote } from "../../../runtime/index.ts";
import { Actor } from "./actors.ts";
import type { RayRow } from "./ray.ts";

const bytes = 100_000_000;

/** Rows by the names that ray_rows.py gives them. */
export async function latencies(): Promise<RayRow[]> {
  const all = [await atOnce(), await oneAfterAnother()];
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

async function atOnce(): Promise<RayRow> {
  const rates: number[] = [];
  for (let run = 0; run < 3; run += 1) {
    const start = performance.now();
    const actors = Array.from({ length: 20 }, () => remote(Actor).options({ numCpus: 0 }).remote());
    await get(actors.map((actor) => actor.smallValue.remote()));
    rates.push(20_000 / (performance.now() - start));
    for (const actor of actors) await kill(actor);
    await sleep(2_000 * Math.max(1, 4 / availableParallelism()));
  }
  const mean = rates.reduce((a, b) => a + b, 0) / rates.length;
  return { name: "20 actors at once, created and answering", mean, sd: 0, unit: "per s" };
}

async function oneAfterAnother(): Promise<RayRow> {
  const count = 40;
  const start = performance.now();
  for (let i = 0; i < count; i += 1) {
    const actor = remote(Actor).options({ numCpus: 0 }).remote();
    await actor.smallValue.remote();
    await kill(actor);
  }
  const mean = (count * 1000) / (performance.now() - start);
  return { name: "actors one after another, created and answering", mean, sd: 0, unit: "per s" };
}

async function hundredMegabytes(name: string, value: Uint8Array, actor: ActorHandle<Actor>): Promise<RayRow[]> {
  const times: Record<string, number[]> = { put: [], get: [], "pass to an actor": [] };
  const timed = async (what: string, body: () => Promise<unknown>) => {
    const start = performance.now();
    await body();
    times[what]?.push(performance.now() - start);
  };
  for (let run = 0; run < 12; run += 1) {
    const start = performance.now();
    const ref = put<Uint8Array>(value);
    await get(ref);
    times["put"]?.push(performance.now() - start);
    await timed("get", async () => {
      if ((await get(ref)).length !== bytes) throw new Error("not what was put");
    });
    await timed("pass to an actor", async () => {
      if ((await actor.size.remote(ref)) !== bytes) throw new Error("not what was put");
    });
  }
  return Object.entries(times).map(([what, values]) => {
    const sorted = values.slice(2).sort((a, b) => a - b);
    return { name: `100 MB ${name}, ${what}`, mean: sorted[sorted.length >> 1] as number, sd: 0, unit: "ms" };
  });
}
