/** Rewards an episode whose final answer is the reference answer: 1 for the same text or the same number, else 0. */

import type { JudgeResult } from "../episode.ts";
import type { Task } from "../task.ts";
import type { Judge, JudgeInput } from "./judge.ts";
import { extractAnswer, referenceAnswer, sameAnswer } from "./math-answer.ts";

/**
 * Compares the last `\boxed{…}` of `final_answer` (all of it, where nothing is boxed) with `metadata.answer` of the
 * task after its last `####`. Throws when the task has no answer; an episode without a final answer has reward 0.
 */
export class MathAnswerAsJudge implements Judge {
  computeReward(input: JudgeInput): JudgeResult {
    const reference = referenceOf(input.workflow_task);
    const answer = answerOf(input.final_answer);
    if (answer === undefined) return wrong("no final answer was given");
    return sameAnswer(answer, reference)
      ? { rawReward: 1, isSuccess: true, reason: `${shown(answer)} is the answer` }
      : wrong(`${shown(answer)} is not ${shown(reference)}`);
  }
}

/** The reference answer of a task. Throws where its metadata has none. */
export function referenceOf(task: Task): string {
  const answer = task.metadata["answer"];
  if (typeof answer === "string" || typeof answer === "number") return referenceAnswer(String(answer));
  throw new Error(`task ${task.taskId} has no "answer" in its metadata, which a judge of math answers needs`);
}

/** What the workflow registered as its answer, or undefined where there is nothing in it. */
export function answerOf(finalAnswer: unknown): string | undefined {
  if (typeof finalAnswer !== "string" && typeof finalAnswer !== "number") return undefined;
  const text = String(finalAnswer);
  const answer = (extractAnswer(text) ?? text).trim();
  return answer === "" ? undefined : answer;
}

/** An answer as a reason quotes it. */
export function shown(answer: string): string {
  const line = answer.replaceAll(/\s+/g, " ");
  return line.length > 80 ? `${line.slice(0, 80)}…` : line;
}

function wrong(reason: string): JudgeResult {
  return { rawReward: 0, isSuccess: false, reason };
}
