/** The contract between astune and a judge. */

import type { JudgeResult, Turn } from "../episode.ts";
import type { ChatMessage, Task } from "../task.ts";

/** A client of the task's environment, for judges that ask it (`task_reader.type: env_service`). */
export interface JudgeEnvironment {
  evaluate(options?: { readonly sparse?: boolean }): Promise<number>;
}

/** What a judge is given; the names are upstream's. What the workflow registered stands beside them. */
export interface JudgeInput {
  readonly env?: JudgeEnvironment;
  readonly workflow_task: Task;
  /** The whole history of each model call: its messages with the reply last. */
  readonly grouped_steps: readonly (readonly ChatMessage[])[];
  readonly turns: readonly Turn[];
  readonly final_answer?: unknown;
  readonly [registered: string]: unknown;
}

/** A user's judge. One instance serves all episodes; it may be asked many at once. */
export interface Judge {
  computeReward(input: JudgeInput): Promise<JudgeResult> | JudgeResult;
}
