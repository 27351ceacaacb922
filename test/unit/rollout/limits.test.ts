import type OpenAI from "openai";
import { expect, test } from "vitest";
import { codeCall, offeredTools, params, react, runOnce, text } from "./episode-harness.ts";
import { ScriptedEngine } from "./scripted-engine.ts";

test("a prompt without room for a reply is refused, not cut, and the episode says so", async () => {
  const errors: unknown[] = [];
  const episode = await runOnce(
    async (given, tuner) => {
      const messages = params(given.initMessages);
      await tuner.openai().chat.completions.create({ model: "m", messages });
      messages.push({ role: "user", content: "x".repeat(200) });
      await tuner
        .openai()
        .chat.completions.create({ model: "m", messages })
        .catch((error: unknown) => errors.push(error));
      throw new Error("I give up");
    },
    () => "hm",
    { maxModelLen: 200 },
  );
  expect(errors[0]).toMatchObject({ status: 400, code: "context_length_exceeded" });
  expect(episode).toMatchObject({ status: "context_overflow", error: expect.stringContaining("200") });
  expect(episode.sequences).toHaveLength(1);
});

test("a reply has at most the tokens that were asked for, that one turn may have and that are left", async () => {
  const engine = new ScriptedEngine(text.tokenizer, () => "ok");
  const promptTokens: number[] = [];
  await runOnce(
    async (given, tuner) => {
      const messages = params(given.initMessages);
      for (const max_tokens of [5, 10_000])
        await tuner.openai().chat.completions.create({ model: "m", messages, max_tokens });
      const long: OpenAI.ChatCompletionMessageParam[] = [{ role: "user", content: "y".repeat(300) }];
      promptTokens.push(
        (await tuner.openai().chat.completions.create({ model: "m", messages: long })).usage?.prompt_tokens ?? 0,
      );
    },
    engine,
    { maxModelLen: 400, maxResponseTokens: 100 },
  );
  expect(engine.requests.map((request) => request.maxTokens)).toEqual([5, 100, 400 - (promptTokens[0] ?? 0)]);
});

test("a workflow that never returns is ended, its episode fails, and what it asks later is answered 410", async () => {
  let late: Promise<unknown> = Promise.resolve();
  const episode = await runOnce(
    async (given, tuner) => {
      const ask = () => tuner.openai().chat.completions.create({ model: "m", messages: params(given.initMessages) });
      await ask();
      late = new Promise((resolve) => tuner.signal.addEventListener("abort", () => ask().catch(resolve)));
      await new Promise(() => {});
    },
    () => "ok",
    {},
    { timeoutMs: 2_000 },
  );
  expect(episode).toMatchObject({ status: "failed", error: "the workflow did not return within 2 s", sequences: [] });
  expect(episode.turns).toHaveLength(1);
  expect(await late).toMatchObject({ status: 410, code: "episode_ended" });
});

test("an episode that waits for a reply when its time is over fails at once", async () => {
  const episode = await runOnce(react, () => new Promise(() => {}), {}, { timeoutMs: 200 });
  expect(episode.status).toBe("failed");
});

test("an episode may ask the model only so often: 429 without a retry, and a flood ends it", async () => {
  const statuses = new Set<unknown>();
  const engine = new ScriptedEngine(text.tokenizer, () => "ok");
  const episode = await runOnce(
    async (given, tuner) => {
      while (!tuner.signal.aborted) {
        const asking = tuner.openai().chat.completions.create({ model: "m", messages: params(given.initMessages) });
        await asking.catch((error: { status?: unknown }) => statuses.add(error.status));
      }
    },
    engine,
    { maxSteps: 3 },
  );
  expect(episode).toMatchObject({ status: "failed", error: expect.stringContaining("more than 53 times") });
  expect(engine.requests).toHaveLength(3);
  expect([...statuses]).toEqual([429]);
});

test("a workflow that accepts the limit on its steps finishes", async () => {
  const episode = await runOnce(
    (given, tuner) => react(given, tuner).catch(() => {}),
    () => codeCall("print(1)"),
    { maxSteps: 2 },
  );
  expect(episode).toMatchObject({ status: "finished" });
  expect(episode.turns).toHaveLength(2);
});

test("a call of 1 MB is recorded and answered", async () => {
  const line = "x = 1\n";
  const lines = 180_000;
  const idsOf = (said: string) => text.tokenizer.encode(said);
  const [before = "", after = ""] = codeCall(line).split(JSON.stringify(line).slice(1, -1));
  const body = idsOf(JSON.stringify(line).slice(1, -1));
  const ids = [...idsOf(before), ...new Array(lines).fill(body).flat(), ...idsOf(after), text.endOfTurn?.id ?? 0];
  const reply = { tokenIds: ids, logprobs: ids.map(() => -1), weightVersions: ids.map(() => 0) };
  const episode = await runOnce(
    async (given, tuner) => {
      const messages = params(given.initMessages);
      const first = await tuner.openai().chat.completions.create({ model: "m", messages, tools: offeredTools });
      const message = first.choices[0]?.message;
      if (message?.tool_calls?.[0]?.type !== "function") throw new Error("a call was expected");
      const { id, function: called } = message.tool_calls[0];
      expect(JSON.parse(called.arguments)).toEqual({ code: line.repeat(lines) });
      messages.push(message, { role: "tool", tool_call_id: id, content: "too long" });
      await tuner.openai().chat.completions.create({ model: "m", messages, tools: offeredTools });
    },
    (_, index) => (index === 0 ? reply : "done"),
    { maxModelLen: 5_000_000, maxResponseTokens: 2_000_000 },
    { timeoutMs: 20_000 },
  );
  expect(episode.error).toBeUndefined();
  expect(episode.sequences).toHaveLength(1);
  expect(episode.turns[1]?.promptIds.length).toBeGreaterThan(ids.length);
});
