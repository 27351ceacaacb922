/** What benchmarks are told and what they give. */

/** One row of a benchmark: a figure with its unit, and its spread over the repeats. */
export interface BenchRow {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly spread: string;
}

/** What a benchmark may be told. */
export interface BenchOptions {
  readonly model?: string;
  readonly data?: string;
  readonly dtype?: string;
  /** Tasks of a step, and episodes of each. */
  readonly tasks?: string;
  readonly episodes?: string;
}
