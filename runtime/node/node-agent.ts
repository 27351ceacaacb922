// A node of the cluster: joins the head with what the machine has, keeps hosts ready, gives them actors and tasks to run, and
// tells the head when one is gone.
import { mkdirSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import {
  type ActorStart,
  type AgentRegistration,
  formatAddress,
  type HostExit,
  type LeaseStart,
  type RunningHost,
  type StartAnswer,
  type TaskBatch,
} from "../control/index.ts";
import type { NodeId } from "../core/index.ts";
import type { PackagePart } from "../environment/index.ts";
import { RaySystemError } from "../errors/index.ts";
import { findGpus, machineNode } from "../placement/index.ts";
import { dial, loadTls, Peer, type PeerHandlers, type Session, type Tls } from "../transport/index.ts";
import { ExitReports } from "./exit-reports.ts";
import { HostPools } from "./host-pools.ts";
import type { HostProcess } from "./host-process.ts";
import { actorUse, describeUse, failed, type HostUse, leaseUse, type NewUse } from "./host-use.ts";
import { HostWatch } from "./host-watch.ts";
import { LogForwarder } from "./log-forwarder.ts";
import { Neighbours } from "./neighbours.ts";
import type { NodeAgentOptions } from "./node-agent-options.ts";
import { Reaper } from "./reaper.ts";

type Language = "typescript" | "python";
type Start = ActorStart | LeaseStart;

export class NodeAgent {
  readonly #options: NodeAgentOptions;
  readonly #reaper: Reaper;
  readonly #tls: Tls | undefined;
  readonly #pools: HostPools;
  readonly #logs: LogForwarder;
  readonly #neighbours: Neighbours;
  /** By host id of the head: an actor's incarnation, or a lease. */
  readonly #uses = new Map<string, HostUse>();
  /** The answers to what was asked to be started, for when it is asked again. */
  readonly #starts = new Map<string, Promise<StartAnswer>>();
  /** Hosts that are to end before they have begun. */
  readonly #unwanted = new Set<string>();
  readonly #exits = new ExitReports();
  readonly #socket: string;
  readonly #watch: HostWatch;
  #head: Peer | undefined;
  #address = "";
  /** How many heads there have been since the first. */
  #headCount = 0;
  #closed = false;

  constructor(options: NodeAgentOptions) {
    this.#options = options;
    const logFolder = join(options.sessionFolder, "logs");
    mkdirSync(logFolder, { recursive: true, mode: 0o700 });
    this.#logs = new LogForwarder(logFolder, (lines) => this.#head?.tell("log", lines));
    this.#socket = join(options.sessionFolder, "agent.sock");
    const { nodeId, headAddress, ip, sessionFolder, token, tls } = options;
    this.#tls = loadTls(tls);
    this.#neighbours = new Neighbours({
      nodeId,
      token,
      tls: this.#tls,
      store: options.store ?? {},
      address: () => this.#address,
      introduced: (hostId, peer, address) => this.#pools.introduced(hostId, peer, address),
      told: (topic, payload, peer) => this.#told(topic, payload, peer),
    });
    this.#reaper = new Reaper(nodeId, sessionFolder, this.#neighbours.objects.folder);
    const { warmHosts, python } = options;
    const agentSocket = this.#socket;
    const settings = (hostId: string) => ({ hostId, nodeId, ip, agentSocket, headAddress, sessionFolder, tls });
    const fetch = async (id: string, offset: number) =>
      (await this.#head?.ask("getPackage", { id, offset })) as PackagePart | null;
    this.#pools = new HostPools({ token, warmHosts, python, settings, sessionFolder, fetch });
    this.#watch = new HostWatch({
      nodeId,
      logsFolder: logFolder,
      pools: this.#pools,
      uses: this.#uses,
      store: () => this.#neighbours.objects.stats(),
    });
  }

  get nodeId(): NodeId {
    return this.#options.nodeId;
  }

  /** Listens, then joins the head; done when the head has taken the node in. */
  async start(): Promise<void> {
    const { nodeId, ip, headAddress, token, headTimeoutMs, log } = this.#options;
    const port = await this.#neighbours.listen(this.#socket, ip);
    this.#address = formatAddress({ processId: nodeId, nodeId, socket: this.#socket, tcp: `${ip}:${port}` });
    let lastFailure = "";
    const handlers: PeerHandlers = {
      request: (method, payload) => this.#request(method, payload),
      event: (topic, payload) => topic === "processGone" && this.#neighbours.objects.ownerGone(payload as string),
      up: (_peer, fresh) => {
        lastFailure = "";
        if (fresh) this.#rejoin();
      },
      unreachable: (_peer, reason) => {
        if (reason !== lastFailure) log({ headAddress, reason }, "the head cannot be reached; trying again");
        lastFailure = reason;
      },
      ended: (_peer, error) => !this.#closed && this.#options.expelled(error),
    };
    const peer: Peer = new Peer("head", handlers, () => session);
    const session: Session = dial(
      { address: headAddress, processId: nodeId, token, tls: this.#tls, giveUpMs: headTimeoutMs },
      peer,
    );
    this.#head = peer;
    await peer.ask("register", this.#registration());
  }

  /** Ends all hosts and what they started. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#pools.close();
    this.#logs.close();
    await this.#neighbours.close();
    this.#head?.end(new RaySystemError("the node agent is ending"));
    await this.#reaper.close();
  }

  /** The head was started again: it will ask anew for what has no host yet, perhaps of another node. */
  #rejoin(): void {
    this.#headCount += 1;
    for (const id of [...this.#starts.keys()]) if (!this.#uses.has(id)) this.#starts.delete(id);
    void this.#join();
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
      exits: this.#exits.open,
    };
  }

  #running(): RunningHost[] {
    return [...this.#uses].map(([hostId, use]) => describeUse(hostId, use));
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
      default:
        if (this.#watch.knows(method)) return this.#watch.answer(method, payload);
        throw new RaySystemError(
          `a node agent does not know the question "${method}": is the head of another version?`,
        );
    }
  }

  #startActor(start: ActorStart): Promise<StartAnswer> {
    const language = start.code.root === "python" ? "python" : "typescript";
    return this.#once(start.hostId, language, actorUse(start), "startActor", start);
  }

  #startLease(start: LeaseStart): Promise<StartAnswer> {
    return this.#once(start.leaseId, start.language ?? "typescript", leaseUse(start), "startLease", start);
  }

  /** A head that was started again may ask for what it asked for before. */
  #once(id: string, language: Language, use: NewUse, method: string, start: Start): Promise<StartAnswer> {
    let starting = this.#starts.get(id);
    if (starting === undefined) {
      starting = this.#start(id, language, use, method, start);
      this.#starts.set(id, starting);
      const started = starting;
      void started.then((answer) => "failed" in answer && this.#starts.get(id) === started && this.#starts.delete(id));
    }
    return starting;
  }

  async #start(id: string, language: Language, use: NewUse, method: string, start: Start): Promise<StartAnswer> {
    const headCount = this.#headCount;
    const taken = await this.#pools.take(language, start).catch(failed);
    if ("failed" in taken) return taken;
    const { host, pool, given } = taken;
    if (headCount !== this.#headCount || this.#unwanted.delete(id)) {
      pool.giveBack(host);
      return failed(new RaySystemError("it was ended before it had begun"));
    }
    this.#uses.set(id, { ...use, host, pool, blocked: false });
    this.#watch.used(host, start);
    this.#logs.follow(host, { jobId: use.jobId, source: use.source, pid: host.pid, ip: this.#options.ip });
    void host.gone.then((why) => {
      this.#logs.unfollow(host);
      host.peer?.end(new RaySystemError("the host has ended"));
      this.#exited(id, host, why);
    });
    try {
      const answer = (await host.peer?.ask(method, given)) as StartAnswer;
      if (!("failed" in answer)) return answer;
      this.#forget(id);
      await host.kill();
      return answer;
    } catch (error) {
      this.#forget(id);
      return failed(new RaySystemError(`its host ended: ${await host.gone}`, {}, { cause: error }));
    }
  }

  async #killHost(hostId: string): Promise<void> {
    const use = await this.#forgetStarted(hostId);
    if (use) await this.#watch.lastWord(use.host);
    await use?.host.kill();
  }

  async #endLease(leaseId: string): Promise<void> {
    const use = await this.#forgetStarted(leaseId);
    if (!use) return;
    const free = use.reusable && (await use.host.peer?.ask("endLease", null).catch(() => false));
    this.#logs.unfollow(use.host);
    if (free === true) use.pool.giveBack(use.host);
    else {
      await this.#watch.lastWord(use.host);
      await use.host.kill();
    }
  }

  #forget(id: string): HostUse | undefined {
    const use = this.#uses.get(id);
    this.#uses.delete(id);
    this.#starts.delete(id);
    return use;
  }

  /** As `#forget`; one that has no process yet will not get one. */
  async #forgetStarted(id: string): Promise<HostUse | undefined> {
    const starting = this.#starts.get(id);
    if (starting === undefined || this.#uses.has(id)) return this.#forget(id);
    this.#unwanted.add(id);
    await starting;
    this.#unwanted.delete(id);
    return undefined;
  }

  #exited(id: string, host: HostProcess, why: string): void {
    const use = this.#uses.get(id);
    if (use?.host !== host || this.#closed) return;
    this.#forget(id);
    const { actorId, restarts } = use;
    const leaseId = use.lease?.leaseId ?? null;
    const { nodeId } = this.#options;
    const exit: HostExit = { nodeId, hostId: id, actorId, leaseId, restarts, intended: host.intended, message: why };
    this.#options.log({ hostId: id, why }, "a host has ended");
    this.#exits.send(exit, this.#head);
  }

  #told(topic: string, payload: unknown, peer: Peer): void {
    const use = [...this.#uses.values()].find(({ host }) => host.peer === peer);
    if (topic === "exiting") {
      if (use) use.host.intended = true;
    } else if (topic === "taskEvents") {
      void this.#watch.told(peer, payload as TaskBatch);
    } else if ((topic === "blocked" || topic === "unblocked") && typeof payload === "string") {
      if (use) use.blocked = topic === "blocked";
      this.#head?.tell(topic, payload);
    }
  }
}
