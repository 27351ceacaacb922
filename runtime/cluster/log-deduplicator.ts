// Lines that many processes print at about the same time are shown once, with how often they were said. Ray's rule: a line
// is like another if they differ in numbers only; the first is shown at once, those of other processes are counted until
// none has come for the window's length.
import type { LogLines } from "../control/index.ts";

/** Lines of one process. */
export type LogBatch = Omit<LogLines, "jobId">;

interface Seen {
  atMs: number;
  /** Withheld since the first one. */
  count: number;
  readonly processes: Set<string>;
  last: LogBatch;
}

const numbers = /0x[0-9a-fA-F]+|\d+/g;

export class LogDeduplicator {
  readonly #windowMs: number;
  readonly #seen = new Map<string, Seen>();

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** Whether lines are withheld that `due` will give. */
  get isWaiting(): boolean {
    return [...this.#seen.values()].some(({ count }) => count > 0);
  }

  /** What of these lines is to be shown now. */
  add(batch: LogBatch, nowMs: number): LogBatch[] {
    const shown = this.due(nowMs);
    const process = `${batch.ip}|${batch.pid}`;
    const lines = batch.lines.filter((line) => {
      const key = `${batch.isError}|${line.replace(numbers, "")}`;
      const seen = this.#seen.get(key);
      if (!seen) {
        this.#seen.set(key, { atMs: nowMs, count: 0, processes: new Set([process]), last: batch });
        return true;
      }
      seen.processes.add(process);
      // One process alone may say the same as often as it likes.
      if (seen.processes.size === 1) return true;
      seen.count += 1;
      seen.atMs = nowMs;
      seen.last = { ...batch, lines: [line] };
      return false;
    });
    if (lines.length > 0) shown.push({ ...batch, lines });
    return shown;
  }

  /** What was withheld and is to be shown now, because the window is over. */
  due(nowMs: number): LogBatch[] {
    const shown: LogBatch[] = [];
    for (const [key, { atMs, count, last }] of this.#seen) {
      if (nowMs - atMs <= this.#windowMs) continue;
      this.#seen.delete(key);
      const [line = ""] = last.lines;
      if (count > 0) shown.push({ ...last, lines: [count > 1 ? `${line} [repeated ${count}x across cluster]` : line] });
    }
    return shown;
  }
}
