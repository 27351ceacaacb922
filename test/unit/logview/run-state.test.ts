import { expect, test } from "vitest";
import { runState, timeMs } from "../../../backbones/logview/run-state.ts";

const folder = { name: "sums", exists: true } as const;

test("a run waits without a folder, runs without a summary, and has finished or failed with one", () => {
  expect(runState({ name: "sums", exists: false }).phase).toBe("waiting");
  expect(runState(folder).phase).toBe("running");
  expect(runState({ ...folder, summary: { steps: 9 }, summaryWrittenMs: 5 }).phase).toBe("finished");
  const failed = runState({ ...folder, summary: { error: "no GPU" }, summaryWrittenMs: 5 });
  expect(failed).toMatchObject({ phase: "failed", error: "no GPU" });
  expect(runState({ ...folder, run: { state: "failed", error: "killed" } }).phase).toBe("failed");
});

test("a run that was resumed after its summary is running again", () => {
  const facts = { ...folder, summary: { steps: 9 }, summaryWrittenMs: 1_000, metricsWrittenMs: 20_000 };
  expect(runState(facts).phase).toBe("running");
});

test("step, length and start come from what the folder has", () => {
  const facts = {
    ...folder,
    firstMetrics: { step: 1, time: 1.7e9 },
    lastMetrics: { step: 7 },
    run: { totalSteps: 60 },
  };
  expect(runState({ ...facts, configWrittenMs: 1.6e12 })).toMatchObject({ step: 7, totalSteps: 60, startedMs: 1.6e12 });
  expect(runState({ ...facts, configWrittenMs: 1.8e12 }).startedMs).toBe(1.7e12);
});

test("how long a run worked is told with the moment it was written, so that a resumed run counts all its parts", () => {
  const facts = { ...folder, lastMetrics: { step: 7, "time/elapsed_seconds": 90 }, metricsWrittenMs: 1.7e12 };
  expect(runState(facts).worked).toEqual({ seconds: 90, atMs: 1.7e12 });
  expect(runState(folder).worked).toBeUndefined();
});

test("a time is read in seconds, milliseconds or as text", () => {
  expect([1.7e9, 1.7e12, "2023-11-14T22:13:20Z"].map(timeMs)).toEqual([1.7e12, 1.7e12, 1.7e12]);
  expect([12, "later", null, Number.NaN].map(timeMs)).toEqual([undefined, undefined, undefined, undefined]);
});
