import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { processesOf, Workplace } from "../fixtures/command-line.ts";

let place: Workplace;
let outcome: { code: number | string; output: string };

beforeAll(async () => {
  place = await Workplace.create();
  outcome = await place.submit();
});
afterAll(() => place.remove());

test("a run ends with exit code 0, its table and where everything lies", () => {
  expect(outcome.output).toMatch(/held-out tasks: 8.*before.*after/);
  expect(outcome.output).toContain(join(place.experiment, "curves.png"));
  expect(outcome.code).toBe(0);
});

test("summary.json says what was reached, in how many steps and where the time went", async () => {
  const summary = JSON.parse(await place.read("summary.json"));
  const rates = ["success", "malformed_call", "no_print", "early_answer", "tool_use"];
  expect(Object.keys(summary.before)).toEqual(rates);
  expect(Object.keys(summary.after)).toEqual(rates);
  expect(summary).toMatchObject({
    steps: 2,
    episodes: 16,
    failed_episodes: 0,
    skipped_updates: 0,
    validation_tasks: 8,
  });
  expect(Object.keys(summary.phases)).toEqual(
    expect.arrayContaining(["rollout", "learn", "weights", "validation", "checkpoint"]),
  );
});

test("every step's metrics are numbers, and engine and learner agree on what was sampled", async () => {
  const rows = await place.metrics();
  expect(rows.map((row) => row["step"])).toEqual([0, 1, 2]);
  for (const row of rows) for (const value of Object.values(row)) expect(value).toBeTypeOf("number");
  const trained = rows.filter((row) => row["learner/mismatch_mean"] !== undefined);
  expect(trained.length).toBeGreaterThan(0);
  for (const row of trained) {
    expect(row["learner/mismatch_mean"]).toBeCloseTo(1, 3);
    expect(row["learner/mismatch_max"]).toBeLessThan(1.01);
  }
});

test("episodes are kept with their tokens, log-probabilities, tool runs and the judge's reason", async () => {
  const lines = (await place.read("episodes/step-000001.jsonl")).trim().split("\n");
  expect(lines).toHaveLength(8);
  for (const line of lines) {
    const episode = JSON.parse(line);
    expect(episode.result.reason).toBeTypeOf("string");
    for (const { tokenIds, lossMask, logprobs, weightVersions } of episode.sequences) {
      expect(lossMask).toHaveLength(tokenIds.length);
      expect(logprobs).toHaveLength(tokenIds.length);
      lossMask.forEach((trained: number, at: number) => {
        expect(weightVersions[at] >= 0).toBe(trained === 1);
        if (trained === 0) expect(logprobs[at]).toBe(0);
      });
    }
    const sampled = episode.turns.reduce(
      (sum: number, turn: { sampledIds: number[] }) => sum + turn.sampledIds.length,
      0,
    );
    const trained = episode.sequences.flatMap((s: { lossMask: number[] }) => s.lossMask).filter((m: number) => m === 1);
    expect(trained).toHaveLength(sampled);
  }
});

test("curves, TensorBoard files, checkpoints and the tuned model are there", async () => {
  expect(await readdir(place.experiment)).toEqual(
    expect.arrayContaining([
      "config.yaml",
      "curves.png",
      "tensorboard",
      "checkpoints",
      "model",
      "run.log",
      "summary.json",
    ]),
  );
  expect(await readdir(join(place.experiment, "model"))).toEqual(
    expect.arrayContaining(["config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja"]),
  );
  expect(await place.checkpoints()).toEqual(["step-000001", "step-000002"]);
  expect((await readdir(join(place.experiment, "tensorboard")))[0]).toMatch(/tfevents/);
});

test("nothing that was started is left", async () => {
  expect(await processesOf(place)).toEqual([]);
});
