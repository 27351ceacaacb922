/** The door of actors/rollout: the RolloutActor, what it is created with, and what workflows are written against. */

export { failedEpisode } from "./episode-of.ts";
export { answersEarly, faultsOf, finishingTools, printedNothing } from "./faults.ts";
export { type HermesCall, type HermesReply, type MalformedCall, parseHermes } from "./hermes.ts";
export { mergeTurns, type TurnTokens } from "./merge.ts";
export { pythonTool, pythonToolName, readCodeResult } from "./python-tool.ts";
export { RolloutActor } from "./rollout-actor.ts";
export type {
  EpisodeRequest,
  OpenedEnvironment,
  PythonSandbox,
  RolloutOptions,
  Sampling,
  WorkflowClass,
} from "./rollout-options.ts";
export type { SandboxLimits } from "./sandbox/index.ts";
export type { CodeResult, Environment, Tuner, Workflow, WorkflowOutput } from "./workflow.ts";
