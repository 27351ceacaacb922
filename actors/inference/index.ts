/** The door of inference: the actor, the router over several of them, the choice of an engine, and what can go wrong. */

export {
  chooseEngine,
  decideEngine,
  detectEquipment,
  type EngineChoice,
  type Equipment,
} from "./choose-engine.ts";
export type { Engine, EngineInfo, GenerateReply, GenerateRequest } from "./engine.ts";
export { type EngineHandle, engineOf } from "./engine-handle.ts";
export {
  BadWeightsError,
  EngineDiedError,
  EngineError,
  EngineRequestError,
  EngineSleepError,
  EngineStartError,
  EngineTimeoutError,
  isRetryable,
  WeightSwapError,
} from "./errors.ts";
export { type EngineHealth, InferenceActor } from "./inference-actor.ts";
export type {
  EmbeddedOptions,
  InferenceOptions,
  InferenceTimeouts,
  NewWeights,
  VllmOptions,
} from "./options.ts";
export { EngineRouter, type RoutedEngine, type RouterOptions } from "./router.ts";
