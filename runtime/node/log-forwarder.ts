// Sends what actors and tasks print on its way to their driver: follows the output files of the hosts that are in use.
import { type FSWatcher, watch } from "node:fs";
import { basename } from "node:path";
import type { LogLines } from "../control/index.ts";
import type { HostProcess } from "./host-process.ts";
import { LogTail } from "./log-tail.ts";

/** What is written within so long travels together. */
const gatherMs = 50;

/** Where the system does not tell of changed files (it has a limit of watchers), they are looked at so often. */
const lookMs = 500;

/** Whose lines a host's are, for as long as it is in use. */
export type LogSource = Omit<LogLines, "lines" | "isError">;

interface Followed {
  readonly source: LogSource;
  readonly tail: LogTail;
  readonly isError: boolean;
}

export class LogForwarder {
  readonly #send: (lines: LogLines) => void;
  readonly #watcher: FSWatcher | undefined;
  #looking: NodeJS.Timeout | undefined;
  readonly #followed = new Map<string, Followed>();
  readonly #changed = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  /** `folder` holds the output files of all hosts of the node. */
  constructor(folder: string, send: (lines: LogLines) => void) {
    this.#send = send;
    try {
      this.#watcher = watch(folder, { persistent: false }, (_event, file) => file !== null && this.#note(file));
      this.#watcher.on("error", () => this.#look());
    } catch {
      this.#look();
    }
  }

  /** What the host prints from now on is this source's. */
  follow({ outFile, errorFile }: HostProcess, source: LogSource): void {
    for (const [file, isError] of [
      [outFile, false],
      [errorFile, true],
    ] as const) {
      this.#followed.set(basename(file), { source, tail: new LogTail(file), isError });
    }
  }

  /** The host is not in use any more: sends what is left. */
  unfollow({ outFile, errorFile }: HostProcess): void {
    for (const file of [outFile, errorFile].map((path) => basename(path))) {
      const followed = this.#followed.get(file);
      if (!followed) continue;
      while (this.#forward(followed));
      const rest = followed.tail.rest();
      if (rest !== undefined) this.#send({ ...followed.source, isError: followed.isError, lines: [rest] });
      this.#followed.delete(file);
    }
  }

  close(): void {
    this.#watcher?.close();
    clearInterval(this.#looking);
    clearTimeout(this.#timer);
  }

  #look(): void {
    this.#looking ??= setInterval(() => {
      for (const file of this.#followed.keys()) this.#note(file);
    }, lookMs).unref();
  }

  #note(file: string): void {
    if (!this.#followed.has(file)) return;
    this.#changed.add(file);
    this.#timer ??= setTimeout(() => this.#flush(), gatherMs);
  }

  #flush(): void {
    this.#timer = undefined;
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const file of changed) {
      const followed = this.#followed.get(file);
      if (followed && this.#forward(followed)) this.#note(file);
    }
  }

  #forward({ source, tail, isError }: Followed): boolean {
    const { lines, more } = tail.read();
    if (lines.length > 0) this.#send({ ...source, isError, lines });
    return more;
  }
}
