/** Weights that the learner holds ready for engines, as it describes them; see `kernel/publish.py`. */

/** One tensor: name, dtype, shape, offset in bytes, sum of its bytes in decimal digits. */
export type PublishedTensor = readonly [
  name: string,
  dtype: string,
  shape: readonly number[],
  offset: number,
  sum: string,
];

export interface PublishedWeights {
  readonly version: number;
  readonly bytes: number;
  readonly tensors: readonly PublishedTensor[];
  /** How a process on the same GPU, or on the same CPU, maps them; null: they come by the weight group's next broadcast. */
  readonly memory: Readonly<Record<string, unknown>> | null;
}

/** Where the members of an engine's weight group meet: the learner is rank 0, the engine's workers follow. */
export interface WeightGroupPlace {
  readonly host: string;
  readonly port: number;
  /** The learner and all workers. */
  readonly size: number;
  readonly timeoutSeconds: number;
}

/** Whoever can write published weights into a folder again: a handle of the LearnerActor. */
export interface WeightsKeeper {
  /** Gives the version that the folder holds. */
  readonly exportPublished: { remote(dir: string): PromiseLike<{ readonly version: number }> };
}
