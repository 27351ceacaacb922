// The nodes that have joined, and how they are.
import type { AgentRegistration } from "../control/index.ts";
import type { NodeId, NodeInfo } from "../core/index.ts";
import type { Ledger } from "../placement/index.ts";
import { fromUnits, type NodeView, newNode } from "../scheduling/index.ts";
import type { Peer } from "../transport/index.ts";
import type { HeadStore } from "./head-store.ts";

export type NodeState = "ALIVE" | "DRAINING" | "DEAD";

export interface NodeRecord {
  readonly registration: AgentRegistration;
  /** Changed by `rejoin`. */
  peer: Peer;
  state: NodeState;
  readonly joinedMs: number;
  endedMs: number | null;
}

/** Dead nodes that are remembered, so that they are turned away and shown. */
const deadKept = 200;

export class NodeTable {
  readonly #nodes = new Map<string, NodeRecord>();
  readonly #byPeer = new WeakMap<Peer, NodeRecord>();
  readonly #ledger: Ledger;
  readonly #store: HeadStore;
  /** Why each dead node is dead, those an earlier head declared dead among them. */
  readonly #dead: Map<string, string>;

  constructor(ledger: Ledger, store: HeadStore) {
    this.#ledger = ledger;
    this.#store = store;
    this.#dead = new Map(store.deadNodes.all().map(({ nodeId, reason }) => [nodeId, reason]));
  }

  /** Why a node was declared dead; undefined where it was not. */
  deathOf(nodeId: string): string | undefined {
    return this.#dead.get(nodeId);
  }

  get(nodeId: string): NodeRecord | undefined {
    return this.#nodes.get(nodeId);
  }

  all(): readonly NodeRecord[] {
    return [...this.#nodes.values()];
  }

  byPeer(peer: Peer): NodeRecord | undefined {
    const node = this.#byPeer.get(peer);
    return node?.peer === peer ? node : undefined;
  }

  /** A node that is known has another connection. */
  rejoin(record: NodeRecord, peer: Peer): void {
    record.peer = peer;
    this.#byPeer.set(peer, record);
  }

  /** A node joins, or comes back after its head was started again. Nothing of it is taken yet. */
  join(registration: AgentRegistration, peer: Peer): NodeRecord {
    const { nodeId, total, gpuIds, labels } = registration;
    const record: NodeRecord = { registration, peer, state: "ALIVE", joinedMs: Date.now(), endedMs: null };
    this.#nodes.set(nodeId, record);
    this.#byPeer.set(peer, record);
    this.#ledger.add(newNode(nodeId, total, gpuIds, labels));
    return record;
  }

  /** The node takes nothing more; what runs on it goes on. */
  drain(nodeId: string): void {
    const record = this.#nodes.get(nodeId);
    if (record?.state !== "ALIVE") return;
    record.state = "DRAINING";
    this.#ledger.remove(nodeId);
  }

  dead(nodeId: string, reason: string): void {
    this.#dead.set(nodeId, reason);
    void this.#store.deadNodes.put(nodeId, { nodeId, reason });
    const record = this.#nodes.get(nodeId);
    if (record) {
      record.state = "DEAD";
      record.endedMs = Date.now();
    }
    this.#ledger.remove(nodeId);
    const [oldest] = this.#dead.size > deadKept ? this.#dead.keys() : [];
    if (oldest === undefined) return;
    this.#dead.delete(oldest);
    this.#nodes.delete(oldest);
    void this.#store.deadNodes.remove(oldest);
  }

  describe(): NodeInfo[] {
    return this.all().map(({ registration, state }) => {
      const view: NodeView | undefined = this.#ledger.get(registration.nodeId);
      return {
        nodeId: registration.nodeId as NodeId,
        alive: state !== "DEAD",
        nodeManagerHostname: registration.hostname,
        nodeManagerAddress: registration.ip,
        resources: fromUnits(registration.total),
        available: fromUnits(view?.free ?? {}),
        gpuIds: registration.gpuIds,
        labels: registration.labels,
      };
    });
  }
}
