// Shows a driver what its actors and tasks print: `(Counter pid=123, ip=10.0.0.2) line`, as Ray does.
import type { LogLines } from "../control/index.ts";
import { type LogBatch, LogDeduplicator } from "./log-deduplicator.ts";

/** Ray's own figure. */
const windowMs = 5_000;

export class DriverLog {
  readonly #ip: string;
  /** Absent where RAY_DEDUP_LOGS=0 asks for every line. */
  readonly #deduplicator: LogDeduplicator | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `ip`: the driver's own; lines of its own machine do not name it. */
  constructor(ip: string) {
    this.#ip = ip;
    this.#deduplicator = process.env["RAY_DEDUP_LOGS"] === "0" ? undefined : new LogDeduplicator(windowMs);
  }

  show(lines: LogLines): void {
    this.#print(this.#deduplicator?.add(lines, performance.now()) ?? [lines]);
    this.#wait();
  }

  /** Shows what is withheld. */
  close(): void {
    clearTimeout(this.#timer);
    this.#print(this.#deduplicator?.due(Number.POSITIVE_INFINITY) ?? []);
  }

  #wait(): void {
    if (this.#timer !== undefined || !this.#deduplicator?.isWaiting) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#print(this.#deduplicator?.due(performance.now()) ?? []);
      this.#wait();
    }, windowMs / 5).unref();
  }

  #print(batches: readonly LogBatch[]): void {
    for (const { source, pid, ip, isError, lines } of batches) {
      const prefix = `(${source} pid=${pid}${ip === this.#ip ? "" : `, ip=${ip}`})`;
      const text = lines.map((line) => `${prefix} ${line}\n`).join("");
      (isError ? process.stderr : process.stdout).write(text);
    }
  }
}
