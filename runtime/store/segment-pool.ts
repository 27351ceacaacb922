// The segments of a store: those in use and those that wait to be used again. A segment that is used again costs no page
// faults, which is most of what a new one costs.
import type { SegmentFiles } from "./segment-files.ts";
import { segmentCapacity } from "./segment-size.ts";

/** A file of shared memory. */
export interface Segment {
  readonly name: string;
  readonly capacityBytes: number;
  /** The process that was given it last: it still has it mapped. */
  lastProcessId: string;
  freedAt: number;
}

/** How far back in a list of free segments one that the same process had is looked for. */
const lookBack = 16;

export class SegmentPool {
  readonly #files: SegmentFiles;
  readonly #pooledLimitBytes: number;
  readonly #free = new Map<number, Segment[]>();
  #count = 0;
  #clock = 0;
  #allocatedBytes = 0;
  #pooledBytes = 0;

  constructor(files: SegmentFiles, pooledLimitBytes: number) {
    this.#files = files;
    this.#pooledLimitBytes = pooledLimitBytes;
  }

  /** Memory of all segments, in use or not. */
  get allocatedBytes(): number {
    return this.#allocatedBytes;
  }

  /** Memory of the segments that wait. */
  get pooledBytes(): number {
    return this.#pooledBytes;
  }

  /** A free segment of at least `bytes` and less than twice its class, best one that this process had before. */
  take(bytes: number, processId: string): Segment | undefined {
    const smallest = segmentCapacity(bytes);
    const sizes = [...this.#free.keys()].filter((size) => size >= bytes && size < 2 * smallest).sort((a, b) => a - b);
    for (const size of sizes) {
      const list = this.#free.get(size);
      if (list === undefined) continue;
      const from = Math.max(0, list.length - lookBack);
      const own = list.slice(from).findLastIndex((segment) => segment.lastProcessId === processId);
      const segment = this.#remove(size, own < 0 ? list.length - 1 : from + own);
      segment.lastProcessId = processId;
      return segment;
    }
    return undefined;
  }

  /** A new segment. The memory counts from now on. Throws what the files throw. */
  async add(capacityBytes: number, processId: string): Promise<Segment> {
    this.#allocatedBytes += capacityBytes;
    this.#count += 1;
    const name = String(this.#count);
    try {
      await this.#files.create(name, capacityBytes);
    } catch (error) {
      this.#allocatedBytes -= capacityBytes;
      throw error;
    }
    return { name, capacityBytes, lastProcessId: processId, freedAt: 0 };
  }

  /** Nobody uses the segment any more. */
  give(segment: Segment): void {
    this.#clock += 1;
    segment.freedAt = this.#clock;
    this.#pooledBytes += segment.capacityBytes;
    const list = this.#free.get(segment.capacityBytes);
    if (list) list.push(segment);
    else this.#free.set(segment.capacityBytes, [segment]);
    while (this.#pooledBytes > this.#pooledLimitBytes) this.trim();
  }

  /** Removes the segment that has waited longest; false where none waits. */
  trim(): boolean {
    const oldest = [...this.#free].sort(([, [a]], [, [b]]) => (a?.freedAt ?? 0) - (b?.freedAt ?? 0))[0];
    if (oldest === undefined) return false;
    const { name, capacityBytes } = this.#remove(oldest[0], 0);
    this.#allocatedBytes -= capacityBytes;
    this.#files.remove(name);
    return true;
  }

  #remove(size: number, index: number): Segment {
    const list = this.#free.get(size) ?? [];
    const [segment] = list.splice(index, 1);
    if (segment === undefined) throw new RangeError(`no free segment of ${size} bytes at ${index}`);
    if (list.length === 0) this.#free.delete(size);
    this.#pooledBytes -= size;
    return segment;
  }
}
