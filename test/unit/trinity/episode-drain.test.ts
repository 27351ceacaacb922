import { expect, test } from "vitest";
import { EpisodeDrain } from "../../../backbones/trinity/episode-drain.ts";

/** An episode that ends when it is told. */
function episode(drain: EpisodeDrain): { engine: Promise<number>; end: () => void; over: Promise<unknown> } {
  let end = (): void => {};
  let begin = (_: number): void => {};
  const engine = new Promise<number>((resolve) => {
    begin = resolve;
  });
  const over = drain.onOneEngine((which) => {
    begin(which);
    return new Promise<void>((resolve) => {
      end = resolve;
    });
  });
  return { engine, end: () => end(), over };
}

test("episodes are spread over the engines", async () => {
  const drain = new EpisodeDrain(3);
  const episodes = Array.from({ length: 6 }, () => episode(drain));
  const engines = await Promise.all(episodes.map((each) => each.engine));
  expect(engines.sort()).toEqual([0, 0, 1, 1, 2, 2]);
});

test("an engine gets new weights when its own episodes are over, and no new ones until then", async () => {
  const drain = new EpisodeDrain(2);
  const [first, second] = [episode(drain), episode(drain)];
  expect([await first.engine, await second.engine]).toEqual([0, 1]);
  const order: string[] = [];
  const swaps = [0, 1].map((engine) => drain.whenDry(engine, async () => void order.push(`swap ${engine}`)));
  const third = episode(drain);
  second.end();
  await swaps[1];
  // Engine 1 is open again, with new weights, while engine 0 still waits for its episode.
  expect(await third.engine).toBe(1);
  expect(order).toEqual(["swap 1"]);
  first.end();
  await swaps[0];
  expect(order).toEqual(["swap 1", "swap 0"]);
});

test("an engine is open again after a swap that failed", async () => {
  const drain = new EpisodeDrain(1);
  await expect(drain.whenDry(0, () => Promise.reject(new Error("no room")))).rejects.toThrow("no room");
  expect(await episode(drain).engine).toBe(0);
});
