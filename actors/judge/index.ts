/** The door of the judges: the actor that asks one, the built-in ones and the contract for a user's own. */
export { builtInJudges } from "./built-in.ts";
export { EnvServiceJudge } from "./env-service-judge.ts";
export type { Judge, JudgeEnvironment, JudgeInput } from "./judge.ts";
export { JudgeActor, type JudgeActorOptions, JudgeError, type JudgeOptions } from "./judge-actor.ts";
export { extractAnswer, referenceAnswer, sameAnswer } from "./math-answer.ts";
export { MathAnswerAndLlmAsJudge } from "./math-answer-and-llm-as-judge.ts";
export { MathAnswerAsJudge } from "./math-answer-as-judge.ts";
