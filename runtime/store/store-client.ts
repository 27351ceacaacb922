// What a process of the node does with objects: write them into shared memory by one copy, and read them there.
import { join } from "node:path";
import { ObjectLostError } from "../errors/index.ts";
import { type SharedView, SharedViews } from "./shared-view.ts";
import type { SealedSegment, StorePort } from "./store-port.ts";
import { WritableSegments } from "./writable-segments.ts";

export interface StoreClientOptions {
  /** The folder of the node's store: StoreServer.folder. */
  readonly folder: string;
  /** This process's calls to the store. */
  readonly port: StorePort;
}

/** One pin of the store's for all of this process's views of an object. */
interface Pin {
  views: number;
  readonly granted: Promise<SealedSegment | undefined>;
}

export class StoreClient {
  readonly #folder: string;
  readonly #port: StorePort;
  readonly #segments: WritableSegments;
  readonly #views = new SharedViews();
  readonly #pins = new Map<string, Pin>();

  constructor({ folder, port }: StoreClientOptions) {
    this.#folder = folder;
    this.#port = port;
    this.#segments = new WritableSegments(folder, port);
  }

  /**
   * Stores the parts, one after another, as one object. They are copied when the store has given a segment, so they must
   * not change before this resolves. Throws RangeError where they are not `totalBytes` long, and what StorePort.create()
   * throws.
   */
  async write(objectId: string, parts: readonly Uint8Array[], totalBytes: number): Promise<void> {
    const length = parts.reduce((sum, part) => sum + part.byteLength, 0);
    if (length !== totalBytes) throw new RangeError(`the parts of ${objectId} are ${length} bytes, not ${totalBytes}`);
    const segment = await this.#segments.write(totalBytes, (memory) => fill(memory, parts));
    await this.#port.seal(segment, objectId, totalBytes);
  }

  /**
   * The same, but the parts are copied before this returns, so that they may change at once: into a segment that is kept
   * ready, else into memory of this process's own, which costs a second copy.
   */
  keep(objectId: string, parts: readonly Uint8Array[], totalBytes: number): Promise<void> {
    const segment = this.#segments.writeNow(totalBytes, (memory) => fill(memory, parts));
    if (segment !== undefined) return this.#port.seal(segment, objectId, totalBytes);
    const copy = Buffer.allocUnsafeSlow(totalBytes);
    fill(copy, parts);
    return this.write(objectId, [copy], totalBytes);
  }

  /** A view of the object's bytes without a copy. Throws ObjectLostError where the node's store has no such object. */
  async read(objectId: string): Promise<SharedView> {
    const pin = this.#pin(objectId);
    pin.views += 1;
    try {
      const sealed = await pin.granted;
      if (sealed === undefined) {
        throw new ObjectLostError(`object ${objectId} is not in this node's store`, { objectId });
      }
      const { segment, bytes } = sealed;
      return await this.#views.open(join(this.#folder, segment), bytes, () => this.#viewGone(objectId, pin));
    } catch (error) {
      await this.#viewGone(objectId, pin);
      throw error;
    }
  }

  /** The owner gives the object up. Views of it stay. */
  release(objectId: string): Promise<void> {
    return this.#port.release(objectId);
  }

  /**
   * Gives back what this process holds without need: segments it keeps ready, and views that only garbage keeps, for which
   * it runs a full collection. For a store that is full: the collector does not know that others wait for this memory.
   */
  async letGo(): Promise<void> {
    await Promise.all([this.#segments.letGo(), this.#views.collect()]);
  }

  /** Gives back the segments it keeps ready. Views stay valid, and their pins the store's until the process is gone. */
  close(): Promise<void> {
    return this.#segments.close();
  }

  #pin(objectId: string): Pin {
    const known = this.#pins.get(objectId);
    if (known) return known;
    const pin = { views: 0, granted: this.#port.pin(objectId) };
    this.#pins.set(objectId, pin);
    return pin;
  }

  async #viewGone(objectId: string, pin: Pin): Promise<void> {
    pin.views -= 1;
    if (pin.views > 0) return;
    this.#pins.delete(objectId);
    try {
      if (await pin.granted) await this.#port.unpin(objectId);
    } catch {
      // The store is out of reach: it takes the pins back when it finds this process gone.
    }
  }
}

function fill(memory: Uint8Array, parts: readonly Uint8Array[]): void {
  let at = 0;
  for (const part of parts) {
    memory.set(part, at);
    at += part.byteLength;
  }
}
