/**
 * A node that only pretends: it joins over a session of its own as a node agent does, says that every actor it is asked to start
 * runs, remembers them, and joins a head that was started again with all of them. It starts no process.
 */

import {
  type ActorStart,
  type AgentRegistration,
  formatAddress,
  type RunningHost,
} from "../../../runtime/control/index.ts";
import { newId } from "../../../runtime/core/index.ts";
import { RaySystemError } from "../../../runtime/errors/index.ts";
import { toUnits } from "../../../runtime/scheduling/index.ts";
import { dial, Peer, type Session } from "../../../runtime/transport/index.ts";

export interface SimulatedNodeOptions {
  readonly headAddress: string;
  readonly token: string;
  readonly cpus: number;
  /** Where somebody answers for all nodes and hosts of this process, `host:port`. */
  readonly tcp: string;
  /** The head has taken it in, at first or after it was started again. */
  joined(again: boolean): void;
  /** It was told to start an actor. */
  told(start: ActorStart): void;
  failed(error: Error): void;
}

/** What all pretended hosts of a process are called: one session of a driver serves for them all. */
export const hostsId = "simulated-hosts";

export class SimulatedNode {
  readonly nodeId = newId();
  readonly #options: SimulatedNodeOptions;
  readonly #hosts = new Map<string, RunningHost>();
  readonly #peer: Peer;

  constructor(options: SimulatedNodeOptions) {
    this.#options = options;
    const { headAddress, token } = options;
    const peer: Peer = new Peer(
      "head",
      {
        request: (method, payload) => this.#answer(method, payload),
        up: (_peer, fresh) => fresh && this.join(true),
        ended: (_peer, error) => options.failed(error),
      },
      () => session,
    );
    const session: Session = dial({ address: headAddress, processId: this.nodeId, token }, peer);
    this.#peer = peer;
  }

  /** Asks the head to take it in. */
  join(again = false): void {
    this.#peer.ask("register", this.#registration()).then(
      () => this.#options.joined(again),
      (error: Error) => this.#options.failed(error),
    );
  }

  get hosts(): number {
    return this.#hosts.size;
  }

  #answer(method: string, payload: unknown): unknown {
    switch (method) {
      case "startActor":
        return this.#start(payload as ActorStart);
      case "killHost":
        this.#hosts.delete(payload as string);
        return null;
      case "retireHost":
        return null;
      default:
        throw new RaySystemError(`a simulated node does not know the question "${method}"`);
    }
  }

  #start(start: ActorStart): { address: string; pid: number } {
    this.#options.told(start);
    const { hostId, actorId, restarts } = start;
    // No field of a host is the head's to look into but these.
    const address = formatAddress({ processId: hostsId, nodeId: "", socket: "", tcp: this.#options.tcp });
    this.#hosts.set(hostId, { hostId, actorId, restarts, lease: null, blocked: false, address, pid: 1 });
    return { address, pid: 1 };
  }

  #registration(): AgentRegistration {
    const { tcp, cpus } = this.#options;
    const { nodeId } = this;
    return {
      kind: "agent",
      nodeId,
      address: formatAddress({ processId: nodeId, nodeId, socket: "", tcp }),
      hostname: "simulated",
      ip: "127.0.0.1",
      pid: process.pid,
      total: { CPU: toUnits("CPU", cpus) ?? 0, memory: 2 ** 40 },
      gpuIds: [],
      pretendedGpus: false,
      labels: { "ray.io/node-id": nodeId },
      sessionFolder: "/nowhere",
      hosts: [...this.#hosts.values()],
      exits: [],
    };
  }
}
