// Which objects a store has, where each lies and who holds it.
import type { Segment } from "./segment-pool.ts";

/** One object, for people and metrics. */
export interface StoreObject {
  readonly objectId: string;
  readonly bytes: number;
  /** The processes that hold views of it. */
  readonly holders: readonly string[];
  readonly place: "memory" | "disk";
  /** True where its owner has given it up and only the holders keep it. */
  readonly released: boolean;
}

export interface StoreStats {
  readonly capacityBytes: number;
  /** Memory of objects and of segments that are being written. */
  readonly usedBytes: number;
  /** Memory of free segments that wait to be used again. */
  readonly pooledBytes: number;
  readonly spilledBytes: number;
  /** Segments that are being written, or kept ready by a process for its next object. */
  readonly writing: number;
  readonly objects: readonly StoreObject[];
}

/** An object's entry. Exactly one of `segment` and `spillFile` is there; the segment while it moves to or from disk. */
export interface ObjectEntry {
  readonly id: string;
  readonly bytes: number;
  readonly pins: Map<string, number>;
  segment: Segment | undefined;
  spillFile: string | undefined;
  /** On its way to disk or back. */
  moving: Promise<void> | undefined;
  released: boolean;
  lastUsed: number;
}

export class ObjectTable {
  readonly #entries = new Map<string, ObjectEntry>();
  #clock = 0;

  get(objectId: string): ObjectEntry | undefined {
    return this.#entries.get(objectId);
  }

  add(id: string, bytes: number, segment: Segment): void {
    const fresh = { spillFile: undefined, moving: undefined, released: false, lastUsed: this.#tick() };
    this.#entries.set(id, { id, bytes, segment, pins: new Map(), ...fresh });
  }

  delete(objectId: string): void {
    this.#entries.delete(objectId);
  }

  entries(): Iterable<ObjectEntry> {
    return this.#entries.values();
  }

  pin(entry: ObjectEntry, processId: string): void {
    entry.lastUsed = this.#tick();
    entry.pins.set(processId, (entry.pins.get(processId) ?? 0) + 1);
  }

  /** One pin less; a pin that is not there is none. */
  unpin(entry: ObjectEntry, processId: string): void {
    const count = entry.pins.get(processId) ?? 0;
    if (count > 1) entry.pins.set(processId, count - 1);
    else entry.pins.delete(processId);
  }

  /** The object to move to disk next: in memory, held by nobody, and largest in length times how long it was not used. */
  spillable(): ObjectEntry | undefined {
    let best: ObjectEntry | undefined;
    const weight = (entry: ObjectEntry): number => entry.bytes * (this.#clock + 1 - entry.lastUsed);
    for (const entry of this.#entries.values()) {
      if (entry.segment === undefined || entry.moving !== undefined || entry.released || entry.pins.size > 0) continue;
      if (best === undefined || weight(entry) > weight(best)) best = entry;
    }
    return best;
  }

  /** Largest first. */
  list(): StoreObject[] {
    return [...this.#entries.values()]
      .sort((a, b) => b.bytes - a.bytes)
      .map(({ id, bytes, pins, segment, released }) => ({
        objectId: id,
        bytes,
        holders: [...pins.keys()],
        place: segment === undefined ? "disk" : "memory",
        released,
      }));
  }

  #tick(): number {
    this.#clock += 1;
    return this.#clock;
  }
}
