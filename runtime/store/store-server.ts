// The store of one node: which segments hold which objects, and who has them mapped. It touches no object's bytes but to
// spill and restore them. It trusts processGone(): a segment is used again while a process has it mapped only if that
// process was called gone and was not.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { RaySystemError } from "../errors/index.ts";
import { storeCapacity } from "./capacity.ts";
import { type ObjectEntry, ObjectTable, type StoreStats } from "./object-table.ts";
import { Room } from "./room.ts";
import { SharedMemoryFiles } from "./segment-files.ts";
import { type Segment, SegmentPool } from "./segment-pool.ts";
import { openSessionFolder } from "./session-folder.ts";
import { SpillFolder } from "./spill-folder.ts";
import type { SealedSegment, StorePort, WritableSegment } from "./store-port.ts";

export interface StoreServerOptions {
  /** The file system of shared memory in which the store makes its folder. Default /dev/shm. */
  readonly root?: string;
  /** Default: 30 % of the memory, at most what is free in `root`. */
  readonly capacityBytes?: number;
  /** Where objects go that memory has no room for. Without it a full store throws ObjectStoreFullError. */
  readonly spillFolder?: string;
  /**
   * Asks the node's processes to let go of views that only garbage keeps (StoreClient.letGo). Called once for each object
   * that finds no room, before the error is thrown; whatever they release until it resolves is used.
   */
  readonly onFull?: (neededBytes: number) => Promise<void>;
}

/** Who writes a segment, or waits for one. */
interface Writer {
  readonly processId: string;
  gone: boolean;
}

export class StoreServer {
  /** Where the segments are: every StoreClient of the node needs it. */
  readonly folder: string;
  readonly capacityBytes: number;
  readonly #pool: SegmentPool;
  readonly #spill: SpillFolder | undefined;
  readonly #room: Room;
  readonly #objects = new ObjectTable();
  readonly #writing = new Map<string, { segment: Segment; writer: Writer }>();
  readonly #waiting = new Set<Writer>();
  #closed = false;

  private constructor(
    folder: string,
    capacityBytes: number,
    spill: SpillFolder | undefined,
    options: StoreServerOptions,
  ) {
    this.folder = folder;
    this.capacityBytes = capacityBytes;
    this.#pool = new SegmentPool(new SharedMemoryFiles(folder), capacityBytes / 2);
    this.#spill = spill;
    this.#room = new Room(this.#pool, capacityBytes, {
      spillOne: () => this.#spillOne(),
      letGo: options.onFull,
      stats: () => this.stats(),
    });
  }

  /** Throws InvalidOptionError for a capacity that is not there. Removes what agents that died left in the same places. */
  static open(options: StoreServerOptions = {}): StoreServer {
    const { root = "/dev/shm", spillFolder } = options;
    const folder = openSessionFolder(root);
    try {
      const capacityBytes = storeCapacity(root, options.capacityBytes);
      const spill = spillFolder === undefined ? undefined : new SpillFolder(openSessionFolder(spillFolder));
      return new StoreServer(folder, capacityBytes, spill, options);
    } catch (error) {
      rmSync(folder, { recursive: true });
      throw error;
    }
  }

  /** The calls of one process. */
  portFor(processId: string): StorePort {
    return {
      create: (bytes) => this.create(processId, bytes),
      spare: (bytes) => this.spare(processId, bytes),
      seal: async (segment, objectId, bytes) => this.seal(processId, segment, objectId, bytes),
      discard: async (segment) => this.discard(processId, segment),
      pin: (objectId) => this.pin(processId, objectId),
      unpin: async (objectId) => this.unpin(processId, objectId),
      release: async (objectId) => this.release(objectId),
    };
  }

  /** Whether the store has this object. */
  has(objectId: string): boolean {
    return this.#objects.get(objectId) !== undefined;
  }

  /** See StorePort, for this and the six below. */
  async create(processId: string, bytes: number): Promise<WritableSegment> {
    const segment = await this.#writable(processId, bytes, () => this.#room.get(bytes, processId));
    if (segment === undefined) throw new RaySystemError(`process ${processId} is gone`, { processId });
    return segment;
  }

  spare(processId: string, bytes: number): Promise<WritableSegment | undefined> {
    return this.#writable(processId, bytes, () => this.#room.spare(bytes, processId));
  }

  seal(processId: string, name: string, objectId: string, bytes: number): void {
    const segment = this.#written(processId, name);
    if (!Number.isSafeInteger(bytes) || bytes < 0 || bytes > segment.capacityBytes) {
      throw new RangeError(`segment ${name} has ${segment.capacityBytes} bytes, not ${bytes}`);
    }
    this.#writing.delete(name);
    const known = this.#objects.get(objectId);
    if (known === undefined) {
      this.#objects.add(objectId, bytes, segment);
    } else {
      known.released = false;
      this.#free(segment);
    }
  }

  discard(processId: string, name: string): void {
    const segment = this.#written(processId, name);
    this.#writing.delete(name);
    this.#free(segment);
  }

  async pin(processId: string, objectId: string): Promise<SealedSegment | undefined> {
    const entry = this.#objects.get(objectId);
    if (entry === undefined || entry.released) return undefined;
    this.#objects.pin(entry, processId);
    try {
      while (entry.segment === undefined) {
        entry.moving ??= this.#move(entry, () => this.#restore(entry));
        await entry.moving;
      }
      return { segment: entry.segment.name, bytes: entry.bytes };
    } catch (error) {
      this.unpin(processId, objectId);
      throw error;
    }
  }

  unpin(processId: string, objectId: string): void {
    const entry = this.#objects.get(objectId);
    if (entry === undefined) return;
    this.#objects.unpin(entry, processId);
    this.#settle(entry);
  }

  release(objectId: string): void {
    const entry = this.#objects.get(objectId);
    if (entry === undefined) return;
    entry.released = true;
    this.#settle(entry);
  }

  /** The process has ended: what it held and what it was writing is free. Call it only once none of its code can run. */
  processGone(processId: string): void {
    for (const writer of this.#waiting) if (writer.processId === processId) writer.gone = true;
    for (const [name, { writer }] of this.#writing) if (writer.processId === processId) this.discard(processId, name);
    for (const entry of this.#objects.entries()) if (entry.pins.delete(processId)) this.#settle(entry);
  }

  stats(): StoreStats {
    const objects = this.#objects.list();
    const onDisk = objects.filter(({ place }) => place === "disk");
    return {
      capacityBytes: this.capacityBytes,
      usedBytes: this.#pool.allocatedBytes - this.#pool.pooledBytes,
      pooledBytes: this.#pool.pooledBytes,
      spilledBytes: onDisk.reduce((sum, { bytes }) => sum + bytes, 0),
      writing: this.#writing.size,
      objects,
    };
  }

  /** Removes all files, in memory and on disk. Views that processes still have stay readable. May be called twice. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled([this.#room.close(), ...[...this.#objects.entries()].map(({ moving }) => moving)]);
    for (const folder of [this.folder, this.#spill?.folder]) {
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    }
  }

  /** undefined where there is no segment, or no process any more to write it. */
  async #writable(
    processId: string,
    bytes: number,
    find: () => Promise<Segment | undefined>,
  ): Promise<WritableSegment | undefined> {
    if (!Number.isSafeInteger(bytes) || bytes <= 0) throw new RangeError(`a segment of ${bytes} bytes cannot be`);
    const writer: Writer = { processId, gone: false };
    this.#waiting.add(writer);
    try {
      const segment = await find();
      if (segment && writer.gone) this.#free(segment);
      if (segment === undefined || writer.gone) return undefined;
      this.#writing.set(segment.name, { segment, writer });
      return { segment: segment.name, capacityBytes: segment.capacityBytes };
    } finally {
      this.#waiting.delete(writer);
    }
  }

  #written(processId: string, name: string): Segment {
    const found = this.#writing.get(name);
    if (found?.writer.processId === processId) return found.segment;
    throw new RaySystemError(`segment ${name} is not being written by process ${processId}`, {
      processId,
      segment: name,
    });
  }

  #spillOne(): Promise<void> | undefined {
    const entry = this.#spill && this.#objects.spillable();
    if (entry) entry.moving = this.#move(entry, () => this.#toDisk(entry));
    return entry?.moving;
  }

  async #move(entry: ObjectEntry, body: () => Promise<void>): Promise<void> {
    try {
      await body();
    } finally {
      entry.moving = undefined;
      this.#settle(entry);
    }
  }

  async #toDisk(entry: ObjectEntry): Promise<void> {
    const { segment, bytes } = entry;
    if (segment === undefined || this.#spill === undefined) return;
    const file = await this.#spill.write(join(this.folder, segment.name), bytes);
    // Somebody may hold it by now: then it stays.
    if (entry.pins.size > 0 || entry.released) return this.#spill.remove(file);
    entry.spillFile = file;
    entry.segment = undefined;
    this.#free(segment);
  }

  async #restore(entry: ObjectEntry): Promise<void> {
    const { spillFile: file, bytes } = entry;
    if (file === undefined || this.#spill === undefined) throw new RaySystemError(`object ${entry.id} lies nowhere`);
    const segment = await this.#room.get(bytes, "");
    try {
      await this.#spill.read(file, join(this.folder, segment.name), bytes);
    } catch (error) {
      this.#free(segment);
      throw error;
    }
    entry.segment = segment;
    entry.spillFile = undefined;
    await this.#spill.remove(file);
  }

  #free(segment: Segment): void {
    if (!this.#closed) this.#pool.give(segment);
  }

  /** Frees an object that its owner gave up and nobody holds. */
  #settle(entry: ObjectEntry): void {
    if (!entry.released || entry.pins.size > 0 || entry.moving !== undefined) return;
    this.#objects.delete(entry.id);
    if (entry.segment) this.#free(entry.segment);
    if (entry.spillFile !== undefined) rmSync(entry.spillFile, { force: true });
  }
}
