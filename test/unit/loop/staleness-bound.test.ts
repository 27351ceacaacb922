import { appendFile, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Gate, groupNumber, inFolder, openRun, stepRows } from "./scheduled-run.ts";
import type { Script } from "./scripted-crew.ts";

const plans = fc.record({
  maxStaleness: fc.nat({ max: 4 }),
  totalSteps: fc.integer({ min: 1, max: 7 }),
  tasksPerStep: fc.integer({ min: 1, max: 4 }),
  dynamicSampling: fc.boolean(),
  repeats: fc.integer({ min: 2, max: 3 }),
  maxParallel: fc.integer({ min: 1, max: 12 }),
});

/** Rewards and failures that vary from task to task. */
const mishaps = fc.record({
  failEvery: fc.integer({ min: 3, max: 9 }),
  dullEvery: fc.integer({ min: 2, max: 9 }),
  slowEvery: fc.integer({ min: 5, max: 40 }),
});

function scriptOf({ failEvery, dullEvery }: { failEvery: number; dullEvery: number }): Script {
  const number = (taskId: string): number => Number(taskId.slice(1));
  return {
    status: (request) =>
      number(request.task.taskId) % failEvery === 0 && request.repeat === 0 ? "failed" : "finished",
    reward: (task, episode) => (number(task.taskId) % dullEvery === 0 ? 1 : episode.repeat % 2),
  };
}

test("in whatever order things end, no trained group is staler than the bound and no rollout further ahead than it", async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), plans, mishaps, async (scheduler, plan, mishap) => {
      await inFolder(async (folder) => {
        let episodes = 0;
        const gate: Gate = async (what, label) => {
          // Some episodes take as long as everything else that may go on without them.
          if (what === "episode" && ++episodes % mishap.slowEvery === 0) await sleep(20);
          await scheduler.schedule(Promise.resolve(), `${what} ${label}`);
        };
        const { crew, loop, experiment } = await openRun({ folder, plan, gate, script: scriptOf(mishap) });
        const summary = await scheduler.waitFor(loop.run());

        expect(summary.steps).toBe(plan.totalSteps);
        for (const { published, step } of crew.begun)
          expect(step - 1 - published).toBeLessThanOrEqual(plan.maxStaleness);
        for (const [index, samples] of crew.trained.entries()) {
          const version = crew.trainedVersions[index] as number;
          const oldest = Math.min(...samples.map((sample) => sample.weightVersions[1] as number));
          expect(version - oldest).toBeLessThanOrEqual(plan.maxStaleness);
          expect(new Set(samples.map((sample) => sample.tokenIds[0])).size).toBeLessThanOrEqual(plan.tasksPerStep);
        }
        for (const row of await stepRows(experiment)) {
          expect(row["staleness/max"]).toBeLessThanOrEqual(plan.maxStaleness);
          expect(row["buffer/dropped"]).toBe(0);
        }
      });
    }),
    { numRuns: 100 },
  );
});

/** A gate that lets everything through but what is named; `open` lets that through too. */
function holding(held: RegExp): { gate: Gate; open(): void; waiting: string[] } {
  const waiting: string[] = [];
  const wake: (() => void)[] = [];
  let isOpen = false;
  return {
    waiting,
    gate: async (what, label) => {
      if (isOpen || !held.test(`${what} ${label}`)) return;
      waiting.push(`${what} ${label}`);
      await new Promise<void>((resolve) => wake.push(resolve));
    },
    open: () => {
      isOpen = true;
      for (const each of wake.splice(0)) each();
    },
  };
}

test.each([0, 1, 3])(
  "rollouts run ahead of an update that does not end exactly as far as %i allows",
  async (maxStaleness) => {
    await inFolder(async (folder) => {
      const { gate, open, waiting } = holding(/^train 1$/);
      const plan = { maxStaleness, totalSteps: 6, tasksPerStep: 2, repeats: 2 };
      const { crew, loop, experiment } = await openRun({ folder, plan, gate });
      const run = loop.run();
      await expect.poll(() => waiting).toEqual(["train 1"]);
      const ahead = (1 + maxStaleness) * 2 * 2;
      await expect.poll(() => crew.begun.length).toBe(ahead);
      // Whatever could still begin has had its turn by the time a timer has.
      await sleep(50);
      expect(crew.begun).toHaveLength(ahead);
      open();
      await run;
      expect((await stepRows(experiment))[1]?.["time/held_seconds"]).toBeGreaterThan(0.04);
    });
  },
);

test("a group that takes long is waited for only when it would become too old", async () => {
  await inFolder(async (folder) => {
    const { gate, open } = holding(/^episode train-1-0-0-0-0$/);
    const plan = { maxStaleness: 2, totalSteps: 6, tasksPerStep: 2, repeats: 2, maxParallel: 100 };
    const { crew, loop, experiment } = await openRun({ folder, plan, gate });
    const run = loop.run();
    await expect.poll(() => crew.trained.length).toBe(2);
    await sleep(50);
    expect(crew.trained).toHaveLength(2);
    open();
    await run;
    const rows = await stepRows(experiment);
    expect(rows.map((row) => row["staleness/max"])?.[2]).toBe(2);
    expect(rows.map((row) => row["buffer/dropped"])).toEqual([0, 0, 0, 0, 0, 0]);
  });
});

test("younger groups are not trained where older ones will need their place", async () => {
  await inFolder(async (folder) => {
    // Six groups of the first weights run on: the steps 2 to 4 are theirs.
    const { gate, open } = holding(/^episode train-[234]-/);
    const plan = { maxStaleness: 3, totalSteps: 6, tasksPerStep: 2, repeats: 2, maxParallel: 100 };
    const { crew, loop, experiment } = await openRun({ folder, plan, gate });
    const run = loop.run();
    // Step 5 has begun with the weights of step 1, and is finished.
    await expect.poll(() => crew.begun.filter(({ step }) => step === 5).length).toBe(4);
    await sleep(50);
    expect(crew.trained).toHaveLength(1);
    open();
    await run;
    for (const row of await stepRows(experiment)) {
      expect(row["buffer/dropped"]).toBe(0);
      expect(row["staleness/max"]).toBeLessThanOrEqual(3);
    }
  });
});

test("with dynamic sampling every update has a full batch of mixed groups as long as there are some", async () => {
  await inFolder(async (folder) => {
    const script: Script = {
      reward: (task, episode) => (Number(task.taskId.slice(1)) % 5 === 0 ? 0 : episode.repeat % 2),
    };
    const plan = { maxStaleness: 2, totalSteps: 5, tasksPerStep: 4, dynamicSampling: true };
    const { crew, loop } = await openRun({ folder, plan, script, gate: async () => undefined });
    await loop.run();
    expect(crew.trained.map((samples) => samples.length)).toEqual([8, 8, 8, 8, 8]);
    expect(crew.trained.flat().every((sample) => sample.advantage !== 0)).toBe(true);
  });
});

test("a run that is killed with groups in its buffer and under way goes on with each of them trained once", async () => {
  await inFolder(async (folder) => {
    const plan = { maxStaleness: 2, totalSteps: 7, tasksPerStep: 3, repeats: 2, saveEvery: 2, maxParallel: 4 };
    const killed: Gate = async (what, label) => {
      if (what === "train" && label === "4") throw new Error("killed");
      // One slow group: it is under way when the checkpoint is written.
      if (label.startsWith("train-3-0-1-")) await sleep(300);
    };
    const first = await openRun({ folder, plan, gate: killed });
    await expect(first.loop.run()).rejects.toThrow("killed");
    const state = await readFile(join(first.experiment.checkpointFolder(2), "groups.jsonl"), "utf8");
    expect(state.split("\n").length).toBeGreaterThan(1);
    // What the killed run was writing after its checkpoint.
    await appendFile(join(folder, "episodes", "step-000003.jsonl"), "{}\n");

    const second = await openRun({ folder, plan, gate: async () => undefined, resume: true });
    const summary = await second.loop.run();
    const groups = [...first.crew.trained.slice(0, 2), ...second.crew.trained].map((samples) => [
      ...new Set(samples.map((sample) => sample.tokenIds[0])),
    ]);
    expect(groups.map((each) => each.length)).toEqual([3, 3, 3, 3, 3, 3, 3]);
    expect(new Set(groups.flat()).size).toBe(21);
    expect(summary.episodes).toBe(42);

    const files = await readdir(join(folder, "episodes"));
    const lines = await Promise.all(files.map((file) => readFile(join(folder, "episodes", file), "utf8")));
    const written = lines
      .flatMap((text) => text.split("\n").filter((line) => line !== ""))
      .map((line) => JSON.parse(line));
    expect(new Set(written.map((e) => groupNumber(e.step, e.taskId))).size).toBe(21);
    expect(written).toHaveLength(42);
    for (const row of await stepRows(second.experiment)) expect(row["staleness/max"]).toBeLessThanOrEqual(2);
  });
});

test("rollouts that fail end the run, also while it trains", async () => {
  await inFolder(async (folder) => {
    const script: Script = { status: (request) => (request.step > 2 ? "failed" : "finished") };
    const plan = { maxStaleness: 3, totalSteps: 6, tasksPerStep: 8, repeats: 3 };
    const { loop } = await openRun({ folder, plan, script, gate: async () => undefined });
    await expect(loop.run()).rejects.toThrow(/train episodes at step \d.*expected some episode to finish/);
  });
});

test("a run that is stopped rejects with the reason, whatever it waits for", async () => {
  await inFolder(async (folder) => {
    const stop = new AbortController();
    const { gate, waiting, open } = holding(/^episode train-1-0-0/);
    const { loop } = await openRun({ folder, plan: {}, gate, signal: stop.signal });
    const run = loop.run();
    const outcome = expect(run).rejects.toThrow("stopped by the test");
    await expect.poll(() => waiting.length).toBeGreaterThan(0);
    stop.abort(new Error("stopped by the test"));
    await outcome;
    open();
  });
});
