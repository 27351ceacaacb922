// A generator that is running on the host's side: it sends each value it yields, pauses while too many have not been
// taken, and is closed when its caller leaves.
import { runInContext } from "../core/index.ts";
import type { Execution } from "./execution.ts";

type AnyIterator = AsyncIterator<unknown> | Iterator<unknown>;

export class RunningStream {
  readonly #iterator: AnyIterator;
  readonly #execution: Execution;
  #unread = 0;
  #resume: (() => void) | undefined;
  #closed = false;

  constructor(value: unknown, execution: Execution, fail: (error: unknown) => void) {
    this.#execution = execution;
    this.#iterator = iteratorOf(value, execution.context.functionName);
    const run = runInContext(execution.context, () => this.#run());
    run.then(() => {
      execution.reply({ kind: "end" });
      execution.finished();
    }, fail);
  }

  consumed(count: number): void {
    this.#unread -= count;
    this.#resume?.();
  }

  /** Ends the generator at its next yield, so that its `finally` blocks run. */
  close(): void {
    this.#closed = true;
    this.#resume?.();
  }

  async #run(): Promise<void> {
    const { carrier, message, context, reply } = this.#execution;
    for (;;) {
      const step = await this.#iterator.next();
      if (step.done) return;
      if (this.#closed) break;
      this.#unread += 1;
      reply.call(this.#execution, {
        kind: "item",
        value: carrier.pack(step.value, `a value of ${context.functionName}`),
      });
      while (!this.#closed && message.backpressure > 0 && this.#unread >= message.backpressure) {
        await new Promise<void>((resolve) => {
          this.#resume = resolve;
        });
      }
      if (this.#closed) break;
    }
    await this.#iterator.return?.();
  }
}

function iteratorOf(value: unknown, functionName: string): AnyIterator {
  const iterable = value as { [Symbol.asyncIterator]?(): AnyIterator; [Symbol.iterator]?(): AnyIterator } | undefined;
  const iterator = iterable?.[Symbol.asyncIterator]?.() ?? iterable?.[Symbol.iterator]?.();
  if (!iterator) throw new TypeError(`${functionName} is declared as streaming, but gave no generator`);
  return iterator;
}
