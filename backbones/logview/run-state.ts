/**
 * What the header says of a run, worked out from the small files of its folder: `summary.json` at the end, `run.json`
 * where the loop writes one, and the metrics so far. Pure: the files are read elsewhere.
 */

/** `waiting` has no folder yet. A run that was killed stays `running`: `lastWriteMs` tells how long it is silent. */
export type RunPhase = "waiting" | "running" | "finished" | "failed";

/** The shares and rewards of one evaluation, by name. */
export type Numbers = Readonly<Record<string, number>>;

/** What the header shows. Times are milliseconds since 1970. */
export interface RunState {
  readonly name: string;
  readonly phase: RunPhase;
  readonly step: number;
  readonly totalSteps?: number;
  readonly startedMs?: number;
  readonly lastWriteMs?: number;
  /** Length of the whole run, once it is over. */
  readonly seconds?: number;
  /** How long the run had worked at its last step, earlier parts of a resumed run included, and when that was. */
  readonly worked?: { readonly seconds: number; readonly atMs: number };
  readonly error?: string;
  readonly before?: Numbers;
  readonly after?: Numbers;
}

/** What was found in the folder. `summary` and `run` are parsed JSON of unknown shape. */
export interface FolderFacts {
  readonly name: string;
  readonly exists: boolean;
  readonly summary?: unknown;
  readonly summaryWrittenMs?: number;
  readonly run?: unknown;
  readonly configWrittenMs?: number;
  readonly metricsWrittenMs?: number;
  readonly episodesWrittenMs?: number;
  readonly firstMetrics?: Readonly<Record<string, unknown>>;
  readonly lastMetrics?: Readonly<Record<string, unknown>>;
}

/** A summary older than the metrics by more than this belongs to an earlier part of a resumed run. */
const summaryGraceMs = 5_000;

/** Works out the header's facts. */
export function runState(facts: FolderFacts): RunState {
  const run = record(facts.run);
  const summary = isCurrent(facts) ? record(facts.summary) : {};
  const step = count(facts.lastMetrics?.["step"]) ?? count(run["step"]) ?? count(summary["steps"]) ?? 0;
  const written = [facts.metricsWrittenMs, facts.episodesWrittenMs].filter((time) => time !== undefined);
  const error = text(summary["error"]) ?? text(run["error"]);
  return {
    name: facts.name,
    phase: phaseOf(facts, summary, run),
    step,
    ...optional("totalSteps", count(run["totalSteps"]) ?? count(run["total_steps"])),
    ...optional("startedMs", timeMs(run["startedAt"] ?? run["started_at"]) ?? startOf(facts)),
    ...optional("lastWriteMs", written.length > 0 ? Math.max(...written) : undefined),
    ...optional("seconds", count(summary["seconds"])),
    ...optional("worked", workedOf(facts)),
    ...optional("error", error),
    ...optional("before", numbers(summary["before"])),
    ...optional("after", numbers(summary["after"])),
  };
}

function phaseOf(facts: FolderFacts, summary: Record<string, unknown>, run: Record<string, unknown>): RunPhase {
  if (!facts.exists) return "waiting";
  const told = summary["state"] ?? (Object.keys(summary).length > 0 ? undefined : run["state"]);
  if (told === "failed" || summary["error"] !== undefined) return "failed";
  if (told === "finished") return "finished";
  return Object.keys(summary).length > 0 ? "finished" : "running";
}

/** Whether the summary is of this run, and not of one that was resumed since. */
function isCurrent(facts: FolderFacts): boolean {
  return (facts.summaryWrittenMs ?? 0) + summaryGraceMs >= (facts.metricsWrittenMs ?? 0);
}

function workedOf(facts: FolderFacts): RunState["worked"] {
  const seconds = count(facts.lastMetrics?.["time/elapsed_seconds"]);
  return seconds === undefined ? undefined : { seconds, atMs: facts.metricsWrittenMs ?? Date.now() };
}

/** The configuration is written first; a copied folder has newer files than its own records, which then count. */
function startOf(facts: FolderFacts): number | undefined {
  const first = timeMs(facts.firstMetrics?.["time"]);
  if (first === undefined) return facts.configWrittenMs;
  return Math.min(first, facts.configWrittenMs ?? first);
}

/** Reads a time in seconds or milliseconds since 1970, or as ISO text. */
export function timeMs(value: unknown): number | undefined {
  if (typeof value === "string") {
    const parsed = Date.parse(value);
    return Number.isNaN(parsed) ? undefined : parsed;
  }
  if (typeof value !== "number" || !Number.isFinite(value) || value < 1e9) return undefined;
  return value > 1e11 ? value : value * 1_000;
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function numbers(value: unknown): Numbers | undefined {
  const entries = Object.entries(record(value)).filter(
    (entry): entry is [string, number] => count(entry[1]) !== undefined,
  );
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}

function count(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V };
}
