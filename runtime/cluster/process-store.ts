// This process's part in its node's object store: what it writes, what it reads, and what it owns.
import { byWire, type Carrier, type Packed, WireValue } from "../calls/index.ts";
import { parseAddress } from "../control/index.ts";
import { newId, type ObjectId } from "../core/index.ts";
import { ObjectLostError } from "../errors/index.ts";
import { StoreClient, type StorePort, type WritableSegment } from "../store/index.ts";
import type { Peer } from "../transport/index.ts";
import { encodeForTransfer, encodeValue, type LargeValue, objectParts, type StoredAt } from "../wire/index.ts";
import { StoredValue } from "./stored-value.ts";

/** The node that a process is on. */
export interface Home {
  readonly nodeId: string;
  readonly agent: Peer;
  /** The agent's address, as it stands in values. */
  readonly agentAddress: string;
  readonly storeFolder: string;
}

/** Bytes of a value that is copied from another node, at a time. */
const chunkBytes = 1 << 20;

export class ProcessStore implements Carrier {
  readonly #peer: (address: string) => Peer;
  readonly #released = new FinalizationRegistry<StoredAt>((at) => this.#release(at));
  #home: Home | undefined;
  #client: StoreClient | undefined;

  /** `peer`: the process at an address. */
  constructor(peer: (address: string) => Peer) {
    this.#peer = peer;
  }

  /** The node's store can be used from now on; before, values of any size travel in their calls. */
  open(home: Home): void {
    this.#home = home;
    this.#client = new StoreClient({ folder: home.storeFolder, port: portTo(home.agent) });
  }

  pack(value: unknown, path: string): Packed {
    if (!this.#client || !this.#home) return new WireValue(encodeValue(value, path));
    const packed = encodeForTransfer(value, path);
    return packed.kind === "inline" ? new WireValue(packed.value) : this.#keep(packed.value, this.#client, this.#home);
  }

  unpack(packed: Packed): unknown {
    return packed.open();
  }

  adopt(packed: Packed): Packed {
    return byWire.adopt(packed);
  }

  /** A value that lies in a store, and that another process owns. */
  stored(at: StoredAt, value: WireValue): StoredValue {
    return new StoredValue(value, at, (where) => this.#bring(where));
  }

  /** A value that this process owns: it is given back when it is no longer wanted. */
  storedHere(at: StoredAt, value: WireValue): StoredValue {
    const stored = this.stored(at, value);
    this.#released.register(stored, at, stored);
    return stored;
  }

  /** An object that this process stored was the answer to a call: it is the caller's now. */
  gaveAway(value: WireValue, processId: string): void {
    this.#released.unregister(value);
    this.#home?.agent.tell("store.owner", { objectId: value.storedAt?.[0], processId });
  }

  /** Gives back what is held without need, for a store that is full. */
  async letGo(): Promise<void> {
    await this.#client?.letGo();
  }

  async close(): Promise<void> {
    await this.#client?.close().catch(() => undefined);
  }

  #keep(large: LargeValue, client: StoreClient, { agentAddress }: Home): Packed {
    const { parts, totalBytes } = objectParts(large);
    const at: StoredAt = [newId<ObjectId>(), agentAddress, totalBytes];
    const { objects, actors } = large;
    const value = new WireValue({ data: new Uint8Array(0), objects, actors });
    const stored = this.storedHere(at, value);
    const saved = client.keep(at[0], parts, totalBytes).then(() => stored);
    // Whoever packs it may never ask.
    saved.catch(() => {});
    const open = () => {
      throw new Error(`object ${at[0]} is still being stored`);
    };
    return { packed: true, saved, open };
  }

  async #bring(at: StoredAt): Promise<Uint8Array> {
    const [objectId, agent, bytes] = at;
    const home = this.#home;
    if (!home || !this.#client) return this.#copy(at);
    if (parseAddress(agent).nodeId !== home.nodeId) {
      await home.agent.ask("store.pull", { objectId, agent, bytes });
    }
    return (await this.#client.read(objectId)).bytes;
  }

  /** For a process that is on no node: the value is copied into its own memory. */
  async #copy([objectId, agent, bytes]: StoredAt): Promise<Uint8Array> {
    return copyObject(this.#peer(agent), objectId, bytes);
  }

  #release([objectId, agent]: StoredAt): void {
    const home = this.#home;
    const near = home !== undefined && parseAddress(agent).nodeId === home.nodeId;
    (near ? home.agent : this.#peer(agent)).tell("store.release", objectId);
  }
}

/** Copies a stored object from another node, in pieces. Throws ObjectLostError where it is not there (any more). */
export async function copyObject(from: Peer, objectId: string, bytes: number): Promise<Uint8Array> {
  const copy = Buffer.allocUnsafeSlow(bytes);
  const piece = async (offset: number) => {
    const length = Math.min(chunkBytes, bytes - offset);
    const part = (await from.ask("store.chunk", { objectId, offset, length })) as Uint8Array | null;
    if (part?.byteLength !== length) {
      throw new ObjectLostError(`object ${objectId} is not in the store of its node`, { objectId });
    }
    copy.set(part, offset);
  };
  const offsets = Array.from({ length: Math.ceil(bytes / chunkBytes) }, (_, index) => index * chunkBytes);
  const inFlight = 4;
  const run = async () => {
    for (let offset = offsets.shift(); offset !== undefined; offset = offsets.shift()) await piece(offset);
  };
  await Promise.all(Array.from({ length: inFlight }, run));
  return copy;
}

function portTo(agent: Peer): StorePort {
  return {
    create: async (bytes) => (await agent.ask("store.create", bytes)) as WritableSegment,
    spare: async (bytes) => ((await agent.ask("store.spare", bytes)) ?? undefined) as WritableSegment | undefined,
    seal: async (segment, objectId, bytes) => void (await agent.ask("store.seal", { segment, objectId, bytes })),
    discard: async (segment) => void (await agent.ask("store.discard", segment)),
    pin: async (objectId) =>
      ((await agent.ask("store.pin", objectId)) ?? undefined) as Awaited<ReturnType<StorePort["pin"]>>,
    unpin: async (objectId) => agent.tell("store.unpin", objectId),
    release: async (objectId) => agent.tell("store.release", objectId),
  };
}
