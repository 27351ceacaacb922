/** The judges that astune brings, under upstream's names and their own. */

import type { Constructor } from "../protocol/index.ts";
import { EnvServiceJudge } from "./env-service-judge.ts";
import type { Judge } from "./judge.ts";
import { MathAnswerAndLlmAsJudge } from "./math-answer-and-llm-as-judge.ts";
import { MathAnswerAsJudge } from "./math-answer-as-judge.ts";

const upstreamNames: readonly (readonly [string, Constructor<Judge>])[] = [
  ["task_judge.math_answer_as_judge->MathAnswerAsJudge", MathAnswerAsJudge],
  ["task_judge.math_answer_as_judge->MathAnswerAndLlmAsJudge", MathAnswerAndLlmAsJudge],
  ["task_judge.env_service_as_judge->EnvServiceJudge", EnvServiceJudge],
];

/** Whole protocol names of the built-in judges; `astune.`, `astuner.` and `ajet.` mean the same package. */
export const builtInJudges: ReadonlyMap<string, Constructor<Judge>> = new Map(
  ["astune", "astuner", "ajet"].flatMap((root) =>
    upstreamNames.map(([name, judge]) => [`${root}.${name}`, judge] as const),
  ),
);
