/** The public door of the loop that all backbones share. */

export { judgeOptions, learnerOptions, rolloutOptions, type SearchFolders, vllmOptions } from "./actor-options.ts";
export type { Crew } from "./crew.ts";
export { type LoopPlan, planLoop } from "./plan.ts";
export { type LoopParts, TuningLoop } from "./tuning-loop.ts";
