import type OpenAI from "openai";
import { expect, test } from "vitest";
import type { Tuner } from "../../../actors/rollout/index.ts";
import { asked, codeCall, offeredTools, params, react, runOnce, start, task, text } from "./episode-harness.ts";
import { ScriptedEngine } from "./scripted-engine.ts";

test("a stream gives the same episode as whole replies", async () => {
  const said = [`Well.\n${codeCall("print(1)")}`, "done"];
  const whole = await runOnce(react, (_, index) => said[index] ?? "");
  const streamed = await runOnce(
    (given, tuner) => react(given, tuner, true),
    (_, index) => said[index] ?? "",
  );
  expect(streamed.sequences).toEqual(whole.sequences);
  expect(streamed.turns.map((turn) => turn.reply)).toEqual(whole.turns.map((turn) => turn.reply));
});

test("the chunks of a stream have OpenAI's shape, with usage when it is asked for", async () => {
  const chunks: OpenAI.ChatCompletionChunk[] = [];
  await runOnce(
    async (given, tuner) => {
      const stream = await tuner.openai().chat.completions.create({
        model: "any",
        messages: params(given.initMessages),
        tools: offeredTools,
        stream: true,
        stream_options: { include_usage: true },
      });
      for await (const chunk of stream) chunks.push(chunk);
    },
    () => `Look: ${codeCall("print(1)")}`,
  );
  expect(chunks[0]?.choices[0]?.delta).toEqual({ role: "assistant", content: "" });
  expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("")).toBe("Look:");
  const deltas = chunks.flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? []);
  expect(deltas[0]).toMatchObject({
    index: 0,
    type: "function",
    function: { name: "execute_python_code", arguments: "" },
  });
  expect(deltas.map((delta) => delta.function?.arguments ?? "").join("")).toBe('{"code":"print(1)"}');
  expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe("tool_calls");
  expect(chunks.at(-1)).toMatchObject({
    choices: [],
    usage: { prompt_tokens: expect.any(Number), total_tokens: expect.any(Number) },
  });
});

test("the episode's sampling holds whatever the workflow asks for, and that is said once", async () => {
  const lines: string[] = [];
  const engine = new ScriptedEngine(text.tokenizer, () => "ok");
  let ignored: string | null = null;
  await runOnce(
    async (given, tuner) => {
      for (let again = 0; again < 2; again += 1) {
        const { response } = await tuner
          .openai()
          .chat.completions.create({
            model: "m",
            messages: params(given.initMessages),
            temperature: 0.2,
            tools: offeredTools,
            tool_choice: "required",
          })
          .withResponse();
        ignored = response.headers.get("x-astune-ignored");
      }
    },
    engine,
    { log: (line) => lines.push(line) },
    { sampling: { temperature: 1, topP: 1, topK: -1, seed: 7 } },
  );
  expect(engine.requests).toMatchObject([
    { temperature: 1, topP: 1, topK: -1 },
    { temperature: 1, topP: 1, topK: -1 },
  ]);
  expect(new Set(engine.requests.map((request) => request.seed)).size).toBe(2);
  expect(ignored).toBe("temperature,tool_choice");
  expect(lines.map((line) => line.split(":")[0])).toEqual(["temperature", "tool_choice"]);
});

test.each([
  ["no messages", { messages: [] }, 400],
  ["a role that is none", { messages: [{ role: "robot", content: "" }] }, 400],
  ["a picture", { messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "x" } }] }] }, 400],
  ["several choices", { messages: task.initMessages, n: 2 }, 400],
  ["no tokens", { messages: task.initMessages, max_tokens: 0 }, 400],
  ["top log-probabilities", { messages: task.initMessages, logprobs: true, top_logprobs: 3 }, 400],
  ["a tool without a name", { messages: task.initMessages, tools: [{}] }, 400],
])("%s is refused with OpenAI's error JSON", async (_, body, status) => {
  const answers: { status: number; body: unknown }[] = [];
  await runOnce(
    async (__, tuner) => {
      const response = await fetch(`${tuner.baseUrl}/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${tuner.apiKey}` },
        body: JSON.stringify(body),
      });
      answers.push({ status: response.status, body: await response.json() });
    },
    () => "ok",
  );
  expect(answers).toEqual([
    {
      status,
      body: {
        error: { message: expect.any(String), type: "invalid_request_error", param: null, code: expect.any(String) },
      },
    },
  ]);
});

test("models, unknown paths, wrong methods, bad JSON and too large bodies are answered as an OpenAI server does", async () => {
  const seen: unknown[] = [];
  await runOnce(
    async (_, tuner) => {
      const authorization = `Bearer ${tuner.apiKey}`;
      seen.push((await tuner.openai().models.list()).data.map((each) => each.id));
      for (const [path, init] of [
        ["/embeddings", { method: "POST", body: "{}" }],
        ["/chat/completions", { method: "GET" }],
        ["/chat/completions", { method: "POST", body: "{" }],
        ["/chat/completions", { method: "POST", body: `{"messages": "${"x".repeat(300_000)}"}` }],
      ] as const) {
        const response = await fetch(tuner.baseUrl + path, { ...init, headers: { authorization } });
        seen.push([response.status, ((await response.json()) as { error: { code: string } }).error.code]);
      }
    },
    () => "ok",
    { maxRequestBytes: 200_000 },
  );
  expect(seen).toEqual([
    ["tiny-chat"],
    [404, "not_found"],
    [405, "method_not_allowed"],
    [400, "invalid_request"],
    [413, "request_too_large"],
  ]);
});

test("a wrong key, another episode's key and a key after its episode are refused", async () => {
  const statuses: number[] = [];
  const status = async (url: string, key: string) =>
    (await fetch(`${url}/models`, { headers: { authorization: `Bearer ${key}` } })).status;
  const tuners: Tuner[] = [];
  let bothHere: () => void = () => {};
  const both = new Promise<void>((resolve) => {
    bothHere = resolve;
  });
  const actor = await start(
    async (_, tuner) => {
      tuners.push(tuner);
      if (tuners.length === 2) bothHere();
      await both;
      if (tuner !== tuners[0]) return;
      const other = tuners[1] as Tuner;
      statuses.push(
        await status(tuner.baseUrl, tuner.apiKey),
        await status(tuner.baseUrl, "wrong"),
        await status(tuner.baseUrl, ""),
        await status(tuner.baseUrl, other.apiKey),
      );
    },
    () => "ok",
  );
  await Promise.all([actor.runEpisode(asked({ episodeId: "a/ä 1" })), actor.runEpisode(asked({ episodeId: "b" }))]);
  expect(statuses).toEqual([200, 401, 401, 401]);
  expect(await status((tuners[0] as Tuner).baseUrl, (tuners[0] as Tuner).apiKey)).toBe(401);
});
