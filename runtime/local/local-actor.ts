// One actor of the local runtime through all its lives: waits, is constructed, serves, is made again, and dies of a cause.
import { ActorClient, ActorFailures, ActorHost, CallArguments } from "../calls/index.ts";
import {
  type ActorId,
  type ActorSpec,
  type ActorState,
  type ActorStateName,
  type ActorTarget,
  actorStates,
  callSite,
  currentContext,
  type DeathCause,
  type MethodInfo,
  type MethodOptions,
  type MethodTable,
  newId,
  outsideContext,
  type TaskId,
} from "../core/index.ts";
import { RayTaskError } from "../errors/index.ts";
import type { Grant, Refused } from "../placement/index.ts";
import { describeActor, groupIdOf } from "./actor-description.ts";
import type { LocalServices } from "./local-services.ts";
import { runtimeEnvProblem } from "./runtime-env.ts";

/** Ray's time for an actor that ends of its own will. */
const gracefulShutdownMs = 30_000;

type Death = DeathCause & { readonly error?: () => unknown };

export class LocalActor implements ActorTarget {
  readonly actorId: ActorId = newId<ActorId>();
  readonly spec: ActorSpec;
  readonly namespace: string;
  readonly ownerId = currentContext()?.actorId;
  readonly #services: LocalServices;
  readonly #args: CallArguments;
  readonly #client: ActorClient;
  readonly #callSite: string;
  readonly #failures: ActorFailures;
  #state: ActorStateName = "DEPENDENCIES_UNREADY";
  #death: Death | undefined;
  #restarts = 0;
  #handles = 0;
  #grant: Grant | undefined;
  #host: ActorHost | undefined;
  #hostId: string | undefined;
  #aborter = new AbortController();
  #withdraw: (() => void) | undefined;
  #exit: Promise<void> | undefined;

  constructor(spec: ActorSpec, args: readonly unknown[], services: LocalServices) {
    this.spec = spec;
    this.#services = services;
    this.namespace = spec.options.namespace ?? services.namespace;
    this.#args = new CallArguments(args, services.carrier, `${spec.table.className}.constructor`);
    const { ordered, maxPendingCalls } = spec.options;
    this.#client = new ActorClient(spec, { className: spec.table.className, ordered, maxPendingCalls }, services);
    this.#callSite = callSite();
    this.#failures = new ActorFailures(this.actorId, spec.table.className, spec.options.name);
  }

  get table(): MethodTable {
    return this.spec.table;
  }
  get state(): ActorStateName {
    return this.#state;
  }

  /** Begins its life. */
  start(): void {
    outsideContext(() =>
      this.#args.whenReady((failed) => (failed ? this.#dependencyFailed(failed.error) : this.#schedule())),
    );
  }

  submit(method: MethodInfo, callOptions: MethodOptions | undefined, args: readonly unknown[]): unknown {
    return this.#client.call(method, callOptions, args);
  }

  retain(): void {
    this.#handles += 1;
  }

  async release(): Promise<void> {
    this.#handles -= 1;
    if (this.#handles > 0 || this.spec.options.detached) return;
    await new Promise<void>((resolve) => this.#client.whenIdle(resolve));
    if (this.#handles > 0) return;
    await this.exit({ reason: "OUT_OF_SCOPE", message: "its last handle is gone" });
  }

  /** Ends as by SIGKILL: nothing of the actor's own runs any more. It is made again if it may be. */
  kill(noRestart: boolean): void {
    const { maxRestarts } = this.spec.options;
    const mayRestart = !noRestart && (maxRestarts === -1 || this.#restarts < maxRestarts);
    if (mayRestart && this.#state !== "ALIVE") return;
    if (mayRestart) this.#restart();
    else this.die({ reason: "KILLED", message: "it was killed with kill()" });
  }

  /** Ends of its own will: what runs may finish within `graceMs`, the instance is disposed of. */
  exit(cause: DeathCause, graceMs = gracefulShutdownMs): Promise<void> {
    this.#exit ??= outsideContext(() => this.#drain(graceMs)).then(() => this.die(cause));
    return this.#exit;
  }

  /** Tells what runs that it should end. */
  abortRunning(): void {
    this.#host?.abortRunning();
  }

  /** Dies now, whatever it is doing. */
  die(death: Death): void {
    if (this.#state === "DEAD") return;
    this.#death = death;
    this.#move("DEAD");
    this.#withdraw?.();
    this.#leave(death.reason);
    this.#client.dead(() => death.error?.() ?? this.#failures.died(death));
    this.#services.died(this);
  }

  describe(): ActorState {
    const { jobId, nodeId, pendingReason } = this.#services;
    return describeActor(this.spec, {
      actorId: this.actorId,
      namespace: this.namespace,
      state: this.#state,
      jobId,
      nodeId: this.#grant ? nodeId : null,
      death: this.#death,
      restarts: this.#restarts,
      callSite: this.#callSite,
      gpuIds: this.#grant?.gpuIds ?? [],
      pendingCalls: this.#client.pendingCalls,
      pendingReason: pendingReason(this.actorId),
    });
  }

  async #drain(graceMs: number): Promise<void> {
    const host = this.#host;
    if (!host) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, graceMs);
    });
    await Promise.race([host.drain().catch(() => {}), late]);
    clearTimeout(timer);
    // The last answers are on their way; nothing is failed that has been answered.
    await new Promise<void>((resolve) => this.#services.turns.add(resolve));
  }

  #move(to: ActorStateName): void {
    const allowed: readonly string[] = actorStates[this.#state];
    if (!allowed.includes(to)) throw new Error(`actor ${this.actorId} cannot go from ${this.#state} to ${to}`);
    this.#state = to;
  }

  #schedule(): void {
    if (this.#state === "DEAD") return;
    if (this.#state === "DEPENDENCIES_UNREADY") this.#move("PENDING_CREATION");
    const { request, runtimeEnv } = this.spec.options;
    const problem = runtimeEnvProblem(this.#services.runtimeEnv, runtimeEnv);
    if (problem) {
      this.die({ reason: "CREATION_FAILED", message: problem.message, error: () => problem });
      return;
    }
    this.#withdraw = this.#services.scheduler.ask({
      kind: "actor",
      id: this.actorId,
      name: this.table.className,
      request,
      granted: (grant) => {
        this.#grant = grant;
        this.#services.turns.add(() => this.#construct(grant));
      },
      refused: (refused) => this.#refused(refused),
    });
  }

  #construct(grant: Grant): void {
    if (this.#grant !== grant) return;
    const { options, Class, table } = this.spec;
    const { endpoints, channel, carrier, nodeId } = this.#services;
    const hostId = `${this.actorId}#${this.#restarts}`;
    const host: ActorHost = new ActorHost({
      Class,
      table,
      maxConcurrency: options.maxConcurrency,
      concurrencyGroups: options.concurrencyGroups,
      carrier,
      channel,
      facts: {
        nodeId,
        namespace: this.namespace,
        actorId: this.actorId,
        actorName: options.name,
        restarts: this.#restarts,
        gpuIds: grant.gpuIds,
        resources: grant.resources,
        placementGroupId: groupIdOf(this.spec) ?? undefined,
        actorSignal: this.#aborter.signal,
        exit: () => host.exit(),
      },
      onExit: () => void this.exit({ reason: "EXITED", message: "it ended itself" }),
    });
    try {
      host.construct(newId<TaskId>(), this.#args.values());
    } catch (error) {
      this.#constructorFailed(error);
      return;
    }
    if (this.#grant !== grant) {
      host.stop();
      return;
    }
    this.#host = host;
    this.#hostId = hostId;
    endpoints.hosts.set(hostId, host);
    this.#move("ALIVE");
    this.#client.alive(hostId, this.#services.channel);
  }

  #restart(): void {
    this.#move("RESTARTING");
    this.#leave("KILLED");
    this.#restarts += 1;
    this.#client.restarting(() => this.#failures.unavailable());
    this.#schedule();
  }

  /** Ends the incarnation: tells its code, takes it off the channel, gives its resources back. */
  #leave(reason: string): void {
    const host = this.#host;
    const grant = this.#grant;
    this.#host = undefined;
    this.#grant = undefined;
    if (this.#hostId !== undefined) this.#services.endpoints.hosts.delete(this.#hostId);
    this.#hostId = undefined;
    this.#aborter.abort(new DOMException(`the actor has ended: ${reason}`, "AbortError"));
    this.#aborter = new AbortController();
    host?.stop();
    this.#services.left(this);
    grant?.release();
  }

  #dependencyFailed(error: unknown): void {
    const message = `an argument of its constructor failed: ${error instanceof Error ? error.message : String(error)}`;
    const death = { reason: "CREATION_FAILED", message } as const;
    this.die({ ...death, error: () => this.#failures.died(death, error) });
  }

  #constructorFailed(thrown: unknown): void {
    const functionName = `${this.table.className}.constructor`;
    const cause = RayTaskError.from(thrown, { functionName, taskId: "", actorId: this.actorId });
    const death: DeathCause = { reason: "CREATION_FAILED", message: `its constructor failed: ${cause.message}` };
    this.die({ ...death, error: () => this.#failures.died(death, cause) });
  }

  #refused({ kind, reasons }: Refused): void {
    const message = reasons.join("; ");
    if (kind === "groupRemoved") this.groupRemoved(message);
    else this.die({ reason: "UNSCHEDULABLE", message, error: () => this.#failures.unschedulable(reasons) });
  }

  /** Dies with its placement group. */
  groupRemoved(message: string): void {
    this.die({ reason: "PLACEMENT_GROUP_REMOVED", message, error: () => this.#failures.groupRemoved(message) });
  }
}
