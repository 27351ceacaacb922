import { afterEach, beforeEach, expect, test } from "vitest";
import type { Episode, EpisodeRequest } from "../../../actors/index.ts";
import { type RolloutHandle, RolloutPool } from "../../../backbones/trinity/rollout-pool.ts";
import { type ActorHandle, init, kill, remote, shutdown } from "../../../runtime/index.ts";
import { episodeOf } from "../loop/scripted-crew.ts";

beforeEach(() => init({ local: true, wire: true }));
afterEach(() => shutdown());

/** Runs an episode until it is told to finish. */
class HeldRollout {
  readonly name: string;
  #waiting: (() => void)[] = [];

  constructor(name: string) {
    this.name = name;
  }

  async runEpisode(request: EpisodeRequest): Promise<Episode> {
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return { ...episodeOf(request, "finished"), judgeInput: { name: this.name } };
  }

  async running(): Promise<number> {
    return this.#waiting.length;
  }

  async release(): Promise<void> {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async close(): Promise<void> {}
}

type Held = ActorHandle<HeldRollout>;

const request = (repeat: number): EpisodeRequest => ({
  episodeId: `e${repeat}`,
  task: { taskId: "t", mainQuery: "?", initMessages: [], envType: "no_env", metadata: {} },
  split: "train",
  step: 1,
  repeat,
  sampling: { temperature: 1, topP: 1, topK: -1 },
  timeoutMs: 1000,
});

async function open(actors: number): Promise<{ pool: RolloutPool; made: Held[]; said: string[] }> {
  const made: Held[] = [];
  const said: string[] = [];
  const pool = await RolloutPool.start({
    actors,
    say: (line) => said.push(line),
    make: async () => {
      const actor = remote(HeldRollout).remote(`actor ${made.length}`);
      made.push(actor);
      return actor as RolloutHandle;
    },
  });
  return { pool, made, said };
}

test("episodes are balanced over the actors by how many run", async () => {
  const { pool, made } = await open(2);
  const episodes = Array.from({ length: 6 }, (_, repeat) => pool.run(request(repeat)));
  await expect.poll(() => Promise.all(made.map((actor) => actor.running.remote()))).toEqual([3, 3]);
  await made[0]?.release.remote();
  await Promise.race(episodes);
  episodes.push(pool.run(request(6)));
  await expect.poll(() => Promise.all(made.map((actor) => actor.running.remote()))).toEqual([1, 3]);
  for (const actor of made) await actor.release.remote();
  await Promise.all(episodes);
  await pool.close();
});

test("the death of an actor costs its episodes, and another takes its place", async () => {
  const { pool, made, said } = await open(1);
  const lost = [pool.run(request(0)), pool.run(request(1))];
  await expect.poll(() => made[0]?.running.remote()).toBe(2);
  await kill(made[0] as Held);
  const episodes = await Promise.all(lost);
  expect(episodes.map((episode) => episode.status)).toEqual(["failed", "failed"]);
  expect(episodes[0]?.error).toMatch(/killed|died|ended/);
  expect(said).toHaveLength(1);

  const next = pool.run(request(2));
  await expect.poll(() => made[1]?.running.remote()).toBe(1);
  await made[1]?.release.remote();
  expect((await next).judgeInput).toEqual({ name: "actor 1" });
  await pool.close();
});
