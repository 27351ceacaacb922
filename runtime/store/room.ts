// How a store finds room for one more segment: a free one, else new memory, else the memory of free ones of other sizes,
// of objects that can move to disk, of views that only garbage keeps. What finds none is an error that says what is there.
import { RaySystemError } from "../errors/index.ts";
import { fullStore } from "./full-store.ts";
import type { StoreStats } from "./object-table.ts";
import type { Segment, SegmentPool } from "./segment-pool.ts";
import { segmentCapacity } from "./segment-size.ts";

/** What may give room. */
export interface Sources {
  /** Moves one object to disk; undefined, at once, where none can be moved. */
  readonly spillOne: () => Promise<void> | undefined;
  /** Asks the processes to let go. */
  readonly letGo: ((neededBytes: number) => Promise<void>) | undefined;
  readonly stats: () => StoreStats;
}

export class Room {
  readonly #pool: SegmentPool;
  readonly #capacityBytes: number;
  readonly #sources: Sources;
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(pool: SegmentPool, capacityBytes: number, sources: Sources) {
    this.#pool = pool;
    this.#capacityBytes = capacityBytes;
    this.#sources = sources;
  }

  /** A segment that nobody uses. Who must wait for room waits in turn. Throws ObjectStoreFullError, OutOfDiskError. */
  async get(bytes: number, processId: string): Promise<Segment> {
    if (this.#closed) throw closed();
    const free = this.#pool.take(bytes, processId);
    if (free) return free;
    const found = this.#turn.then(() => this.#make(bytes, processId));
    this.#turn = found.catch(() => undefined);
    return found;
  }

  /** Resolves once nobody looks for room any more. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#turn;
  }

  /** A segment only where it costs nobody anything: a free one, or new memory while there is room. */
  async spare(bytes: number, processId: string): Promise<Segment | undefined> {
    const capacityBytes = segmentCapacity(bytes);
    const free = this.#pool.take(bytes, processId);
    if (free || this.#closed || !this.#fits(capacityBytes)) return free;
    const added = this.#turn.then(async () => {
      const result = this.#fits(capacityBytes) ? await this.#add(capacityBytes, processId) : { cause: "full" };
      return "name" in result ? result : undefined;
    });
    this.#turn = added.catch(() => undefined);
    return added;
  }

  async #make(bytes: number, processId: string): Promise<Segment> {
    const { spillOne, letGo, stats } = this.#sources;
    if (bytes > this.#capacityBytes) throw fullStore(bytes, stats());
    const capacityBytes = Math.min(segmentCapacity(bytes), this.#capacityBytes);
    let asked = letGo === undefined;
    while (!this.#closed) {
      const free = this.#pool.take(bytes, processId);
      if (free) return free;
      const added = this.#fits(capacityBytes) ? await this.#add(capacityBytes, processId) : undefined;
      if (added && "name" in added) return added;
      if (this.#pool.trim()) continue;
      const spilling = spillOne();
      // Nothing is waited for between the look for room and the error: what comes free meanwhile would be missed.
      if (spilling === undefined && asked) throw fullStore(bytes, stats(), added?.cause);
      asked ||= spilling === undefined;
      await (spilling ?? letGo?.(bytes));
    }
    throw closed();
  }

  #fits(capacityBytes: number): boolean {
    return this.#pool.allocatedBytes + capacityBytes <= this.#capacityBytes;
  }

  /** A new segment; where shared memory itself is full before the store is, what it said. */
  async #add(capacityBytes: number, processId: string): Promise<Segment | { readonly cause: unknown }> {
    try {
      return await this.#pool.add(capacityBytes, processId);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "ENOSPC") throw cause;
      return { cause };
    }
  }
}

function closed(): RaySystemError {
  return new RaySystemError("the node's object store is closed");
}
