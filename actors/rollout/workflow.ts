/** The contract between astune and a user's agent. */

import type OpenAI from "openai";
import type { Task } from "../task.ts";

/** What running a piece of code gave. */
export interface CodeResult {
  /** The text for the model: `<returncode>0</returncode><stdout>…</stdout><stderr>…</stderr>`. */
  readonly text: string;
  readonly returnCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A remote environment of the task (`task_reader.type: env_service`), bound to this episode's instance. */
export interface Environment {
  step(action: { readonly role: string; readonly content: string }): Promise<{
    readonly observation: string;
    readonly reward: number;
    readonly isTerminated: boolean;
    readonly info: Readonly<Record<string, unknown>>;
  }>;
}

/** What a workflow is handed for one episode: the model being tuned, the tools, and the way to the judge. */
export interface Tuner {
  /** OpenAI-compatible base URL and key of this episode; whatever is asked there is recorded. */
  readonly baseUrl: string;
  readonly apiKey: string;
  /** The model's name at that URL. */
  readonly model: string;
  readonly episodeId: string;
  /** Wall time of the whole episode. */
  readonly timeoutMs: number;
  /** Aborted when the episode's time is over or the run ends. */
  readonly signal: AbortSignal;
  /** The task's environment, where it has one. */
  readonly env?: Environment;
  /** A client of the `openai` package, set to this episode. */
  openai(): OpenAI;
  /** Runs Python in the sandbox and records the run. Never throws for what the code does. */
  executePythonCode(code: string): Promise<CodeResult>;
  /** Registers what the judge needs, for example `{ final_answer }`. `raw_reward` with `is_success` replaces the judge. */
  updateJudgeInputDictionary(values: Readonly<Record<string, unknown>>): void;
}

/** What a workflow may return instead of registering it. A `reward` replaces the judge. */
export interface WorkflowOutput {
  readonly reward?: number;
  readonly isSuccess?: boolean;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** A user's agent. One instance is made for each episode. */
export interface Workflow {
  execute(task: Task, tuner: Tuner): Promise<WorkflowOutput | undefined>;
}
