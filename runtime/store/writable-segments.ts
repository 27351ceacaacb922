// The segments a process writes: mapped once and kept mapped, because a warm mapping is written several times faster than
// a fresh one, and for small objects one kept ready, which saves the wait for the store's answer.
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { ObjectStoreFullError } from "../errors/index.ts";
import { type Mapping, type Memory, memory, memoryAtHand } from "./memory.ts";
import { segmentCapacity } from "./segment-size.ts";
import type { StorePort, WritableSegment } from "./store-port.ts";

/** Objects above this are too much to keep ready unused. */
const readyLimitBytes = 256 * 1024 * 1024;
const readyAtMost = 4;
const readyForMs = 1000;
const mappedAtMost = 64;

export class WritableSegments {
  readonly #folder: string;
  readonly #port: StorePort;
  readonly #mapped = new Map<string, { mapping: Mapping; memory: Uint8Array }>();
  /** By size; undefined where the store had none to spare. */
  readonly #ready = new Map<number, Promise<WritableSegment | undefined>>();
  /** Those of them that have come. */
  readonly #atHand = new Map<number, WritableSegment>();
  #givingBack: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(folder: string, port: StorePort) {
    this.#folder = folder;
    this.#port = port;
  }

  /**
   * Has `fill` write a segment of at least `bytes`, and gives its name for the store to seal. Throws what the store throws.
   */
  async write(bytes: number, fill: (memory: Uint8Array) => void): Promise<string> {
    const segment = await this.#take(bytes);
    try {
      const native = await memory();
      // Mapped and filled in one go: what is mapped may be unmapped when another write comes between.
      fill(this.#map(native, segment));
    } catch (error) {
      await this.#port.discard(segment.segment);
      throw error;
    }
    return segment.segment;
  }

  /**
   * Has `fill` write a segment that is kept ready, before this returns, and gives its name; undefined where there is none
   * of the size at hand. `fill` must not throw.
   */
  writeNow(bytes: number, fill: (memory: Uint8Array) => void): string | undefined {
    const size = segmentCapacity(bytes);
    const segment = this.#atHand.get(size);
    const native = memoryAtHand();
    if (!segment || !native) return undefined;
    this.#ready.delete(size);
    this.#atHand.delete(size);
    fill(this.#map(native, segment));
    this.#getReady(size);
    return segment.segment;
  }

  /** Gives back what is kept ready; true where that was anything. */
  async letGo(): Promise<boolean> {
    const ready = [...this.#ready.values()];
    this.#ready.clear();
    this.#atHand.clear();
    const segments = (await Promise.all(ready)).filter((segment) => segment !== undefined);
    await Promise.all(segments.map(({ segment }) => this.#port.discard(segment)));
    return segments.length > 0;
  }

  /** Gives everything back and ends the mappings. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#givingBack);
    const { unmap } = await memory();
    const mapped = [...this.#mapped.values()];
    this.#mapped.clear();
    await Promise.all([this.letGo(), ...mapped.map(({ mapping }) => unmap(mapping))]);
  }

  async #take(bytes: number): Promise<WritableSegment> {
    const size = segmentCapacity(bytes);
    const ready = this.#ready.get(size);
    this.#ready.delete(size);
    this.#atHand.delete(size);
    const segment = (await ready) ?? (await this.#create(bytes));
    this.#getReady(size);
    return segment;
  }

  async #create(bytes: number): Promise<WritableSegment> {
    try {
      return await this.#port.create(bytes);
    } catch (error) {
      // What stood in the way may have been kept ready here.
      if (!(error instanceof ObjectStoreFullError) || !(await this.letGo())) throw error;
      return this.#port.create(bytes);
    }
  }

  #map(native: Memory, { segment, capacityBytes }: WritableSegment): Uint8Array {
    const known = this.#mapped.get(segment) ?? map(native, join(this.#folder, segment), capacityBytes);
    // Behind the others: the one that was not written for longest goes first.
    this.#mapped.delete(segment);
    this.#mapped.set(segment, known);
    const [oldest] = this.#mapped;
    if (this.#mapped.size > mappedAtMost && oldest) {
      this.#mapped.delete(oldest[0]);
      inBackground(native.unmap(oldest[1].mapping));
    }
    return known.memory;
  }

  #getReady(size: number): void {
    clearTimeout(this.#givingBack);
    if (this.#closed) return;
    this.#givingBack = setTimeout(() => inBackground(this.letGo()), readyForMs).unref();
    if (size > readyLimitBytes || this.#ready.has(size) || this.#ready.size >= readyAtMost) return;
    // Where this fails the next write asks for itself, and throws what the store throws.
    const ready = this.#port.spare(size).catch(() => undefined);
    this.#ready.set(size, ready);
    void ready.then((segment) => {
      if (segment && this.#ready.get(size) === ready) this.#atHand.set(size, segment);
    });
  }
}

function map(native: Memory, path: string, bytes: number): { mapping: Mapping; memory: Uint8Array } {
  const fd = openSync(path, "r+");
  try {
    const mapping = native.mapShared(fd, bytes);
    return { mapping, memory: new Uint8Array(native.bufferOver(mapping)) };
  } finally {
    closeSync(fd);
  }
}

/** For what nobody waits for: where the store is out of reach it takes everything back when it finds this process gone. */
function inBackground(work: Promise<unknown>): void {
  work.catch(() => undefined);
}
