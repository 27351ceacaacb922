/** Runs episodes of small workflows against a scripted engine, with real sockets and the real `openai` client. */

import type OpenAI from "openai";
import { afterAll, afterEach, beforeAll } from "vitest";
import type { Episode } from "../../../actors/episode.ts";
import type { Engine } from "../../../actors/inference/engine.ts";
import {
  type EpisodeRequest,
  pythonTool,
  RolloutActor,
  type RolloutOptions,
  type Tuner,
} from "../../../actors/rollout/index.ts";
import { type ModelText, readModelText } from "../../../actors/rollout/model-text.ts";
import type { ChatMessage, Task } from "../../../actors/task.ts";
import { type Script, ScriptedEngine } from "./scripted-engine.ts";
import { writeTinyModel } from "./tiny-model.ts";

let model: Awaited<ReturnType<typeof writeTinyModel>>;
/** The tiny model's tokenizer and template, from the first test on. */
export let text: ModelText;
const actors: RolloutActor[] = [];

beforeAll(async () => {
  model = await writeTinyModel();
  text = await readModelText(model.path);
});
afterAll(() => model.remove());
afterEach(async () => {
  for (const actor of actors.splice(0)) await actor.close();
});

export const task: Task = {
  taskId: "t1",
  mainQuery: "What is 12 plus 30?",
  initMessages: [{ role: "user", content: "What is 12 plus 30?" }],
  envType: "no_env",
  metadata: {},
};

type Execute = (task: Task, tuner: Tuner) => Promise<unknown>;

export async function start(
  execute: Execute,
  engine: Engine | Script,
  more: Partial<RolloutOptions> = {},
): Promise<RolloutActor> {
  const actor = new RolloutActor({
    modelPath: model.path,
    workflow: "none->None",
    workflowClass: class {
      execute(given: Task, tuner: Tuner) {
        return execute(given, tuner) as Promise<undefined>;
      }
    },
    searchFolders: [],
    engines: [typeof engine === "function" ? new ScriptedEngine(text.tokenizer, engine) : engine],
    maxModelLen: 4096,
    maxResponseTokens: 1024,
    sandbox: {},
    openSandbox: async () => ({
      run: async (code) => ({
        text: `<returncode>0</returncode><stdout>${code}</stdout><stderr></stderr>`,
        returnCode: 0,
        stdout: code,
        stderr: "",
        printed: code !== "",
        timedOut: false,
      }),
      close: async () => {},
    }),
    log: () => {},
    ...more,
  });
  actors.push(actor);
  await actor.start();
  return actor;
}

export const asked = (more: Partial<EpisodeRequest> = {}): EpisodeRequest => ({
  episodeId: "e1",
  task,
  split: "train",
  step: 1,
  repeat: 0,
  sampling: { temperature: 1, topP: 1, topK: -1 },
  timeoutMs: 10_000,
  ...more,
});

export async function runOnce(
  execute: Execute,
  engine: Engine | Script,
  more: Partial<RolloutOptions> = {},
  request: Partial<EpisodeRequest> = {},
): Promise<Episode> {
  return (await start(execute, engine, more)).runEpisode(asked(request));
}

export const codeCall = (code: string) =>
  `<tool_call>\n${JSON.stringify({ name: "execute_python_code", arguments: { code } })}\n</tool_call>`;

/** The agent of these tests: runs the code it is asked to until there is no more call, and registers the last text. */
export async function react(given: Task, tuner: Tuner, stream = false): Promise<void> {
  const messages = params(given.initMessages);
  for (;;) {
    const body = { model: tuner.model, messages, tools: offeredTools };
    const reply = stream
      ? await tuner
          .openai()
          .chat.completions.stream({ ...body, stream: true })
          .finalChatCompletion()
      : await tuner.openai().chat.completions.create(body);
    const message = reply.choices[0]?.message;
    if (!message) throw new Error("no choice");
    messages.push(message);
    const calls = message.tool_calls ?? [];
    if (calls.length === 0) return tuner.updateJudgeInputDictionary({ final_answer: message.content });
    for (const call of calls) {
      if (call.type !== "function") continue;
      const { code } = JSON.parse(call.function.arguments) as { code: string };
      messages.push({ role: "tool", tool_call_id: call.id, content: (await tuner.executePythonCode(code)).text });
    }
  }
}

/** The messages in the type that the client wants. */
export const params = (messages: readonly ChatMessage[]) => [...messages] as OpenAI.ChatCompletionMessageParam[];

/** The Python tool in the type that the client wants. */
export const offeredTools = [pythonTool as unknown as OpenAI.ChatCompletionTool];
