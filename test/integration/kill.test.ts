import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterAll, expect, test } from "vitest";
import { processesOf, Workplace } from "../fixtures/command-line.ts";

const places: Workplace[] = [];
afterAll(() => Promise.all(places.map((place) => place.remove())));

test("kill ends a run with all it started, says so, and leaves a stranger of the same name alone", async () => {
  const place = await Workplace.create();
  places.push(place);
  // A stranger with the same kind of command line, which a search by name would hit.
  const stranger = spawn("python3", [
    "-c",
    "import sys; print('up', flush=True); sys.stdin.read()",
    "vllm",
    "ray",
    "astune",
  ]);
  await once(stranger.stdout, "data");
  const run = place.start("submit", await place.configure(), "--set", "trainer_common.total_training_steps=1000");
  await expect
    .poll(async () => (await place.metrics().catch(() => [])).length, { timeout: 200_000 })
    .toBeGreaterThan(1);

  const kill = place.start("--kill=python|ray|vllm");
  expect(await kill.ended).toBe(0);
  expect(kill.output()).toMatch(/^ended astune submit .*run\.yaml \(process \d+\)/m);
  expect(await run.ended).toBe(130);
  expect(await processesOf(place)).toEqual([]);
  expect(stranger.exitCode).toBeNull();
  stranger.kill();

  const again = place.start("kill");
  expect(await again.ended).toBe(0);
  expect(again.output()).toBe("nothing of astune's is running here\n");
});
