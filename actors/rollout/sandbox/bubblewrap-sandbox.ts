/** The sandbox on bubblewrap: as many warm fork servers as runs may go at once, each serving one run after another. */

import { findProgram, findPythons } from "./bubblewrap.ts";
import { ForkServer, type ForkServerPlan } from "./fork-server.ts";
import type { CompleteLimits } from "./limits.ts";
import { type RawRun, resultOf } from "./result.ts";
import { type Sandbox, SandboxError, type SandboxResult } from "./sandbox.ts";
import { Slots } from "./slots.ts";

/** Code that a sandbox must run before it is believed to work. */
const probe = { code: "print(6 * 7)", output: "42\n" };

export class BubblewrapSandbox implements Sandbox {
  readonly kind = "bubblewrap";
  readonly #plan: ForkServerPlan;
  readonly #limits: CompleteLimits;
  readonly #slots: Slots;
  readonly #idle: ForkServer[];
  readonly #all: Set<ForkServer>;
  #closed = false;

  private constructor(plan: ForkServerPlan, limits: CompleteLimits, first: ForkServer) {
    this.#plan = plan;
    this.#limits = limits;
    this.#slots = new Slots(Math.floor(limits.concurrency));
    this.#idle = [first];
    this.#all = new Set([first]);
  }

  /**
   * Tries the ways to start bubblewrap here, the most separating and fastest first, by running code in them.
   * Throws a {@link SandboxError} that says why each did not work.
   */
  static async open(limits: CompleteLimits): Promise<BubblewrapSandbox> {
    const bwrap = await findProgram("bwrap");
    if (bwrap === undefined) throw new SandboxError("bubblewrap (bwrap) is not installed");
    const pythons = await findPythons();
    if (pythons.length === 0) throw new SandboxError("there is no python3 to run in bubblewrap");
    const isRoot = process.getuid?.() === 0;
    const failures: string[] = [];
    for (const nested of [true, false]) {
      for (const asNobody of isRoot ? [true, false] : [false]) {
        for (const python of pythons) {
          const plan = { bwrap, python, asNobody, nested };
          try {
            return await BubblewrapSandbox.#try(plan, limits);
          } catch (error) {
            failures.push(`${python.executable}: ${error instanceof Error ? error.message : String(error)}`);
          }
        }
      }
    }
    throw new SandboxError(`bubblewrap does not work here: ${[...new Set(failures)].join("; ")}`);
  }

  static async #try(plan: ForkServerPlan, limits: CompleteLimits): Promise<BubblewrapSandbox> {
    const server = await ForkServer.start(plan, limits);
    try {
      if (server.nested !== plan.nested) throw new SandboxError("no namespaces within namespaces");
      const { stdout, stderr } = await server.run(probe.code);
      if (stdout !== probe.output) throw new SandboxError(`it does not run code: ${stderr.trim().split("\n").at(-1)}`);
      const sandbox = new BubblewrapSandbox(plan, limits, server);
      if (!plan.nested) await sandbox.#retire(server);
      return sandbox;
    } catch (error) {
      await server.close();
      throw error;
    }
  }

  /** Whether one server serves many runs; where not, each run pays for a start of bubblewrap and Python. */
  get isWarm(): boolean {
    return this.#plan.nested;
  }

  async run(code: string, signal?: AbortSignal): Promise<SandboxResult> {
    const release = await this.#slots.take(signal);
    try {
      return resultOf(await this.#runTwice(code, signal), this.#limits);
    } finally {
      release();
    }
  }

  /** A server that was ended from outside is replaced and the code run again; if that one ends too, the code did it. */
  async #runTwice(code: string, signal: AbortSignal | undefined): Promise<RawRun> {
    for (const attempt of [1, 2]) {
      const server = await this.#server();
      const stop = (): void => server.kill();
      signal?.addEventListener("abort", stop, { once: true });
      try {
        const run = await server.run(code);
        if (server.nested) this.#idle.push(server);
        else await this.#retire(server);
        return run;
      } catch (error) {
        await this.#retire(server);
        signal?.throwIfAborted();
        if (this.#closed) throw error;
        if (attempt === 2) return { returnCode: -1, stdout: "", stderr: "", stoppedBy: "death" };
      } finally {
        signal?.removeEventListener("abort", stop);
      }
    }
    throw new SandboxError("unreachable");
  }

  async #server(): Promise<ForkServer> {
    this.#throwIfClosed();
    const idle = this.#idle.pop();
    if (idle) return idle;
    const server = await ForkServer.start(this.#plan, this.#limits);
    this.#all.add(server);
    if (this.#closed) await this.#retire(server);
    this.#throwIfClosed();
    return server;
  }

  async #retire(server: ForkServer): Promise<void> {
    this.#all.delete(server);
    const at = this.#idle.indexOf(server);
    if (at >= 0) this.#idle.splice(at, 1);
    await server.close();
  }

  #throwIfClosed(): void {
    if (this.#closed) throw new SandboxError("the sandbox is closed");
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#slots.close(new SandboxError("the sandbox is closed"));
    await Promise.all([...this.#all].map((server) => this.#retire(server)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
