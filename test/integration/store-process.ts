// The other end of test/fixtures/store/process.ts: starts it, carries its calls to the store, gives it orders.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { StorePort, StoreServer } from "../../runtime/store/index.ts";

const root = join(import.meta.dirname, "..", "..");

type Message =
  | { readonly call: keyof StorePort; readonly number: number; readonly args: readonly never[] }
  | { readonly call?: undefined; readonly number: number; readonly result: unknown };

export class StoreProcess {
  readonly processId: string;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (result: unknown) => void>();
  #count = 0;

  private constructor(processId: string, child: ChildProcess) {
    this.processId = processId;
    this.#child = child;
  }

  static async start(server: StoreServer, processId: string): Promise<StoreProcess> {
    const execArgv = ["--expose-gc", "--import", join(root, "runtime", "typescript", "index.js")];
    const file = join(root, "test", "fixtures", "store", "process.ts");
    const child = fork(file, [server.folder], { execArgv, serialization: "advanced" });
    const started = new StoreProcess(processId, child);
    onTestFinished(() => started.kill());
    const ended = once(child, "exit").then(() => Promise.reject(new Error("the process ended before it was ready")));
    await Promise.race([once(child, "message"), ended]);
    ended.catch(() => undefined);
    const port = server.portFor(processId);
    child.on("message", (message: Message) => {
      if (message.call === undefined) return started.#answered(message.number, message.result);
      const answer = (result: unknown): unknown =>
        child.connected && child.send({ number: message.number, result: result as object });
      const call = port[message.call] as (...args: readonly never[]) => Promise<unknown>;
      call(...message.args).then(answer, answer);
    });
    return started;
  }

  /** Has the process do one of the fixture's orders. */
  tell<T>(order: string, ...args: readonly unknown[]): Promise<T> {
    this.#count += 1;
    const number = this.#count;
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, (result) => (result instanceof Error ? reject(result) : resolve(result as T)));
      this.#child.send({ order, number, args });
    });
  }

  /** Ends it the hard way. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill("SIGKILL");
    await once(this.#child, "exit");
  }

  #answered(number: number, result: unknown): void {
    this.#waiting.get(number)?.(result);
    this.#waiting.delete(number);
  }
}
