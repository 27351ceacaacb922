/** What the simulated model says in each episode, and whether an episode recorded exactly that. */

import { isDeepStrictEqual } from "node:util";
import type { Episode, Task } from "../../../actors/index.ts";

/** The part of a tokenizer that a script needs. */
export interface Encoder {
  encode(text: string): readonly number[];
}

/** One reply as the engine samples it. */
export interface ScriptedReply {
  readonly tokenIds: readonly number[];
  readonly logprobs: readonly number[];
}

/** A task of the script; its number is in its id. */
export function scriptedTask(index: number): Task {
  const mainQuery = `A shop sells ${index + 3} boxes of ${index + 11} pencils and gives 7 away. How many pencils are paid for?`;
  const initMessages = [{ role: "user", content: mainQuery } as const];
  return { taskId: String(index), mainQuery, initMessages, envType: "no_env", metadata: {} };
}

const answerOf = (index: number): number => (index + 3) * (index + 11) - 7;

const call = (name: string, args: object): string =>
  `<tool_call>\n${JSON.stringify({ name, arguments: args })}\n</tool_call>`;

/** The three replies of a clean episode: code, the structured answer, and the words after it. */
function textsOf(index: number): readonly string[] {
  const code = `boxes = ${index + 3}\neach = ${index + 11}\nprint(boxes * each - 7)`;
  return [
    `The boxes hold all pencils, and those given away are not paid for. Python computes it.\n${call("execute_python_code", { code })}`,
    call("generate_response", { result: `\\boxed{${answerOf(index)}}` }),
    `${answerOf(index)} pencils are paid for: \\boxed{${answerOf(index)}}`,
  ];
}

/** The reply to request `step` of the episode of task `index`. */
export function scriptedReply(index: number, step: number, encoder: Encoder): ScriptedReply {
  const text = textsOf(index)[step];
  if (text === undefined) throw new Error(`episode ${index} asked the model more than 3 times`);
  const tokenIds = encoder.encode(`${text}<|im_end|>`);
  return { tokenIds, logprobs: tokenIds.map((_, at) => -(((at + index) % 13) + 1) / 16) };
}

/** What in an episode is not as the script has it; empty where all is. */
export function deviations(episode: Episode, index: number, encoder: Encoder): string[] {
  const replies = [0, 1, 2].map((step) => scriptedReply(index, step, encoder));
  const output = `<returncode>0</returncode><stdout>${answerOf(index)}\n</stdout><stderr></stderr>`;
  const [row] = episode.sequences;
  const trained = <T>(values: readonly T[] | undefined): T[] =>
    (values ?? []).filter((_, at) => row?.lossMask[at] === 1);
  const facts: Readonly<Record<string, readonly [unknown, unknown]>> = {
    status: [episode.status, "finished"],
    "sampled tokens": [episode.turns.map((turn) => [...turn.sampledIds]), replies.map((reply) => reply.tokenIds)],
    "log-probabilities": [episode.turns.map((turn) => [...turn.logprobs]), replies.map((reply) => reply.logprobs)],
    "trained tokens": [trained(row && [...row.tokenIds]), replies.flatMap((reply) => reply.tokenIds)],
    rows: [episode.sequences.length, 1],
    "tool output": [episode.toolRuns.map((run) => run.output), [output]],
    "final answer": [episode.judgeInput, { final_answer: `\\boxed{${answerOf(index)}}` }],
  };
  const wrong = Object.entries(facts).filter(([, [found, expected]]) => !isDeepStrictEqual(found, expected));
  return wrong.map(
    ([name, [found]]) => `episode ${index}: ${name}: ${JSON.stringify(found)?.slice(0, 200)} ${episode.error ?? ""}`,
  );
}
