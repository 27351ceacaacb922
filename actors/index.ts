/** The public door of the actors, and what a workflow or a judge imports as "astune". */

export type * from "./episode.ts";
export * from "./inference/index.ts";
export * from "./judge/index.ts";
export * from "./learner/index.ts";
export * from "./rollout/index.ts";
export type * from "./task.ts";
export * from "./tasks/index.ts";
