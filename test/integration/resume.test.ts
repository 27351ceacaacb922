import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { processesOf, Workplace } from "../fixtures/command-line.ts";

const places: Workplace[] = [];
afterAll(() => Promise.all(places.map((place) => place.remove())));

const SETTINGS = [
  "deterministic=true",
  "seed=11",
  "trainer_common.total_training_steps=4",
  "trainer_common.save_freq=2",
  "trainer_common.val_max_num_task_each_validation=2",
  "debug.debug_max_parallel=4",
];

async function open(): Promise<Workplace> {
  const place = await Workplace.create();
  places.push(place);
  return place;
}

/** What a run computed: its metrics without the clock's. */
async function numbers(place: Workplace): Promise<unknown[]> {
  return (await place.metrics()).map((row) =>
    Object.fromEntries(Object.entries(row).filter(([key]) => !/^(time|throughput)\//.test(key))),
  );
}

test("a run that was killed by SIGKILL continues with the same numbers and weights as an unbroken one", async () => {
  const unbroken = await open();
  expect((await unbroken.submit(SETTINGS)).code).toBe(0);

  const broken = await open();
  const file = await broken.configure();
  const flags = SETTINGS.flatMap((setting) => ["--set", setting]);
  const first = broken.start("submit", file, ...flags);
  await expect
    .poll(async () => (await broken.metrics().catch(() => [])).length, { timeout: 200_000 })
    .toBeGreaterThan(3);
  first.child.kill("SIGKILL");
  expect(await first.ended).toBe("SIGKILL");
  await expect.poll(() => processesOf(broken), { timeout: 30_000 }).toEqual([]);
  expect(await broken.checkpoints()).toContain("step-000002");

  const second = broken.start("submit", file, ...flags, "--resume");
  expect(await second.ended).toBe(0);
  expect(second.output()).toMatch(/resumed after step [23]/);
  expect(await numbers(broken)).toEqual(await numbers(unbroken));
  const weights = (place: Workplace): Promise<Buffer> => readFile(join(place.experiment, "model", "model.safetensors"));
  expect((await weights(broken)).equals(await weights(unbroken))).toBe(true);
});

test("a run goes on after Ctrl-C, which ends everything it started", async () => {
  const place = await open();
  const file = await place.configure();
  const first = place.start("submit", file);
  await expect
    .poll(async () => (await place.metrics().catch(() => [])).length, { timeout: 200_000 })
    .toBeGreaterThan(1);
  first.child.kill("SIGINT");
  expect(await first.ended).toBe(130);
  expect(first.output()).toContain("--resume");
  expect(await processesOf(place)).toEqual([]);
  await rm(join(place.experiment, "summary.json"), { force: true });
  const second = place.start("submit", file, "--resume");
  expect(await second.ended).toBe(0);
});
