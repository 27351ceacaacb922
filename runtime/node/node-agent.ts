// A node of the cluster: joins the head with what the machine has, keeps hosts ready, gives them actors and tasks to run,
// and tells the head when one is gone.
import { mkdirSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import {
  type ActorStart,
  type AgentRegistration,
  formatAddress,
  type HostExit,
  type LeaseStart,
  type LogQuery,
  type LogRead,
  type RunningHost,
  type StartAnswer,
  type TaskBatch,
} from "../control/index.ts";
import type { NodeId } from "../core/index.ts";
import { RayError, RaySystemError } from "../errors/index.ts";
import { findGpus, type MachineOptions, machineNode } from "../placement/index.ts";
import { dial, LinkServer, Peer, type PeerHandlers, type Session } from "../transport/index.ts";
import { encodeFailure } from "../wire/index.ts";
import { HostPool } from "./host-pool.ts";
import type { HostProcess } from "./host-process.ts";
import { type HostUse, LogBook } from "./log-book.ts";
import { nodeStats } from "./node-stats.ts";
import { TaskArchive } from "./task-archive.ts";

export interface NodeAgentOptions {
  readonly nodeId: NodeId;
  readonly headAddress: string;
  readonly token: string;
  readonly machine: MachineOptions;
  /** The interface that other nodes reach this one by. */
  readonly ip: string;
  /** Whether the head runs on this machine. */
  readonly besideHead: boolean;
  /** Sockets and logs; short, because a socket's path has at most 107 characters. */
  readonly sessionFolder: string;
  /** Hosts that are kept ready. */
  readonly warmHosts: number;
  log(facts: Readonly<Record<string, unknown>>, message: string): void;
  /** The head says that this node must not go on, or turns it away. */
  expelled(error: Error): void;
}

interface Use {
  readonly host: HostProcess;
  readonly actorId: string | null;
  readonly leaseId: string | null;
  readonly restarts: number;
  /** Nothing of it stays behind that another task could see. */
  readonly reusable: boolean;
}

export class NodeAgent {
  readonly #options: NodeAgentOptions;
  readonly #server: LinkServer;
  readonly #pool: HostPool;
  /** By host id of the head: an actor's incarnation, or a lease. */
  readonly #uses = new Map<string, Use>();
  readonly #socket: string;
  readonly #tasks: TaskArchive;
  readonly #logs: LogBook;
  #head: Peer | undefined;
  #address = "";
  #closed = false;

  constructor(options: NodeAgentOptions) {
    this.#options = options;
    const logs = join(options.sessionFolder, "logs");
    mkdirSync(logs, { recursive: true, mode: 0o700 });
    this.#tasks = new TaskArchive(options.nodeId);
    this.#logs = new LogBook(options.nodeId, logs);
    this.#socket = join(options.sessionFolder, "agent.sock");
    const { nodeId, headAddress, ip, sessionFolder, token } = options;
    this.#server = new LinkServer({
      processId: nodeId,
      token,
      graceMs: 10_000,
      accept: (processId, session) => new Peer(processId, this.#hostHandlers(), session),
    });
    this.#pool = new HostPool({
      token,
      size: options.warmHosts,
      settings: (hostId) => ({ hostId, nodeId, ip, agentSocket: this.#socket, headAddress, sessionFolder }),
    });
  }

  get nodeId(): NodeId {
    return this.#options.nodeId;
  }

  /** Listens, then joins the head; done when the head has taken the node in. */
  async start(): Promise<void> {
    const { nodeId, ip, headAddress, token } = this.#options;
    await this.#server.listen(`unix:${this.#socket}`);
    const port = await this.#server.listen(`${ip}:0`);
    this.#address = formatAddress({ processId: nodeId, nodeId, socket: this.#socket, tcp: `${ip}:${port}` });
    const handlers: PeerHandlers = {
      request: (method, payload) => this.#request(method, payload),
      up: (_peer, fresh) => fresh && void this.#join(),
      ended: (_peer, error) => !this.#closed && this.#options.expelled(error),
    };
    const peer: Peer = new Peer("head", handlers, () => session);
    const session: Session = dial({ address: headAddress, processId: nodeId, token }, peer);
    this.#head = peer;
    await peer.ask("register", this.#registration());
  }

  /** Ends all hosts and what they started. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#pool.close();
    this.#head?.end(new RaySystemError("the node agent is ending"));
    this.#server.close();
  }

  async #join(): Promise<void> {
    try {
      await this.#head?.ask("register", this.#registration());
      this.#options.log({}, "joined the head again");
    } catch (error) {
      if (!this.#closed) this.#options.expelled(error as Error);
    }
  }

  #registration(): AgentRegistration {
    const { nodeId, machine, ip, besideHead, sessionFolder } = this.#options;
    const view = machineNode(nodeId, machine, { ip, head: besideHead });
    return {
      kind: "agent",
      nodeId,
      address: this.#address,
      hostname: hostname(),
      ip,
      pid: process.pid,
      total: view.total,
      gpuIds: Object.keys(view.gpuTotals),
      pretendedGpus: Object.keys(view.gpuTotals).length > findGpus().length,
      labels: view.labels,
      sessionFolder,
      hosts: this.#running(),
    };
  }

  #running(): RunningHost[] {
    return [...this.#uses].map(([hostId, { host, actorId, leaseId, restarts }]) => {
      return { hostId, actorId, leaseId, restarts, address: host.address, pid: host.pid };
    });
  }

  #request(method: string, payload: unknown): unknown {
    switch (method) {
      case "startActor":
        return this.#startActor(payload as ActorStart);
      case "startLease":
        return this.#startLease(payload as LeaseStart);
      case "killHost":
        return this.#killHost(payload as string);
      case "retireHost":
        return this.#uses.get(payload as string)?.host.peer?.ask("retire", null);
      case "endLease":
        return this.#endLease(payload as string);
      case "tasks":
        return this.#tasks.all(this.#pool.all);
      case "stats":
        return nodeStats(this.#uses.values(), this.#pool.all);
      case "logSources":
        return this.#logs.sources(payload as LogQuery);
      case "readLog": {
        const { file, offset } = payload as LogRead;
        return this.#logs.read(file, offset);
      }
      default:
        throw new RaySystemError(
          `a node agent does not know the question "${method}": is the head of another version?`,
        );
    }
  }

  async #startActor(start: ActorStart): Promise<StartAnswer> {
    const { hostId, actorId, restarts, jobId, info } = start;
    const known = this.#uses.get(hostId);
    if (known) return { address: known.host.address, pid: known.host.pid };
    return this.#start(hostId, { actorId, leaseId: null, restarts, reusable: false }, "startActor", start, {
      actorId,
      jobId,
      name: info.className,
      restarts,
    });
  }

  async #startLease(start: LeaseStart): Promise<StartAnswer> {
    const { leaseId, gpuIds, runtimeEnv, jobId } = start;
    const known = this.#uses.get(leaseId);
    if (known) return { address: known.host.address, pid: known.host.pid };
    const reusable = gpuIds.length === 0 && Object.keys(runtimeEnv).length === 0;
    return this.#start(leaseId, { actorId: null, leaseId, restarts: 0, reusable }, "startLease", start, {
      actorId: null,
      jobId,
      name: "",
      restarts: 0,
    });
  }

  async #start(
    id: string,
    use: Omit<Use, "host">,
    method: string,
    start: unknown,
    forWhat: HostUse,
  ): Promise<StartAnswer> {
    let host: HostProcess;
    try {
      host = await this.#pool.take();
    } catch (error) {
      return failed("WORKER_DIED", error);
    }
    this.#uses.set(id, { ...use, host });
    this.#logs.used(host, forWhat);
    void host.gone.then((why) => this.#exited(id, host, why));
    try {
      const answer = (await host.peer?.ask(method, start)) as StartAnswer;
      if (!("failed" in answer)) return answer;
      this.#uses.delete(id);
      await host.kill();
      return answer;
    } catch (error) {
      this.#uses.delete(id);
      return failed("WORKER_DIED", new RaySystemError(`its host ended: ${await host.gone}`, {}, { cause: error }));
    }
  }

  async #killHost(hostId: string): Promise<void> {
    const use = this.#uses.get(hostId);
    this.#uses.delete(hostId);
    if (use) await this.#tasks.collect(use.host);
    await use?.host.kill();
  }

  async #endLease(leaseId: string): Promise<void> {
    const use = this.#uses.get(leaseId);
    this.#uses.delete(leaseId);
    if (!use) return;
    const free = use.reusable && (await use.host.peer?.ask("endLease", null).catch(() => false));
    if (free === true) this.#pool.giveBack(use.host);
    else {
      await this.#tasks.collect(use.host);
      await use.host.kill();
    }
  }

  #exited(id: string, host: HostProcess, why: string): void {
    const use = this.#uses.get(id);
    if (use?.host !== host || this.#closed) return;
    this.#uses.delete(id);
    const { actorId, leaseId, restarts } = use;
    const { nodeId } = this.#options;
    const exit: HostExit = { nodeId, hostId: id, actorId, leaseId, restarts, intended: host.intended, message: why };
    this.#options.log({ hostId: id, why }, "a host has ended");
    this.#head?.tell("hostExited", exit);
  }

  #archive(peer: Peer, batch: TaskBatch): void {
    const host = this.#pool.all.find((each) => each.peer === peer);
    if (host) this.#tasks.add(host, batch);
  }

  #hostHandlers(): PeerHandlers {
    return {
      request: (method, payload, peer) => {
        if (method !== "register") throw new RaySystemError(`a node agent does not know the question "${method}"`);
        const { hostId, address } = payload as { hostId: string; address: string };
        this.#pool.get(hostId)?.introduced(peer, address);
        return null;
      },
      event: (topic, payload, peer) => {
        const use = [...this.#uses.values()].find(({ host }) => host.peer === peer);
        if (topic === "exiting" && use) use.host.intended = true;
        else if (topic === "taskEvents") this.#archive(peer, payload as TaskBatch);
        else this.#head?.tell(topic, payload);
      },
    };
  }
}

function failed(reason: "WORKER_DIED", error: unknown): StartAnswer {
  const known = error instanceof RayError ? error : new RaySystemError(String(error));
  return { failed: { reason, message: known.message, failure: encodeFailure(known) } };
}
