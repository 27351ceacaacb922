/** The public door of the loop that all backbones share. */

export {
  embeddedOptions,
  judgeOptions,
  learnerOptions,
  rolloutOptions,
  type SearchFolders,
  vllmOptions,
} from "./actor-options.ts";
export { closeAll } from "./close-all.ts";
export type { Crew, CrewOptions } from "./crew.ts";
export { learnerPart } from "./learner-part.ts";
export { type LoopPlan, planLoop } from "./plan.ts";
export { seedAt } from "./seed.ts";
export { type LoopParts, TuningLoop } from "./tuning-loop.ts";
export { chooseWeightPath, WeightDelivery } from "./weight-delivery.ts";
