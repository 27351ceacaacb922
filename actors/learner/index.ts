/** The door of the learner: the actor, its contract, advantages, and the process it is built on. */

export { groupAdvantages, isUninformative } from "./advantage.ts";
export { KernelDiedError, type KernelEnd, KernelError } from "./kernel-error.ts";
export { type KernelEvent, KernelProcess, type KernelProcessOptions } from "./kernel-process.ts";
export type {
  AlgorithmName,
  LearnerOptions,
  LossAggregation,
  TrainingSample,
  TrainMetrics,
  TrainOptions,
} from "./learner.ts";
export {
  type DetailedTrainMetrics,
  type KernelHello,
  LearnerActor,
  type LearnerActorOptions,
  type LoadedModel,
} from "./learner-actor.ts";
export type { PublishedWeights, WeightGroupPlace, WeightsKeeper } from "./published-weights.ts";
export { pythonPath } from "./python-path.ts";
export {
  type Dtype,
  decodeSafetensors,
  encodeSafetensors,
  readSafetensors,
  SafetensorsError,
  type Tensor,
  type TensorData,
  writeSafetensors,
} from "./safetensors.ts";
