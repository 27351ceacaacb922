/** A server program in its own process group, with its log in a file and its last lines at hand. */

import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, mkdirSync, type WriteStream } from "node:fs";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { recordProcess } from "../../runtime/processes/index.ts";
import { untilGroupIsGone } from "./process-group.ts";
import type { ServerEnd } from "./running-server.ts";

const LAST_LINES = 30;
const LINE_LIMIT = 1_000;
/** Memory of a large process takes a while to be given back after SIGKILL. */
const GONE_MS = 30_000;

export interface EngineProcessOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly logFile: string;
  readonly onLine?: (line: string) => void;
}

/** Starts at once. Standard input stays open as long as this process lives: the launcher ends when it closes. */
export class EngineProcess {
  readonly pid: number;
  readonly ended: Promise<ServerEnd>;
  readonly #child: ChildProcess;
  readonly #log: WriteStream;
  readonly #lines: string[] = [];
  #isOver = false;
  #ending: Promise<void> | undefined;

  constructor(options: EngineProcessOptions) {
    mkdirSync(dirname(options.logFile), { recursive: true });
    this.#log = createWriteStream(options.logFile, { flags: "a" });
    // A full disk must not end the run for the sake of its log.
    this.#log.on("error", () => {});
    this.#child = spawn(options.command, [...options.args], {
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
      env: { ...process.env, ...options.environment },
    });
    this.pid = this.#child.pid ?? -1;
    const forget = recordProcess({
      pid: this.pid,
      name: `inference engine (log: ${options.logFile})`,
      leadsGroup: true,
    });
    this.#child.stdin?.on("error", () => {});
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on("line", (line) => {
        this.#log.write(`${line}\n`);
        this.#lines.push(line.slice(0, LINE_LIMIT));
        if (this.#lines.length > LAST_LINES) this.#lines.shift();
        options.onLine?.(line);
      });
    }
    this.ended = new Promise((resolve) => {
      const over = (how: string): void => {
        this.#isOver = true;
        // Workers may outlive their leader, and hold a GPU.
        this.#signal("SIGKILL");
        forget();
        this.#log.end();
        const end = { how, lastOutput: this.lastLines() };
        void untilGroupIsGone(this.pid, GONE_MS).then(() => resolve(end));
      };
      this.#child.once("error", (error) => over(error.message));
      // Not "close": a worker that outlives its leader keeps the pipes open. One turn, so that read output is in.
      this.#child.once("exit", (code, signal) =>
        setImmediate(() => over(signal === null ? `exit code ${code}` : `ended by ${signal}`)),
      );
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  lastLines(): readonly string[] {
    return [...this.#lines];
  }

  /** SIGTERM to the group, SIGKILL after `graceMs`; settles when it is gone. May be called twice. */
  end(graceMs: number): Promise<void> {
    this.#ending ??= this.#end(graceMs);
    return this.#ending;
  }

  async #end(graceMs: number): Promise<void> {
    if (!this.#isOver) this.#signal("SIGTERM");
    const force = setTimeout(() => this.#signal("SIGKILL"), graceMs);
    await this.ended;
    clearTimeout(force);
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.pid <= 0) return;
    try {
      process.kill(-this.pid, signal);
    } catch {
      // The group is gone: that is what was wanted.
    }
  }
}
