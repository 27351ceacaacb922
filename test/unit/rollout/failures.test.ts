import { request as httpRequest } from "node:http";
import OpenAI from "openai";
import { expect, test } from "vitest";
import type { Engine } from "../../../actors/inference/engine.ts";
import { codeCall, params, react, runOnce, task, text } from "./episode-harness.ts";
import { ScriptedEngine } from "./scripted-engine.ts";

test("a workflow that throws fails its episode with its message and the line in its own code", async () => {
  const episode = await runOnce(
    async () => {
      throw new TypeError("first line\nsecond line");
    },
    () => "ok",
  );
  expect(episode.status).toBe("failed");
  expect(episode.error).toMatch(
    /^the workflow threw TypeError: first line second line \(at .*failures\.test\.ts:\d+:\d+\)?\)$/,
  );
});

test("a workflow that throws before its first await, or throws no error, fails its episode only", async () => {
  const sync = await runOnce(
    () => {
      throw new Error("at once");
    },
    () => "ok",
  );
  expect(sync).toMatchObject({ status: "failed", error: expect.stringContaining("at once") });
  expect(
    await runOnce(
      () => Promise.reject("text"),
      () => "ok",
    ),
  ).toMatchObject({ status: "failed", error: "the workflow threw text" });
});

test("an engine that dies once is got over on another one", async () => {
  const dying: Engine = { generate: () => Promise.reject(new Error("killed")) };
  const living = new ScriptedEngine(text.tokenizer, () => "ok");
  const episode = await runOnce(react, dying, { engines: [dying, living] });
  expect(episode).toMatchObject({ status: "finished" });
});

test("an engine that dies in the middle fails the episode, also where the workflow goes on without it", async () => {
  const episode = await runOnce(
    (given, tuner) => react(given, tuner).catch(() => tuner.updateJudgeInputDictionary({ final_answer: "none" })),
    (_, index) => {
      if (index > 0) throw new Error("process 4711 was killed");
      return codeCall("print(1)");
    },
  );
  expect(episode).toMatchObject({
    status: "failed",
    error: "the engine failed: process 4711 was killed",
    sequences: [],
  });
  expect(episode.turns).toHaveLength(1);
});

test("an engine that comes back while the client retries costs nothing", async () => {
  const episode = await runOnce(react, (_, index) => {
    if (index === 0) throw new Error("restarting");
    return "ok";
  });
  expect(episode).toMatchObject({ status: "finished" });
});

test.each([
  ["log-probabilities that are not finite", { tokenIds: [1], logprobs: [Number.NaN], weightVersions: [0] }],
  ["arrays of different lengths", { tokenIds: [1, 2], logprobs: [-1], weightVersions: [0] }],
  ["an aborted generation", { tokenIds: [1], logprobs: [-1], weightVersions: [0], finishReason: "abort" as const }],
])("%s are the engine's failure", async (_, reply) => {
  const episode = await runOnce(
    async (given, tuner) => {
      const once = new OpenAI({ baseURL: tuner.baseUrl, apiKey: tuner.apiKey, maxRetries: 0 });
      await once.chat.completions.create({ model: "m", messages: params(given.initMessages) }).catch(() => {});
    },
    () => reply,
  );
  expect(episode).toMatchObject({ status: "failed", error: expect.stringContaining("the engine failed") });
});

test("a request that its client gives up is not part of the episode", async () => {
  let answer: () => void = () => {};
  const held = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const engine = new ScriptedEngine(text.tokenizer, () => "late");
  const slow: Engine = {
    generate: async (request) => {
      const reply = await engine.generate(request);
      await held;
      return reply;
    },
  };
  const episode = await runOnce(async (_, tuner) => {
    const url = new URL(`${tuner.baseUrl}/chat/completions`);
    const request = httpRequest(url, { method: "POST", headers: { authorization: `Bearer ${tuner.apiKey}` } });
    request.on("error", () => {});
    request.end(JSON.stringify({ messages: task.initMessages }));
    while (engine.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
    request.destroy();
    await (await fetch(`${tuner.baseUrl}/models`, { headers: { authorization: `Bearer ${tuner.apiKey}` } })).text();
    answer();
    await new Promise((resolve) => setImmediate(resolve));
  }, slow);
  expect(episode).toMatchObject({ status: "finished", turns: [], sequences: [] });
});
