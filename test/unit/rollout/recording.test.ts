import type OpenAI from "openai";
import { expect, test } from "vitest";
import type { ChatMessage } from "../../../actors/task.ts";
import { codeCall, offeredTools, params, react, runOnce, text } from "./episode-harness.ts";
import { ScriptedEngine } from "./scripted-engine.ts";

test("an episode of several turns is one row: its prompts extend each other and only what was sampled is trained", async () => {
  const said = [`I add them: the answer, then another.\n${codeCall("print(12+30)")}`, "\\boxed{42}"];
  const engine = new ScriptedEngine(text.tokenizer, (_, index) => said[index] ?? "");
  const episode = await runOnce(react, engine);
  expect(episode).toMatchObject({
    status: "finished",
    judgeInput: { final_answer: "\\boxed{42}" },
    taskId: "t1",
    repeat: 0,
  });
  expect(episode.error).toBeUndefined();
  const [first, second] = episode.turns;
  if (!first || !second) throw new Error("two turns were expected");
  expect(second.promptIds.slice(0, first.promptIds.length + first.sampledIds.length)).toEqual([
    ...first.promptIds,
    ...first.sampledIds,
  ]);
  expect(text.tokenizer.decode(second.promptIds.slice(first.promptIds.length + first.sampledIds.length))).toBe(
    "\n<|im_start|>user\n<tool_response>\n<returncode>0</returncode><stdout>print(12+30)</stdout><stderr></stderr>\n</tool_response><|im_end|>\n<|im_start|>assistant\n",
  );
  expect(engine.requests.map((request) => request.promptIds)).toEqual(episode.turns.map((turn) => turn.promptIds));
  expect(episode.sequences).toHaveLength(1);
  const row = episode.sequences[0];
  const trained = row?.tokenIds.filter((_, index) => row.lossMask[index] === 1) ?? [];
  expect(text.tokenizer.decode(trained)).toBe(`${said[0]}<|im_end|>${said[1]}<|im_end|>`);
  // The merges of the tokenizer would have written the sampled text with fewer tokens.
  expect(text.tokenizer.encode(said[0] ?? "").length).toBeLessThan(first.sampledIds.length - 1);
  expect(row?.logprobs.filter((_, index) => row.lossMask[index] === 1)).toEqual([
    ...first.logprobs,
    ...second.logprobs,
  ]);
  expect(episode.toolRuns).toMatchObject([{ name: "execute_python_code", turn: 0, printed: true }]);
  expect(episode.faults).toEqual({ malformedCall: false, noPrint: false, earlyAnswer: false, toolUse: true });
});

test("a rewritten history begins a new timeline, and the first one is still trained", async () => {
  const episode = await runOnce(
    async (given, tuner) => {
      const ask = (messages: ChatMessage[]) =>
        tuner.openai().chat.completions.create({ model: "m", messages: params(messages) });
      const first = await ask([...given.initMessages]);
      const said = first.choices[0]?.message.content ?? "";
      await ask([...given.initMessages, { role: "assistant", content: said }, { role: "user", content: "and then?" }]);
      await ask([
        ...given.initMessages,
        { role: "assistant", content: "something else" },
        { role: "user", content: "and then?" },
      ]);
      await ask([...given.initMessages, { role: "assistant", content: said }, { role: "user", content: "or so?" }]);
    },
    (_, index) => `reply ${index}`,
  );
  expect(episode.sequences).toHaveLength(3);
  const trained = episode.sequences.map((row) =>
    text.tokenizer.decode(row.tokenIds.filter((_, index) => row.lossMask[index] === 1)),
  );
  expect(trained).toEqual(["reply 0<|im_end|>reply 1<|im_end|>", "reply 2<|im_end|>", "reply 3<|im_end|>"]);
  expect(episode.turns[3]?.promptIds.slice(0, episode.turns[0]?.promptIds.length)).toEqual(episode.turns[0]?.promptIds);
});

test("a reply that was cut off by length gets its end of turn untrained", async () => {
  const episode = await runOnce(
    async (given, tuner) => {
      const messages = params(given.initMessages);
      const first = await tuner.openai().chat.completions.create({ model: "m", messages, max_completion_tokens: 4 });
      expect(first.choices[0]?.finish_reason).toBe("length");
      messages.push(
        { role: "assistant", content: first.choices[0]?.message.content ?? "" },
        { role: "user", content: "go on" },
      );
      await tuner.openai().chat.completions.create({ model: "m", messages });
    },
    (_, index) => (index === 0 ? "abcdefgh" : "more"),
  );
  const row = episode.sequences[0];
  expect(episode.sequences).toHaveLength(1);
  expect(text.tokenizer.decode(row?.tokenIds ?? [])).toContain(
    "assistant\nabcd<|im_end|>\n<|im_start|>user\ngo on<|im_end|>",
  );
  expect(text.tokenizer.decode(row?.tokenIds.filter((_, index) => row.lossMask[index] === 1) ?? [])).toBe(
    "abcdmore<|im_end|>",
  );
});

test("AgentScope's way of writing its history (text parts, empty lists, names, other JSON) goes on from the same turn", async () => {
  const episode = await runOnce(
    async (_, tuner) => {
      const client = tuner.openai();
      const system = { role: "system", name: "system", content: [{ type: "text", text: "Be exact." }] };
      const user = { role: "user", name: "user", content: [{ type: "text", text: "Compute." }] };
      const ask = (messages: unknown[], choice: string) =>
        client.chat.completions.create({
          model: "m",
          messages: messages as OpenAI.ChatCompletionMessageParam[],
          tools: offeredTools,
          tool_choice: choice as "required",
        });
      const first = await ask([system, user], "required");
      const call = first.choices[0]?.message.tool_calls?.[0];
      if (call?.type !== "function") throw new Error("a call was expected");
      const assistant = {
        role: "assistant",
        name: "math_react_agent",
        content: [],
        tool_calls: [
          {
            id: call.id,
            type: "function",
            function: { name: call.function.name, arguments: '{"code":   "print(1)"}' },
          },
        ],
      };
      const result = {
        role: "tool",
        tool_call_id: call.id,
        name: "execute_python_code",
        content: "<returncode>0</returncode><stdout></stdout><stderr></stderr>",
      };
      await ask(
        [system, user, assistant, result, { role: "user", content: "<system-hint>go on</system-hint>" }],
        "none",
      );
    },
    (_, index) => (index === 0 ? codeCall("print(1)") : "fine"),
  );
  expect(episode).toMatchObject({ status: "finished", faults: { toolUse: true, noPrint: true } });
  expect(episode.sequences).toHaveLength(1);
  expect(episode.toolRuns).toMatchObject([
    { name: "execute_python_code", arguments: { code: "print(1)" }, turn: 0, printed: false },
  ]);
});

test("completions take text and token ids, go on from each other, and give log-probabilities", async () => {
  const episode = await runOnce(
    async (_, tuner) => {
      const client = tuner.openai();
      const first = await client.completions.create({ model: "m", prompt: "Once the", logprobs: 1 });
      expect(first.choices[0]).toMatchObject({
        text: " cat",
        finish_reason: "stop",
        logprobs: { tokens: [" ", "c", "a", "t", "<|im_end|>"] },
      });
      await client.completions.create({ model: "m", prompt: "Once the cat sat" });
      await client.completions.create({ model: "m", prompt: [1, 2, 3] });
    },
    (_, index) => (index === 0 ? " cat" : "."),
  );
  const [first, second, third] = episode.turns;
  expect(second?.promptIds.slice(0, (first?.promptIds.length ?? 0) + (first?.sampledIds.length ?? 0))).toEqual([
    ...(first?.promptIds ?? []),
    ...(first?.sampledIds ?? []),
  ]);
  expect(third?.promptIds).toEqual([1, 2, 3]);
  expect(episode.sequences).toHaveLength(2);
});

test("a stop string ends the reply, and the tokens after it are neither returned nor trained", async () => {
  const episode = await runOnce(
    async (given, tuner) => {
      const reply = await tuner.openai().chat.completions.create({
        model: "m",
        messages: params(given.initMessages),
        stop: ["STOP"],
        logprobs: true,
      });
      expect(reply.choices[0]).toMatchObject({ finish_reason: "stop", message: { content: "before " } });
      expect(reply.choices[0]?.logprobs?.content).toHaveLength("before STOP".length);
    },
    () => "before STOP after",
  );
  expect(episode.turns[0]?.text).toBe("before STOP");
});
