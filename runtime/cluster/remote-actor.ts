// An actor of the cluster as one process sees it: the calls it makes on it, and what the head tells of its life.
import {
  ActorClient,
  ActorFailures,
  type CallFactsSource,
  type Carrier,
  type Channel,
  type Endpoints,
} from "../calls/index.ts";
import { type ActorInfo, type ActorNews, tableOf } from "../control/index.ts";
import type { ActorId, ActorTarget, MethodInfo, MethodOptions, MethodTable } from "../core/index.ts";
import { decodeFailure } from "../wire/index.ts";

/** What an actor needs from its process. */
export interface ActorServices {
  readonly endpoints: Endpoints;
  readonly carrier: Carrier;
  /** The channel to the process at this address. */
  channel(address: string): Channel;
  /** The first handle is here. */
  hold(actor: RemoteActor): void;
  /** The last handle is gone; done when the actor has ended, or at once where others have handles of it. */
  letGo(actor: RemoteActor): Promise<void>;
}

export class RemoteActor implements ActorTarget {
  readonly source: CallFactsSource;
  #actorId: ActorId;
  #info: ActorInfo;
  readonly #services: ActorServices;
  readonly #client: ActorClient;
  #address = "";
  #hostId = "";
  #state: ActorNews["state"] = "PENDING_CREATION";
  #handles = 0;

  /** `source` is the class's own table and options where the actor was created here; elsewhere they are the info's. */
  constructor(actorId: ActorId, info: ActorInfo, services: ActorServices, source?: CallFactsSource) {
    this.#actorId = actorId;
    this.#info = info;
    this.#services = services;
    this.source = source ?? sourceOf(info);
    const { className, ordered, maxPendingCalls } = info;
    this.#client = new ActorClient(this.source, { className, ordered, maxPendingCalls }, services);
  }

  /** Calls of this process that are not answered. */
  get pendingCalls(): number {
    return this.#client.pendingCalls;
  }
  get actorId(): ActorId {
    return this.#actorId;
  }
  get info(): ActorInfo {
    return this.#info;
  }
  get table(): MethodTable {
    return this.source.table;
  }
  get address(): string {
    return this.#address;
  }

  /** The handle turns out to be for an actor that exists already (`getIfExists`). */
  become(actorId: ActorId, info: ActorInfo): void {
    this.#actorId = actorId;
    this.#info = info;
  }

  submit(method: MethodInfo, callOptions: MethodOptions | undefined, args: readonly unknown[]): unknown {
    return this.#client.call(method, callOptions, args);
  }

  retain(): void {
    this.#handles += 1;
    if (this.#handles === 1) this.#services.hold(this);
  }

  async release(): Promise<void> {
    this.#handles -= 1;
    if (this.#handles > 0) return;
    await new Promise<void>((resolve) => this.#client.whenIdle(resolve));
    if (this.#handles > 0) return;
    await this.#services.letGo(this);
  }

  /** The head tells how the actor is. */
  news(news: ActorNews): void {
    if (this.#state === "DEAD") return;
    this.#state = news.state;
    switch (news.state) {
      case "ALIVE":
        // Its restart may not have been heard of: the head was away, or this process was.
        if (this.#hostId !== "" && this.#hostId !== news.hostId) {
          this.#client.restarting(() => this.#failures().unavailable());
        }
        this.#hostId = news.hostId;
        this.#address = news.address;
        this.#client.alive(news.hostId, this.#services.channel(news.address));
        break;
      case "RESTARTING":
        this.#client.restarting(() => this.#failures().unavailable());
        break;
      case "DEAD":
        this.dead(() => this.#failures().of(news.death));
        break;
      case "DEPENDENCIES_UNREADY":
      case "PENDING_CREATION":
        break;
    }
  }

  /** Its process has forgotten the calls that were made on it (the connection was lost for too long). */
  disconnected(): void {
    if (this.#state !== "ALIVE") return;
    this.#client.restarting(() => this.#failures().unavailable());
  }

  /** The actor is dead, or was never made. */
  dead(error: () => unknown): void {
    this.#state = "DEAD";
    this.#client.dead(error);
  }

  #failures(): DeathErrors {
    return new DeathErrors(this.#actorId, this.#info);
  }
}

/** The errors that callers get of an actor that died elsewhere. */
class DeathErrors extends ActorFailures {
  constructor(actorId: ActorId, info: ActorInfo) {
    super(actorId, info.className, info.name ?? undefined);
  }

  of(death: ActorNews["death"]): unknown {
    if (!death) return this.died({ reason: "EXITED", message: "it has ended" });
    const cause = death.failure ? decodeFailure(death.failure) : undefined;
    switch (death.reason) {
      case "UNSCHEDULABLE":
        return this.unschedulable(death.reasons);
      case "PLACEMENT_GROUP_REMOVED":
        return this.groupRemoved(death.message);
      case "RUNTIME_ENV":
        return cause ?? this.died(death);
      default:
        return this.died(death, cause);
    }
  }
}

function sourceOf(info: ActorInfo): CallFactsSource {
  const { maxTaskRetries, retryExceptions, concurrencyGroups } = info;
  return { table: tableOf(info), options: { maxTaskRetries, retryExceptions, concurrencyGroups } };
}
