/** The training kernel as a process: JSON lines in and out, its own process group, and never a call that hangs. */

import { createWriteStream, mkdirSync, type WriteStream } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { recordProcess } from "../../runtime/processes/index.ts";
import { KernelDiedError, type KernelEnd, KernelError } from "./kernel-error.ts";
import { pythonPath } from "./python-path.ts";

const PROGRAM = join(dirname(fileURLToPath(import.meta.url)), "kernel", "main.py");
const LAST_LINES = 40;
const LINE_LIMIT = 2_000;

/** Something the kernel says on its own while it works. */
export type KernelEvent =
  | { readonly event: "progress"; readonly done: number; readonly total: number }
  | { readonly event: "log"; readonly text: string };

/** How to start the kernel. */
export interface KernelProcessOptions {
  /** Folder of its log file; made where it is missing. */
  readonly logDir: string;
  /** Name of the log file, without `.log`. */
  readonly name?: string;
  /** Interpreter; `pythonPath()` by default. */
  readonly python?: string;
  /** Program; the kernel's own by default. */
  readonly program?: string;
  /** Variables beside those of this process. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly onEvent?: (event: KernelEvent) => void;
}

interface Pending {
  readonly method: string;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

type Child = ReturnType<typeof spawnKernel>;

/** Starts the program in its own process group, so that what it starts can be ended with it. */
function spawnKernel(python: string, program: string, env: Readonly<Record<string, string>>) {
  const stdio: ["pipe", "pipe", "pipe"] = ["pipe", "pipe", "pipe"];
  return execa(python, [program], { stdio, buffer: false, reject: false, detached: true, env });
}

/** One kernel process. `call` is rejected when the process ends, however it ends. */
export class KernelProcess {
  readonly pid: number;
  readonly logFile: string;
  readonly #child: Child;
  readonly #log: WriteStream;
  readonly #pending = new Map<number, Pending>();
  readonly #lastLines: string[] = [];
  readonly #ended: Promise<KernelEnd>;
  readonly #onEvent: (event: KernelEvent) => void;
  readonly #forget: () => void;
  #end: KernelEnd | undefined;
  #nextId = 1;
  #closing: Promise<void> | undefined;

  constructor(options: KernelProcessOptions) {
    mkdirSync(options.logDir, { recursive: true });
    this.logFile = join(options.logDir, `${options.name ?? "kernel"}.log`);
    this.#log = createWriteStream(this.logFile, { flags: "a" });
    // A full disk must not end the run for the sake of its log.
    this.#log.on("error", () => {});
    this.#onEvent = options.onEvent ?? (() => {});
    this.#child = spawnKernel(options.python ?? pythonPath(), options.program ?? PROGRAM, {
      PYTHONUNBUFFERED: "1",
      ...options.environment,
    });
    this.pid = this.#child.pid ?? -1;
    this.#forget = recordProcess({ pid: this.pid, name: `training kernel (log: ${this.logFile})`, leadsGroup: true });
    this.#child.stdin.on("error", () => {});
    const replies = createInterface({ input: this.#child.stdout });
    replies.on("line", (line) => this.#receive(line));
    const output = createInterface({ input: this.#child.stderr });
    output.on("line", (line) => this.#remember(line));
    const read = [replies, output].map((lines) => new Promise<void>((resolve) => lines.once("close", () => resolve())));
    this.#ended = this.#watch(read);
  }

  /** How the process ended, once it has. */
  get ended(): Promise<KernelEnd> {
    return this.#ended;
  }

  /** Sends a request and waits for its reply: `KernelError` when it failed, `KernelDiedError` when the process is gone. */
  call<T>(method: string, params: Readonly<Record<string, unknown>> = {}): Promise<T> {
    if (this.#end) return Promise.reject(new KernelDiedError(this.#end, `before ${method}`));
    const id = this.#nextId++;
    return new Promise<T>((resolve, reject) => {
      this.#pending.set(id, { method, resolve: resolve as (value: unknown) => void, reject });
      this.#child.stdin.write(`${JSON.stringify({ id, method, params })}\n`);
    });
  }

  /**
   * Asks the kernel to end after the work it has, then SIGTERM after `graceMs`, then SIGKILL to its whole group after
   * as long again. Resolves when nothing of it is left; may be called more than once.
   */
  close(graceMs = 5_000): Promise<void> {
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(graceMs: number): Promise<void> {
    this.#child.stdin.end();
    if (!(await endsWithin(this.#ended, graceMs))) {
      this.#signal("SIGTERM");
      await endsWithin(this.#ended, graceMs);
    }
    // The group may hold children that outlived their leader.
    this.#signal("SIGKILL");
    await this.#ended;
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.pid <= 0) return;
    try {
      process.kill(-this.pid, signal);
    } catch {
      // The group is gone: that is what was wanted.
    }
  }

  async #watch(read: Promise<void>[]): Promise<KernelEnd> {
    const result = await this.#child;
    // A grandchild may hold the pipes open; what was written before the end arrives at once.
    await endsWithin(Promise.all(read), 1_000);
    this.#signal("SIGKILL");
    this.#forget();
    this.#log.end();
    if (this.pid <= 0 && result.shortMessage) this.#remember(result.shortMessage);
    const end: KernelEnd = {
      exitCode: result.exitCode,
      signal: result.signal,
      lastOutput: [...this.#lastLines],
      logFile: this.logFile,
    };
    this.#end = end;
    for (const call of this.#pending.values()) call.reject(new KernelDiedError(end, `during ${call.method}`));
    this.#pending.clear();
    return end;
  }

  #remember(line: string): void {
    this.#log.write(`${line}\n`);
    this.#lastLines.push(line.slice(0, LINE_LIMIT));
    if (this.#lastLines.length > LAST_LINES) this.#lastLines.shift();
  }

  #receive(line: string): void {
    let message: KernelMessage;
    try {
      message = JSON.parse(line) as KernelMessage;
    } catch {
      this.#remember(line);
      return;
    }
    if ("event" in message) {
      if (message.event === "log") this.#remember(message.text);
      this.#onEvent(message);
      return;
    }
    const call = this.#pending.get(message.id);
    if (!call) return;
    this.#pending.delete(message.id);
    if ("error" in message) call.reject(new KernelError({ method: call.method, ...message.error }));
    else call.resolve(message.result);
  }
}

type KernelMessage =
  | KernelEvent
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: { type: string; message: string; traceback: string } };

/** Whether `promise` settles within `ms`; leaves no timer behind. */
async function endsWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, ms, false);
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
