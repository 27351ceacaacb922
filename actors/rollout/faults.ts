/**
 * The three faults of a tool-using agent. A malformed call is an attempt that does not parse or validate. No print: code
 * that ran to its end and showed nothing. An early answer: one message with a call or code that was not run yet and the
 * final answer, or with an output that the model made up.
 */

import type { Faults, ToolRun, Turn } from "../episode.ts";
import { parseHermes } from "./hermes.ts";
import { textOf } from "./message-text.ts";
import { pythonToolName, readCodeResult } from "./python-tool.ts";

/** Tools that end an episode with its answer; they run nothing. */
export const finishingTools: ReadonlySet<string> = new Set([
  "generate_response",
  "final_answer",
  "final_result",
  "finish",
  "submit",
  "submit_answer",
]);

const boxed = "\\boxed{";
const codeFence = /```[ \t]*(?:python|py|python3)[ \t]*\r?\n([\s\S]*?)(?:```|$)/gi;
const madeUpOutput =
  /<tool_response>|<returncode>|<stdout>|```[ \t]*(?:output|stdout|console)\b|^[*_# \t]*(?:output|stdout)[*_ \t]*:?[*_ \t]*\r?\n\s*```/im;

/** The faults of an episode, from what was sampled and what ran. */
export function faultsOf(turns: readonly Turn[], toolRuns: readonly ToolRun[]): Faults {
  return {
    malformedCall: turns.some((turn) => turn.malformedCalls > 0),
    noPrint: toolRuns.some(printedNothing),
    earlyAnswer: turns.some((turn, index) =>
      answersEarly(
        turn,
        toolRuns.filter((run) => run.turn < index),
      ),
    ),
    toolUse: toolRuns.length > 0,
  };
}

/** Whether a run was code that ended by itself and showed the model nothing. An error message is something. */
export function printedNothing(run: ToolRun): boolean {
  const outcome = readCodeResult(run.output);
  if (run.printed || run.returnCode === -1 || (!outcome && run.name !== pythonToolName)) return false;
  return run.returnCode === 0 || (outcome?.stderr ?? "").trim() === "";
}

/** Whether one message has something still to run and the answer, or an output that nothing printed. */
export function answersEarly(turn: Pick<Turn, "reply" | "tools">, ranBefore: readonly ToolRun[]): boolean {
  const content = textOf(turn.reply);
  const calls = (turn.reply.tool_calls ?? []).map((call) => call.function.name);
  const attempts = parseHermes(content, turn.tools).malformed;
  const ran = new Set(ranBefore.map((run) => String(run.arguments["code"] ?? "").trim()));
  const fences = [...content.matchAll(codeFence)].map((match) => (match[1] ?? "").trim());
  const pending =
    calls.some((name) => !finishingTools.has(name)) ||
    attempts.some((attempt) => !finishes(attempt.name)) ||
    fences.some((code) => code !== "" && !ran.has(code));
  const words = withoutPending(
    content,
    attempts.filter((attempt) => !finishes(attempt.name)).map((attempt) => attempt.text),
  );
  const answered =
    calls.some((name) => finishingTools.has(name)) ||
    attempts.some((attempt) => finishes(attempt.name)) ||
    words.includes(boxed);
  return (pending && answered) || madeUpOutput.test(words);
}

function finishes(name: string | undefined): boolean {
  return name !== undefined && finishingTools.has(name);
}

/** The message without its code and its calls, in which a `\boxed{` is something to print and not an answer. */
function withoutPending(content: string, attempts: readonly string[]): string {
  let text = content.replaceAll(codeFence, " ");
  for (const attempt of attempts) text = text.replace(attempt, () => " ");
  return text;
}
