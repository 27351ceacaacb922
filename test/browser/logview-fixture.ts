/**
 * Writes experiment folders for the page's tests: episodes of a math agent that gets better and makes fewer faults,
 * with the metrics that follow from them. The same seed gives the same folder.
 */

import { appendFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ChatMessage, Faults, JudgedEpisode, ToolDefinition, ToolRun, Turn } from "../../actors/index.ts";
import { rolloutMetrics, validationMetrics } from "../../backbones/experiment/index.ts";
import { encode, writeTokenizer } from "./logview-tokens.ts";

const system = "You solve word problems. Use the Python tool, print the result, and answer in \\boxed{}.";
/** Episodes of one task. */
const repeats = 4;
const toolName = "execute_python_code";
const tool: ToolDefinition = {
  type: "function",
  function: {
    name: toolName,
    description: "Runs Python.",
    parameters: { type: "object", properties: { code: { type: "string" } } },
  },
};

/** A repeatable source of numbers from 0 to 1 (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What an episode of the fixture is to be like. What is left out follows from the progress and the seed. */
export interface EpisodeWish {
  readonly step: number;
  readonly index: number;
  readonly split?: "train" | "validation";
  /** 0 at the start of the run, 1 at its end. */
  readonly progress?: number;
  readonly faults?: Partial<Faults>;
  readonly isSuccess?: boolean;
  /** Put into the model's reply as it is. */
  readonly replyText?: string;
}

/** Makes one episode. */
export function makeEpisode(wish: EpisodeWish): JudgedEpisode {
  const { step, index, split = "train", progress = 0.5 } = wish;
  const random = seeded(step * 1_000 + index + (split === "train" ? 0 : 7e6));
  const chance = (from: number, to: number) => random() < from + (to - from) * progress;
  const faults: Faults = {
    malformedCall: chance(0.22, 0.02),
    noPrint: chance(0.2, 0.02),
    earlyAnswer: chance(0.16, 0.02),
    ...wish.faults,
    toolUse: true,
  };
  const isSuccess = wish.isSuccess ?? chance(0.45, 0.96);
  const [a, b, c] = [
    Math.floor(random() * 90) + 10,
    Math.floor(random() * 40) + 2,
    Math.floor(random() * 9) + 2,
  ] as const;
  const question = `A train carries ${a} people. ${b} get on at each of ${c} stops. How many people are on the train?`;
  const truth = a + b * c;
  const answer = String(isSuccess ? truth : truth - b);
  const code = faults.noPrint ? `total = ${a} + ${b} * ${c}` : `total = ${a} + ${b} * ${c}\nprint(total)`;
  const output = `<returncode>0</returncode><stdout>${faults.noPrint ? "" : `${truth}\n`}</stdout><stderr></stderr>`;
  const call = JSON.stringify({ name: toolName, arguments: { code } });
  const early = faults.earlyAnswer ? `The answer is \\boxed{${answer}}. ` : "";
  const said = wish.replyText ?? `${early}Let me use the tool – it’s 5 €.\n`;
  const first = `${said}<tool_call>\n${faults.malformedCall ? call.slice(0, -1) : call}\n</tool_call>`;
  const last = `So the total is ${answer}.\nThe final answer is \\boxed{${answer}}`;
  const opening: ChatMessage[] = [
    { role: "system", content: system },
    { role: "user", content: question },
  ];
  const reply: ChatMessage = faults.malformedCall
    ? { role: "assistant", content: first }
    : {
        role: "assistant",
        content: said,
        tool_calls: [
          { id: "call-0", type: "function", function: { name: toolName, arguments: JSON.stringify({ code }) } },
        ],
      };
  const observed: ChatMessage = faults.malformedCall
    ? { role: "user", content: "Your tool call could not be read. Write valid JSON." }
    : { role: "tool", content: output, tool_call_id: "call-0" };
  const record = new Recorder(random, step, progress);
  record.prompt(
    `<|im_start|>system\n${system}<|im_end|>\n<|im_start|>user\n${question}<|im_end|>\n<|im_start|>assistant\n`,
  );
  const turns = [record.turn(opening, first, reply, faults.malformedCall ? 1 : 0)];
  record.prompt(
    `\n<|im_start|>user\n<tool_response>\n${observed.content}\n</tool_response><|im_end|>\n<|im_start|>assistant\n`,
  );
  turns.push(record.turn([...opening, reply, observed], last, { role: "assistant", content: last }, 0));
  const run: ToolRun = {
    name: toolName,
    arguments: { code },
    output,
    returnCode: 0,
    printed: !faults.noPrint,
    turn: 0,
    durationMs: 40 + random() * 60,
  };
  return {
    episodeId: `${split}-${step}-${index}`,
    taskId: `train-${String(Math.floor(index / repeats) + step * 8).padStart(4, "0")}`,
    split,
    step,
    repeat: index % repeats,
    status: "finished",
    turns,
    toolRuns: faults.malformedCall ? [] : [run],
    faults: { ...faults, toolUse: !faults.malformedCall, noPrint: faults.noPrint && !faults.malformedCall },
    sequences: [record.sequence],
    judgeInput: { final_answer: answer },
    durationMs: 900 + random() * 2_000,
    result: {
      rawReward: isSuccess ? 1 : 0,
      isSuccess,
      reason: isSuccess ? `${answer} is the reference answer` : `${answer} is not the reference answer ${truth}`,
    },
  };
}

/** Writes down the tokens of an episode as the recorder of a rollout does. */
class Recorder {
  readonly sequence = {
    tokenIds: [] as number[],
    lossMask: [] as (0 | 1)[],
    logprobs: [] as number[],
    weightVersions: [] as number[],
  };
  readonly #random: () => number;
  readonly #version: number;
  readonly #sureness: number;
  #startedMs = 5;

  constructor(random: () => number, version: number, progress: number) {
    this.#random = random;
    this.#version = version;
    this.#sureness = 3 + progress * 5;
  }

  prompt(text: string): void {
    this.#push(encode(text), 0);
  }

  turn(messages: readonly ChatMessage[], text: string, reply: ChatMessage, malformedCalls: number): Turn {
    const promptIds = [...this.sequence.tokenIds];
    const sampledIds = encode(`${text}<|im_end|>`);
    const from = promptIds.length;
    this.#push(sampledIds, 1);
    const startedMs = this.#startedMs;
    this.#startedMs += 400;
    return {
      messages,
      tools: [tool],
      reply,
      text: `${text}<|im_end|>`,
      promptIds,
      sampledIds,
      logprobs: this.sequence.logprobs.slice(from),
      weightVersions: this.sequence.weightVersions.slice(from),
      finishReason: "stop",
      malformedCalls,
      startedMs,
      durationMs: 350,
    };
  }

  #push(ids: readonly number[], mask: 0 | 1): void {
    for (const id of ids) {
      this.sequence.tokenIds.push(id);
      this.sequence.lossMask.push(mask);
      this.sequence.logprobs.push(mask === 1 ? Math.log(1 - 0.97 * this.#random() ** this.#sureness) : 0);
      this.sequence.weightVersions.push(mask === 1 ? this.#version : -1);
    }
  }
}

/** The name of an episode file. */
export function episodeFile(folder: string, split: "train" | "validation", step: number): string {
  const name = split === "train" ? "step" : "validation";
  return join(folder, "episodes", `${name}-${String(step).padStart(6, "0")}.jsonl`);
}

/** Appends episodes to the file of their step. */
export async function appendEpisodes(folder: string, episodes: readonly JudgedEpisode[]): Promise<void> {
  const [first] = episodes;
  if (first === undefined) return;
  await mkdir(join(folder, "episodes"), { recursive: true });
  const lines = episodes.map((episode) => `${JSON.stringify(episode)}\n`).join("");
  await appendFile(episodeFile(folder, first.split, first.step), lines);
}

/** Appends one line of metrics. */
export async function appendMetrics(folder: string, row: Readonly<Record<string, number>>): Promise<void> {
  await appendFile(join(folder, "metrics.jsonl"), `${JSON.stringify(row)}\n`);
}

/** The episodes of each task together, as the loop's numbers are taken. */
export function groupsOf(episodes: readonly JudgedEpisode[]): readonly (readonly JudgedEpisode[])[] {
  const starts = [...episodes.keys()].filter((index) => index % repeats === 0);
  return starts.map((start) => episodes.slice(start, start + repeats));
}

/** Begins a run: folder, configuration and the model's tokenizer, but no step yet. */
export async function beginExperiment(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeTokenizer(join(folder, "model"));
  await writeFile(
    join(folder, "config.yaml"),
    `astune:\n  model:\n    path: ${JSON.stringify(join(folder, "model"))}\n`,
  );
}

/** Writes a run of 36 steps with 1,200 episodes, three evaluations among them. Returns how many there are. */
export async function writeExperiment(folder: string, episodesPerStep = 32): Promise<number> {
  const steps = 36;
  let written = 0;
  await beginExperiment(folder);
  for (let step = 0; step <= steps; step += 1) {
    const progress = step / steps;
    const make = (split: "train" | "validation", count: number) =>
      Array.from({ length: count }, (_, index) => makeEpisode({ step, index, split, progress }));
    const train = step === 0 ? [] : make("train", episodesPerStep);
    const validation = step % 18 === 0 ? make("validation", episodesPerStep / 2) : [];
    await appendEpisodes(folder, train);
    await appendEpisodes(folder, validation);
    written += train.length + validation.length;
    const wobble = seeded(step)();
    await appendMetrics(folder, {
      step,
      "time/elapsed_seconds": step * 20,
      ...(train.length > 0 ? { ...rolloutMetrics(groupsOf(train)), ...learnerNumbers(wobble, progress) } : {}),
      ...(validation.length > 0 ? validationMetrics(groupsOf(validation)) : {}),
    });
  }
  return written;
}

function learnerNumbers(wobble: number, progress: number): Record<string, number> {
  return {
    "learner/loss": 0.04 * (wobble - 0.5) + 0.02 * (1 - progress),
    "learner/mismatch_mean": 1 + 0.002 * (wobble - 0.5),
    "learner/mismatch_max": 1.05 + 0.1 * wobble,
    "learner/entropy": 0.6 - 0.4 * progress + 0.05 * wobble,
    "learner/grad_norm": 0.8 + 0.5 * wobble,
    "throughput/rollout_tokens_per_second": 1_100 + 300 * wobble,
    "time/rollout_seconds": 9 + wobble,
    "time/train_seconds": 6 + wobble,
  };
}

/** Ends a run with its summary. */
export async function finishExperiment(folder: string): Promise<void> {
  const summary = {
    before: { success: 0.47, malformed_call: 0.2, no_print: 0.19, early_answer: 0.16, tool_use: 0.8 },
    after: { success: 0.94, malformed_call: 0.02, no_print: 0.02, early_answer: 0.01, tool_use: 0.98 },
    steps: 36,
    episodes: 1_200,
    seconds: 731,
    phases: { rollout: 400, train: 300 },
  };
  await writeFile(join(folder, "summary.json"), JSON.stringify(summary));
}
