// The caller's buffer of a streaming call: references that have arrived and were not taken, or takers that wait.
import { ObjectRef, type StreamSource } from "../core/index.ts";
import type { Carrier, Packed } from "./carrier.ts";
import { ObjectEntry } from "./object-entry.ts";

type Box = { readonly ref: ObjectRef };

export class StreamBuffer implements StreamSource {
  readonly #carrier: Carrier;
  readonly #taken: (count: number) => void;
  readonly #closed: () => void;
  #boxes: Box[] = [];
  #takers: ((box: Box | undefined) => void)[] = [];
  #ended = false;

  constructor(carrier: Carrier, on: { taken(count: number): void; closed(): void }) {
    this.#carrier = carrier;
    this.#taken = (count) => on.taken(count);
    this.#closed = () => on.closed();
  }

  push(value: Packed): void {
    const entry = new ObjectEntry(this.#carrier);
    entry.fulfil(value);
    this.#add(entry);
  }

  /** Ends the stream; an error becomes its last reference. */
  end(failed?: { readonly error: unknown }): void {
    if (this.#ended) return;
    if (failed) {
      const entry = new ObjectEntry(this.#carrier);
      entry.fail(failed.error);
      this.#add(entry);
    }
    this.#ended = true;
    for (const taker of this.#takers.splice(0)) taker(undefined);
  }

  next(): Promise<Box | undefined> {
    const box = this.#boxes.shift();
    if (box) {
      this.#taken(1);
      return Promise.resolve(box);
    }
    if (this.#ended) return Promise.resolve(undefined);
    return new Promise((resolve) => this.#takers.push(resolve));
  }

  close(): void {
    if (this.#ended) return;
    this.#boxes = [];
    this.end();
    this.#closed();
  }

  #add(entry: ObjectEntry): void {
    if (this.#ended) return;
    const box = { ref: new ObjectRef(entry) };
    const taker = this.#takers.shift();
    if (!taker) {
      this.#boxes.push(box);
      return;
    }
    this.#taken(1);
    taker(box);
  }
}
