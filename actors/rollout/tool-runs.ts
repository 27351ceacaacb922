/**
 * The tool runs of an episode: those that the tuner ran, and those that a workflow ran elsewhere, which show in the `tool`
 * messages of its requests. Only calls that this episode's model made count; examples in a prompt do not.
 */

import type { ToolRun, Turn } from "../episode.ts";
import { parsedArguments } from "./chat-template.ts";
import { finishingTools } from "./faults.ts";
import { textOf } from "./message-text.ts";
import { pythonToolName, readCodeResult } from "./python-tool.ts";

interface MadeCall {
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly turn: number;
}

/** All runs in the order of their turns. A run that the tuner recorded is not counted again for its message. */
export function toolRunsOf(turns: readonly Turn[], recorded: readonly ToolRun[]): ToolRun[] {
  const calls = callsById(turns);
  const answers = toolMessages(turns);
  const unclaimed = [...recorded];
  const seen: ToolRun[] = [];
  for (const [id, text] of answers) {
    const call = calls.get(id);
    if (!call || finishingTools.has(call.name)) continue;
    const own = unclaimed.findIndex(
      (run) => run.name === call.name && run.arguments["code"] === call.arguments["code"],
    );
    if (own >= 0) unclaimed.splice(own, 1);
    else seen.push(...runSeen(call, text));
  }
  return [...recorded, ...seen].sort((a, b) => a.turn - b.turn);
}

function callsById(turns: readonly Turn[]): Map<string, MadeCall> {
  const calls = new Map<string, MadeCall>();
  for (const [turn, { reply }] of turns.entries()) {
    for (const call of reply.tool_calls ?? []) {
      const args = parsedArguments(call.function.arguments);
      calls.set(call.id, { name: call.function.name, arguments: args as MadeCall["arguments"], turn });
    }
  }
  return calls;
}

function toolMessages(turns: readonly Turn[]): Map<string, string> {
  const answers = new Map<string, string>();
  for (const { messages } of turns) {
    for (const message of messages) {
      if (message.role === "tool" && message.tool_call_id !== undefined)
        answers.set(message.tool_call_id, textOf(message));
    }
  }
  return answers;
}

/** A call of the Python tool whose answer is no result was refused (wrong arguments, for example) and did not run. */
function runSeen(call: MadeCall, text: string): ToolRun[] {
  const outcome = readCodeResult(text);
  if (!outcome && call.name === pythonToolName) return [];
  const printed = (outcome ? outcome.stdout : text).trim() !== "";
  return [{ ...call, output: text, returnCode: outcome?.returnCode ?? 0, printed, durationMs: 0 }];
}
