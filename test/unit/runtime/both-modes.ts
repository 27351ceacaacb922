// Runs the same promises twice: with values handed over as they are, and through the wire's codec and frames.
import { afterEach, beforeEach, describe } from "vitest";
import { type InitOptions, init, shutdown } from "../../../runtime/index.ts";

/** Describes promises that hold in both modes; a fresh runtime for each test. `wire` says which mode it is. */
export function inBothModes(name: string, body: (wire: boolean) => void, options: InitOptions = {}): void {
  describe.each([false, true])(`${name} (wire: %s)`, (wire) => {
    beforeEach(() => init({ numCpus: 4, numGpus: 0, ...options, local: true, wire }));
    afterEach(shutdown);
    body(wire);
  });
}

/** A promise with its handles outside. */
export function deferred<T = void>() {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** Turns of the event loop until a fact holds. */
export async function until(fact: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await fact())) await new Promise<void>((resolve) => setImmediate(resolve));
}
