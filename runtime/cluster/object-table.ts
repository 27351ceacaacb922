// References that cross processes. The process that made an object owns it: it keeps the value while anyone anywhere has a
// reference. Others borrow: they register with the owner, ask it for the value when they want it, and say when they are
// done. An object that never leaves its process is in no table at all.
import {
  type Carrier,
  type Companions,
  decodePacked,
  encodePacked,
  ObjectEntry,
  type Packed,
  type WireValue,
} from "../calls/index.ts";
import type { ObjectFacts } from "../control/index.ts";
import { type CancelOptions, type ObjectId, ObjectRef, slotOf } from "../core/index.ts";
import { OwnerDiedError, RaySystemError } from "../errors/index.ts";
import type { Peer } from "../transport/index.ts";
import {
  decodeFailure,
  encodeFailure,
  type FailureData,
  type ObjectDescriptor,
  type StoredAt,
  type ValueOnWire,
} from "../wire/index.ts";

/** A descriptor may be on its way for so long before its receiver registers. */
const onTheWayMs = 10_000;

interface Exported {
  readonly entry: ObjectEntry;
  readonly borrowers: Map<string, number>;
  timer: NodeJS.Timeout | undefined;
}

/** A value as its owner gives it. */
type Fetched = { readonly value: ValueOnWire } | { readonly failure: FailureData };

export interface ObjectTableOptions {
  /** This process's address, as it stands in descriptors. */
  readonly address: () => string;
  peer(address: string): Peer;
  /** Something is borrowed: from now on this process must hear of processes that end. */
  borrowing(): void;
  readonly handles: Pick<Companions, "describeActor" | "actor">;
  readonly carrier: Carrier;
  /** A value that lies in a store. */
  stored(at: StoredAt, value: WireValue): Packed;
  /** The same, where this process owns it. */
  storedHere(at: StoredAt, value: WireValue): Packed;
}

export class ObjectTable implements Companions {
  readonly #options: ObjectTableOptions;
  /** Asks the head whether a process is gone; set by the runtime. */
  isGone: (processId: string) => Promise<boolean> = async () => false;
  readonly #exported = new Map<string, Exported>();
  readonly #borrowed = new Map<string, { readonly entry: WeakRef<ObjectEntry>; readonly owner: string }>();
  #asOwner: Companions | undefined;
  readonly #owners = new WeakMap<ObjectEntry, string>();
  readonly #collected = new FinalizationRegistry<{ id: string; owner: string }>(({ id, owner }) =>
    this.#drop(id, owner),
  );

  constructor(options: ObjectTableOptions) {
    this.#options = options;
  }

  /** Objects of this process that others may know of. */
  get exportedCount(): number {
    return this.#exported.size;
  }

  /** The objects that this process has given others references of. */
  facts(): ObjectFacts[] {
    return [...this.#exported].map(([objectId, { entry, borrowers }]) => {
      const { outcome } = entry;
      const state = outcome === undefined ? "PENDING" : "error" in outcome ? "FAILED" : "READY";
      const value = outcome && "value" in outcome ? (outcome.value as WireValue) : undefined;
      const sizeBytes = value ? (value.storedAt?.[2] ?? value.data.length) : null;
      return { objectId, state, sizeBytes, borrowers: borrowers.size };
    });
  }

  describeObject(ref: ObjectRef): ObjectDescriptor {
    const entry = slotOf(ref);
    if (!(entry instanceof ObjectEntry)) throw new RaySystemError(`${ref.id} is a reference of another runtime`);
    const owner = this.#owners.get(entry);
    if (owner !== undefined) return [entry.id, owner];
    this.#export(entry);
    return [entry.id, this.#options.address()];
  }

  object([id, owner]: ObjectDescriptor): ObjectRef {
    const own = this.#exported.get(id);
    if (own) return new ObjectRef(own.entry);
    const known = this.#borrowed.get(id)?.entry.deref();
    return new ObjectRef(known ?? this.#borrow(id, owner));
  }

  describeActor(handle: object) {
    return this.#options.handles.describeActor(handle);
  }

  actor(descriptor: Parameters<Companions["actor"]>[0]): object {
    return this.#options.handles.actor(descriptor);
  }

  stored(at: StoredAt, value: WireValue): Packed {
    return this.#options.stored(at, value);
  }

  /** The same, for answers to calls of this process: it owns what they give. */
  get asOwner(): Companions {
    this.#asOwner ??= {
      describeObject: (ref) => this.describeObject(ref),
      describeActor: (handle) => this.describeActor(handle),
      object: (descriptor) => this.object(descriptor),
      actor: (descriptor) => this.actor(descriptor),
      stored: (at, value) => this.#options.storedHere(at, value),
    };
    return this.#asOwner;
  }

  /** Somebody borrows an object of this process. */
  borrowedBy(processId: string, id: string): void {
    const own = this.#exported.get(id);
    if (!own) return;
    clearTimeout(own.timer);
    own.borrowers.set(processId, (own.borrowers.get(processId) ?? 0) + 1);
  }

  droppedBy(processId: string, id: string): void {
    const own = this.#exported.get(id);
    const count = own?.borrowers.get(processId);
    if (!own || count === undefined) return;
    if (count > 1) own.borrowers.set(processId, count - 1);
    else own.borrowers.delete(processId);
    if (own.borrowers.size === 0) this.#expire(id, own);
  }

  /** A process is gone, and with it all that it borrowed; what it owned is lost. */
  processGone(processId: string): void {
    for (const [id, own] of this.#exported) {
      if (own.borrowers.delete(processId) && own.borrowers.size === 0) this.#expire(id, own);
    }
    for (const [id, { entry, owner }] of this.#borrowed) {
      if (owner.startsWith(`${processId}|`)) entry.deref()?.fail(ownerDied(id));
    }
  }

  /** A borrower cancels the call that an object of this process is of. */
  async cancelled({ id, options }: { readonly id: string; readonly options: CancelOptions }): Promise<null> {
    await this.#exported.get(id)?.entry.cancel(options);
    return null;
  }

  /** The value, as soon as it is there. */
  fetched(id: string): Promise<Fetched> {
    const own = this.#exported.get(id);
    if (!own) {
      const failure = encodeFailure(new OwnerDiedError(`object ${id} was given back by its owner`, { objectId: id }));
      return Promise.resolve({ failure });
    }
    return new Promise((resolve) => {
      own.entry.onSettled(() => {
        const { outcome } = own.entry;
        if (!outcome) return;
        if ("error" in outcome) resolve({ failure: encodeFailure(outcome.error) });
        else resolve({ value: encodePacked(this.#options.carrier.adopt(outcome.value), this) });
      });
    });
  }

  close(): void {
    for (const { timer } of this.#exported.values()) clearTimeout(timer);
    this.#exported.clear();
  }

  #export(entry: ObjectEntry): void {
    let own = this.#exported.get(entry.id);
    if (!own) {
      own = { entry, borrowers: new Map(), timer: undefined };
      this.#exported.set(entry.id, own);
    }
    if (own.borrowers.size === 0) this.#expire(entry.id, own);
  }

  #expire(id: string, own: Exported): void {
    clearTimeout(own.timer);
    own.timer = setTimeout(() => this.#exported.delete(id), onTheWayMs).unref();
  }

  #borrow(id: string, owner: string): ObjectEntry {
    const entry = ObjectEntry.borrowed(this.#options.carrier, id as ObjectId, {
      fetch: () => void this.#fetch(id, owner),
      cancel: async (options) => {
        await this.#options.peer(owner).ask("cancel", { id, options });
      },
    });
    this.#borrowed.set(id, { entry: new WeakRef(entry), owner });
    this.#owners.set(entry, owner);
    this.#collected.register(entry, { id, owner });
    this.#options.borrowing();
    this.#options.peer(owner).tell("borrow", id);
    return entry;
  }

  async #fetch(id: string, owner: string): Promise<void> {
    let outcome: { readonly value: Packed } | { readonly error: unknown };
    const peer = this.#options.peer(owner);
    try {
      if (!peer.connected) void this.#giveUpIfGone(peer);
      const fetched = (await peer.ask("fetch", id)) as Fetched;
      if ("failure" in fetched) outcome = { error: decodeFailure(fetched.failure) };
      else outcome = { value: decodePacked(fetched.value, this) };
    } catch (error) {
      outcome = { error: ownerDied(id, error) };
    }
    const entry = this.#borrowed.get(id)?.entry.deref();
    if ("error" in outcome) entry?.fail(outcome.error);
    else entry?.fulfil(outcome.value);
  }

  /** Its end may have been told before this process listened. */
  async #giveUpIfGone(peer: Peer): Promise<void> {
    const gone = await this.isGone(peer.processId).catch(() => false);
    if (gone) peer.end(new RaySystemError(`process ${peer.processId} is gone`));
  }

  #drop(id: string, owner: string): void {
    // It may have been borrowed anew before the old entry was collected.
    if (this.#borrowed.get(id)?.entry.deref() === undefined) this.#borrowed.delete(id);
    this.#options.peer(owner).tell("drop", id);
  }
}

function ownerDied(id: string, cause?: unknown): OwnerDiedError {
  const options = cause === undefined ? {} : { cause };
  return new OwnerDiedError(`object ${id} is lost: the process that owned it is gone`, { objectId: id }, options);
}
