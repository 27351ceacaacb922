// The node's object store as the node agent offers it: to the processes of the node, and to the agents of others.
import { copyObject } from "../cluster/index.ts";
import { StoreClient, StoreServer, type StoreServerOptions } from "../store/index.ts";
import type { Peer } from "../transport/index.ts";

const ownProcess = "agent";

export class ObjectDesk {
  readonly #server: StoreServer;
  readonly #own: StoreClient;
  readonly #peer: (address: string) => Peer;
  readonly #pulling = new Map<string, Promise<void>>();
  /** Whose objects they are: they are given up when the owner is gone. */
  readonly #owners = new Map<string, string>();
  /** Agents that have copied an object of this node: they are told when it is given up. */
  readonly #copies = new Map<string, Set<Peer>>();

  /** `peer`: the agent at an address. */
  constructor(options: StoreServerOptions, peer: (address: string) => Peer) {
    this.#server = StoreServer.open(options);
    this.#own = new StoreClient({ folder: this.#server.folder, port: this.#server.portFor(ownProcess) });
    this.#peer = peer;
  }

  get folder(): string {
    return this.#server.folder;
  }

  stats(): ReturnType<StoreServer["stats"]> {
    return this.#server.stats();
  }

  /** Answers a question that begins with `store.`; undefined for one it does not know. */
  request(method: string, payload: unknown, peer: Peer): unknown {
    const port = this.#server.portFor(peer.processId);
    switch (method) {
      case "store.create":
        return port.create(payload as number);
      case "store.spare":
        return port.spare(payload as number);
      case "store.seal": {
        const { segment, objectId, bytes } = payload as { segment: string; objectId: string; bytes: number };
        this.#owners.set(objectId, peer.processId);
        return port.seal(segment, objectId, bytes);
      }
      case "store.discard":
        return port.discard(payload as string);
      case "store.pin":
        return port.pin(payload as string);
      case "store.chunk":
        return this.#chunk(payload as { objectId: string; offset: number; length: number }, peer);
      case "store.pull":
        return this.#pull(payload as { objectId: string; agent: string; bytes: number });
      case "store.stats":
        return this.stats();
      default:
        return undefined;
    }
  }

  event(topic: string, payload: unknown, peer: Peer): void {
    const port = this.#server.portFor(peer.processId);
    if (topic === "store.unpin") void port.unpin(payload as string);
    else if (topic === "store.release") this.#release(payload as string);
    else if (topic === "store.owner") {
      const { objectId, processId } = payload as { objectId: string; processId: string };
      if (this.#owners.has(objectId)) this.#owners.set(objectId, processId);
    }
  }

  /** A process of this node has ended: what it held is free, what it owned is given up. */
  processGone(processId: string): void {
    this.#server.processGone(processId);
    this.ownerGone(processId);
  }

  /** A process of the cluster is gone: what it owned here is given up. */
  ownerGone(processId: string): void {
    for (const [objectId, owner] of this.#owners) if (owner === processId) this.#release(objectId);
  }

  async close(): Promise<void> {
    await this.#own.close().catch(() => undefined);
    await this.#server.close();
  }

  #release(objectId: string): void {
    this.#owners.delete(objectId);
    void this.#server.release(objectId);
    for (const peer of this.#copies.get(objectId) ?? []) peer.tell("store.release", objectId);
    this.#copies.delete(objectId);
  }

  /** A part of an object, for another node; null where it is not here. */
  async #chunk({ objectId, offset, length }: { objectId: string; offset: number; length: number }, peer: Peer) {
    const view = await this.#own.read(objectId).catch(() => undefined);
    if (!view) return null;
    const copies = this.#copies.get(objectId) ?? new Set();
    this.#copies.set(objectId, copies.add(peer));
    return Buffer.from(view.bytes.subarray(offset, offset + length));
  }

  /** Brings an object of another node here, once for all who want it. */
  #pull({ objectId, agent, bytes }: { objectId: string; agent: string; bytes: number }): Promise<void> {
    let pulling = this.#pulling.get(objectId);
    if (!pulling) {
      pulling = this.#fetch(objectId, agent, bytes).finally(() => this.#pulling.delete(objectId));
      this.#pulling.set(objectId, pulling);
    }
    return pulling;
  }

  async #fetch(objectId: string, agent: string, bytes: number): Promise<void> {
    if (this.#server.has(objectId)) return;
    const copy = await copyObject(this.#peer(agent), objectId, bytes);
    await this.#own.write(objectId, [copy], bytes);
  }
}
