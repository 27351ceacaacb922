// Runs the one actor of a host process.
import { ActorHost, CallContext, decodePacked, type HostFacts } from "../calls/index.ts";
import type { ClusterProcess } from "../cluster/index.ts";
import { loadCode } from "../code/index.ts";
import { type ActorStart, type StartAnswer, tableOf } from "../control/index.ts";
import {
  type ActorId,
  methodTable,
  type NodeId,
  newId,
  type PlacementGroupId,
  reside,
  type TaskId,
  type UserClass,
} from "../core/index.ts";
import { type RayError, RayTaskError } from "../errors/index.ts";
import type { HostSettings } from "../node/index.ts";
import { encodeFailure } from "../wire/index.ts";
import { enterEnvironment } from "./environment.ts";
import type { TaskLog } from "./task-log.ts";

/** An actor that ends has this long for what it is doing; Ray's own figure. */
const graceMs = 30_000;

export class ActorRunner {
  readonly #start: ActorStart;
  readonly #process: ClusterProcess;
  readonly #settings: HostSettings;
  readonly #exiting: () => void;
  readonly #tasks: TaskLog;
  readonly #ended = new AbortController();
  #host: ActorHost | undefined;

  constructor(start: ActorStart, process: ClusterProcess, settings: HostSettings, tasks: TaskLog, exiting: () => void) {
    this.#tasks = tasks;
    this.#start = start;
    this.#process = process;
    this.#settings = settings;
    this.#exiting = exiting;
  }

  /** Loads the class and runs its constructor. */
  async start(): Promise<StartAnswer> {
    const { info, actorId, restarts, gpuIds, resources, placementGroupId, code, hostId } = this.#start;
    let Class: UserClass;
    try {
      enterEnvironment(this.#start, this.#settings.sessionFolder);
      Class = (await loadCode(code)) as UserClass;
    } catch (error) {
      const known = error as RayError;
      return { failed: { reason: "RUNTIME_ENV", message: known.message, failure: encodeFailure(known) } };
    }
    const { calls } = this.#process;
    const facts: HostFacts = {
      nodeId: this.#settings.nodeId as NodeId,
      namespace: info.namespace,
      actorId: actorId as ActorId,
      actorName: info.name ?? undefined,
      restarts,
      gpuIds,
      resources,
      placementGroupId: (placementGroupId ?? undefined) as PlacementGroupId | undefined,
      actorSignal: this.#ended.signal,
      exit: () => host.exit(),
    };
    const host: ActorHost = new ActorHost({
      Class,
      table: info.methods.length > 0 ? tableOf(info) : methodTable(Class),
      maxConcurrency: this.#start.maxConcurrency,
      concurrencyGroups: info.concurrencyGroups,
      observer: this.#tasks.observe({ type: "ACTOR_TASK", jobId: this.#start.jobId, actorId }),
      carrier: this.#process.carrier,
      alone: true,
      channel: calls.channel,
      facts,
      onExit: () => void this.#leave(),
    });
    const observer = this.#tasks.observe({ type: "ACTOR_CREATION_TASK", jobId: this.#start.jobId, actorId });
    const taskId = newId<TaskId>();
    const functionName = `${info.className}.constructor`;
    reside(new CallContext(facts, { taskId: newId<TaskId>() }, info.className));
    const watch = observer.began({ taskId }, functionName);
    try {
      const args = this.#start.args.map((arg) => decodePacked(arg, this.#process.objects));
      host.construct(taskId, args);
      watch?.ended();
    } catch (thrown) {
      observer.failed(functionName, thrown, watch);
      watch?.ended();
      return constructorFailed(thrown, info.className, actorId);
    }
    this.#host = host;
    calls.hosts.set(hostId, host);
    return { address: this.#process.address, pid: process.pid };
  }

  /** Lets what runs finish and the instance dispose of itself. */
  async retire(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, graceMs);
    });
    await Promise.race([this.#host?.drain().catch((error: unknown) => console.error(error)), late]);
    clearTimeout(timer);
    this.#ended.abort(new DOMException("the actor has ended", "AbortError"));
  }

  async #leave(): Promise<void> {
    this.#exiting();
    await this.retire();
    // The last answers, and word of the exit, go out before the process ends.
    await new Promise((resolve) => setTimeout(resolve, 50));
    process.exit(0);
  }
}

function constructorFailed(thrown: unknown, className: string, actorId: string): StartAnswer {
  const functionName = `${className}.constructor`;
  const cause = RayTaskError.from(thrown, { functionName, taskId: "", actorId });
  const message = `its constructor failed: ${cause.message}`;
  const failure = encodeFailure(thrown);
  return { failed: { reason: "CREATION_FAILED", message, failure } };
}
