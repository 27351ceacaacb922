/** What benchmarks are told and what they give. */

/** One row of a benchmark: a figure with its unit, what it is held against, and its spread over the repeats. */
export interface BenchRow {
  readonly name: string;
  readonly ours: number;
  readonly unit: string;
  /** Another system's figure, a bound or a goal, in the same unit, and what it is. */
  readonly anchor?: number;
  readonly anchorName?: string;
  readonly spread: string;
}

/** The row as `--json` prints it: every field there, `ratio` is ours over the anchor. */
export function jsonRow(row: BenchRow): Readonly<Record<string, string | number | null>> {
  const { name, ours, unit, anchor = null, anchorName = null, spread } = row;
  return { name, ours, unit, anchor, anchorName, ratio: ratioOf(row) ?? null, spread };
}

/** Ours over the anchor, to three digits. */
export function ratioOf({ ours, anchor }: BenchRow): number | undefined {
  return anchor === undefined ? undefined : Number((ours / anchor).toPrecision(3));
}

/** What a benchmark may be told. */
export interface BenchOptions {
  readonly model?: string;
  readonly data?: string;
  readonly dtype?: string;
  /** Tasks of a step, and episodes of each. */
  readonly tasks?: string;
  readonly episodes?: string;
  /** Seconds of a window of measurement. */
  readonly seconds?: string;
  /** Lists with commas: seeds, faults by name or `none`, and the results of `debug` where they are not measured. */
  readonly seeds?: string;
  readonly faults?: string;
  readonly debug?: string;
  /** Steps and held-out problems of a run, and of one with a fault. */
  readonly steps?: string;
  readonly heldout?: string;
  readonly "fault-steps"?: string;
  readonly "fault-heldout"?: string;
}
