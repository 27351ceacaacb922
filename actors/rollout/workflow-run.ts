/** Runs a workflow to its end, or to the end of its time, and says on one line what went wrong. */

import type { Task } from "../task.ts";
import { type EpisodeSession, messageOf, untilAborted } from "./episode-session.ts";
import { OpenAiError } from "./openai-error.ts";
import type { WorkflowClass } from "./rollout-options.ts";
import type { EpisodeTuner } from "./tuner.ts";
import type { WorkflowOutput } from "./workflow.ts";

/** How a workflow ended. */
export interface WorkflowEnd {
  /** One line, when it threw, did not return or was ended. */
  readonly error?: string;
  /** The workflow may still be running. */
  readonly late: boolean;
}

/** Runs one instance of the workflow. Never rejects. What it returns is registered for the judge. */
export async function runWorkflow(
  workflowClass: WorkflowClass,
  task: Task,
  session: EpisodeSession,
  tuner: EpisodeTuner,
): Promise<WorkflowEnd> {
  const { timeoutMs } = session.request;
  const timer = setTimeout(() => session.end(`the workflow did not return within ${timeoutMs / 1000} s`), timeoutMs);
  try {
    const execution = (async () => new workflowClass().execute(task, tuner))();
    const output = await untilAborted(execution, session.signal);
    registerOutput(output ?? undefined, tuner);
    JSON.stringify(tuner.judgeInput);
    return { late: false };
  } catch (error) {
    if (session.signal.aborted) return { error: messageOf(session.signal.reason), late: true };
    return { error: describe(error), late: false };
  } finally {
    clearTimeout(timer);
  }
}

/** A reward of 1 or more is a success where the workflow does not say, as upstream has it. */
function registerOutput(output: WorkflowOutput | undefined, tuner: EpisodeTuner): void {
  if (!output || typeof output !== "object") return;
  if (output.metadata) tuner.updateJudgeInputDictionary(output.metadata);
  if (output.reward === undefined) return;
  tuner.updateJudgeInputDictionary({ raw_reward: output.reward, is_success: output.isSuccess ?? output.reward >= 1 });
}

/** The error's name and message, and the first line of its stack that is not a library's. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return `the workflow threw ${messageOf(error)}`;
  const lines = (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  const own = lines.find((line) => !/node:|[/\\]node_modules[/\\]|workflow-run\.ts/.test(line));
  const where = own === undefined ? "" : ` (${own.trim().replace(/file:\/\//, "")})`;
  const name = error instanceof OpenAiError ? "" : `${error.name}: `;
  return `the workflow threw ${name}${messageOf(error)}${where}`;
}
