/** What benchmarks are told and what they give. */

/** What the ratio of ours over the anchor is held to. */
export type Goal = { readonly atLeast: number } | { readonly atMost: number };

/** One row of a benchmark: a figure (or a word) with its unit, what it is held against, and its spread over the repeats. */
export interface BenchRow {
  readonly name: string;
  readonly ours: number | string;
  readonly unit: string;
  /** Another system's figure, a bound or a goal, in the same unit, and what it is. */
  readonly anchor?: number | string;
  readonly anchorName?: string;
  readonly goal?: Goal;
  readonly spread: string;
}

/**
 * The row as `--json` prints it: every field there, `ratio` is ours over the anchor; of a row with a goal also `goal`
 * (`>= 8`, `<= 1`) and whether it `holds`.
 */
export function jsonRow(row: BenchRow): Readonly<Record<string, string | number | boolean | null>> {
  const { name, ours, unit, anchor = null, anchorName = null, spread } = row;
  const held = row.goal && { goal: goalText(row.goal), holds: holds(row) };
  return { name, ours, unit, anchor, anchorName, ratio: ratioOf(row) ?? null, ...held, spread };
}

/** As it is printed. */
export function goalText(goal: Goal): string {
  return "atLeast" in goal ? `>= ${goal.atLeast}` : `<= ${goal.atMost}`;
}

/** Whether the row's goal holds, by the ratio before it is rounded; null where there is no anchor to hold it against. */
export function holds(row: BenchRow): boolean | null {
  const { ours, anchor } = row;
  if (typeof ours !== "number" || typeof anchor !== "number" || row.goal === undefined) return null;
  const ratio = ours / anchor;
  return "atLeast" in row.goal ? ratio >= row.goal.atLeast : ratio <= row.goal.atMost;
}

/** Ours over the anchor, to three digits; of words, whether they are the same. */
export function ratioOf({ ours, anchor }: BenchRow): number | "same" | "different" | undefined {
  if (anchor === undefined) return undefined;
  if (typeof ours === "string" || typeof anchor === "string") return ours === anchor ? "same" : "different";
  return Number((ours / anchor).toPrecision(3));
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
  /** Minutes of a long run, and the file that its curves are drawn to. */
  readonly minutes?: string;
  readonly plot?: string;
  /** Of what is chosen at random. */
  readonly seed?: string;
  /** Ways of giving weights to an engine, and how often each is measured. */
  readonly methods?: string;
  readonly swaps?: string;
  /** Simulated nodes, and actors on them. */
  readonly nodes?: string;
  readonly actors?: string;
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
