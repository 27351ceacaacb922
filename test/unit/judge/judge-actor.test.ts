/** What the judge actor promises: shapes it accepts, results it refuses, and when no judge is asked. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Episode } from "../../../actors/episode.ts";
import { JudgeActor, JudgeError } from "../../../actors/judge/index.ts";
import type { Task } from "../../../actors/task.ts";
import { UserError } from "../../../configs/index.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "astune-judge-"));
  await writeFile(
    join(folder, "judges.js"),
    `export class Returns { constructor(options) { this.options = options; } computeReward(input) { this.input = input; return this.options.value; } }
     export class Echo { computeReward(input) { return { rawReward: Object.keys(input).length, isSuccess: true, reason: JSON.stringify(input) }; } }
     export class Throws { async computeReward() { throw new Error("no luck"); } }
     export class Closes { computeReward() { return [1, true]; } close() { globalThis.closedJudge = true; } }`,
  );
});
afterAll(() => rm(folder, { recursive: true }));

const task: Task = {
  taskId: "t1",
  mainQuery: "6 * 7?",
  initMessages: [{ role: "user", content: "6 * 7?" }],
  envType: "no_env",
  metadata: { answer: "6 * 7 = 42\n#### 42" },
};

function episodeWith(judgeInput: Record<string, unknown>): Episode {
  const reply = { role: "assistant", content: "42" } as const;
  return {
    episodeId: "e1",
    taskId: "t1",
    split: "train",
    step: 1,
    repeat: 0,
    status: "finished",
    turns: [
      {
        messages: task.initMessages,
        tools: [],
        reply,
        text: "42",
        promptIds: [1],
        sampledIds: [2],
        logprobs: [-0.1],
        weightVersions: [0],
        finishReason: "stop",
        malformedCalls: 0,
        startedMs: 0,
        durationMs: 1,
      },
    ],
    toolRuns: [],
    faults: { malformedCall: false, noPrint: false, earlyAnswer: false, toolUse: false },
    sequences: [],
    judgeInput,
    durationMs: 1,
  };
}

async function started(protocol: string, options: Record<string, unknown> = {}): Promise<JudgeActor> {
  const actor = new JudgeActor({ protocol, searchFolders: [folder], options });
  await actor.start();
  return actor;
}

describe("the built-in math judge", () => {
  test.each(["astune", "ajet", "astuner"])("goes by the name that %s gives it", async (root) => {
    const actor = await started(`${root}.task_judge.math_answer_as_judge->MathAnswerAsJudge`);
    const right = await actor.judge({ task, episode: episodeWith({ final_answer: "it is \\boxed{42.0}" }) });
    expect(right).toMatchObject({ rawReward: 1, isSuccess: true });
    const wrong = await actor.judge({ task, episode: episodeWith({ final_answer: "\\boxed{41}" }) });
    expect(wrong).toMatchObject({ rawReward: 0, isSuccess: false, reason: "41 is not 42" });
    const none = await actor.judge({ task, episode: episodeWith({}) });
    expect(none).toMatchObject({ rawReward: 0, isSuccess: false });
  });

  test("fails on a task without an answer", async () => {
    const actor = await started("astune.task_judge.math_answer_as_judge->MathAnswerAsJudge");
    const bare = { ...task, metadata: {} };
    await expect(actor.judge({ task: bare, episode: episodeWith({ final_answer: "1" }) })).rejects.toThrow(
      /t1 has no "answer"/,
    );
  });
});

test("a judge is given upstream's keys and what the workflow registered", async () => {
  const actor = await started("judges->Echo");
  const { reason } = await actor.judge({ task, episode: episodeWith({ final_answer: "42", extra: 7 }) });
  const input = JSON.parse(reason ?? "") as Record<string, unknown>;
  expect(input).toMatchObject({ final_answer: "42", extra: 7, workflow_task: { taskId: "t1" } });
  expect(input["grouped_steps"]).toEqual([[...task.initMessages, { role: "assistant", content: "42" }]]);
});

test.each([
  [{ rawReward: 0.5, isSuccess: false }],
  [{ raw_reward: 0.5, is_success: false }],
  [[0.5, false]],
  [{ raw_reward: 0.5, is_success: 0 }],
])("a judge may return %j", async (value) => {
  const actor = await started("judges->Returns", { value });
  expect(await actor.judge({ task, episode: episodeWith({}) })).toEqual({ rawReward: 0.5, isSuccess: false });
});

test.each([
  [{ rawReward: Number.NaN, isSuccess: true }, "its reward is NaN"],
  [{ rawReward: Number.POSITIVE_INFINITY, isSuccess: true }, "its reward is Infinity"],
  [{ rawReward: "1", isSuccess: true }, 'its reward is "1"'],
  [{ isSuccess: true }, "its reward is undefined"],
  [{ rawReward: 1 }, "its is_success is undefined"],
  [undefined, "it gave undefined"],
  [1, "it gave 1"],
])("a judge that returns %j fails by name, for that episode only", async (value, what) => {
  const actor = await started("judges->Returns", { value });
  const error = (await actor
    .judge({ task, episode: episodeWith({}) })
    .catch((reason: unknown) => reason)) as JudgeError;
  expect(error).toBeInstanceOf(JudgeError);
  expect(error).toMatchObject({ code: "JUDGE_FAILED", judge: "judges->Returns", episodeId: "e1" });
  expect(error.message).toContain(what);
});

test("a judge that throws fails by name, with its own words", async () => {
  const actor = await started("judges->Throws");
  await expect(actor.judge({ task, episode: episodeWith({}) })).rejects.toThrow(
    "judge judges->Throws failed on episode e1: it threw: no luck",
  );
});

test("a workflow that registers both outputs skips the judge", async () => {
  const actor = await started("judges->Throws");
  const result = await actor.judge({ task, episode: episodeWith({ raw_reward: 0.25, is_success: true }) });
  expect(result).toMatchObject({ rawReward: 0.25, isSuccess: true });
  await expect(actor.judge({ task, episode: episodeWith({ raw_reward: 0.25 }) })).rejects.toThrow("no luck");
  await expect(
    actor.judge({ task, episode: episodeWith({ raw_reward: Number.NaN, is_success: true }) }),
  ).rejects.toThrow(/NaN/);
});

test("a judge that is not there is the user's error", async () => {
  await expect(started("judges->Missing")).rejects.toThrow(UserError);
  await expect(started("nowhere->Judge")).rejects.toThrow(UserError);
});

test("the environment's judge takes the reward that the environment gave when the episode ended", async () => {
  const actor = await started("ajet.task_judge.env_service_as_judge->EnvServiceJudge");
  const judged = await actor.judge({ task, episode: episodeWith({ env_outcome: { reward: 0.5, sparseReward: 0 } }) });
  expect(judged).toMatchObject({ rawReward: 0.5, isSuccess: false });
  await expect(actor.judge({ task, episode: episodeWith({ env_outcome: {} }) })).rejects.toThrow(/gave no reward/);
  await expect(actor.judge({ task, episode: episodeWith({}) })).rejects.toThrow(/task_reader\.type: env_service/);
});

test("closing closes the judge", async () => {
  const actor = await started("judges->Closes");
  await actor.close();
  expect((globalThis as { closedJudge?: boolean }).closedJudge).toBe(true);
});
