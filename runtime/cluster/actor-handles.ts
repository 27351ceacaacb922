// The actors that this process has handles of. One object for each actor, however many handles there are.
import type { Companions } from "../calls/index.ts";
import { type ActorInfo, type ActorNews, isActorInfo } from "../control/index.ts";
import { type ActorId, makeHandle, targetOf } from "../core/index.ts";
import { RaySystemError } from "../errors/index.ts";
import type { ActorDescriptor } from "../wire/index.ts";
import { type ActorServices, RemoteActor } from "./remote-actor.ts";

export class ActorHandles implements Pick<Companions, "describeActor" | "actor"> {
  readonly #actors = new Map<string, RemoteActor[]>();
  readonly #opener: (() => void) | undefined;
  #services: ActorServices | undefined;

  /** `opener` starts the runtime, which calls `open`, when the first handle turns up before anything else was asked. */
  constructor(opener?: () => void) {
    this.#opener = opener;
  }

  open(services: ActorServices): void {
    this.#services = services;
  }

  get services(): ActorServices {
    if (!this.#services) this.#opener?.();
    if (!this.#services) throw new RaySystemError("the runtime is not started");
    return this.#services;
  }

  /** Two for one id where a name turned out to be that of an actor known already. */
  add(actor: RemoteActor): void {
    this.#actors.set(actor.actorId, [...(this.#actors.get(actor.actorId) ?? []), actor]);
  }

  all(): readonly RemoteActor[] {
    return [...this.#actors.values()].flat();
  }

  /** The actor of this id. Its first handle makes the head tell of it. */
  find(actorId: string, info: ActorInfo): RemoteActor {
    const known = this.#actors.get(actorId)?.[0];
    if (known) return known;
    const actor = new RemoteActor(actorId as ActorId, info, this.services);
    this.add(actor);
    return actor;
  }

  /** This process has no handle of it any more; true where it has none of the actor at all. */
  forget(actor: RemoteActor): boolean {
    const others = (this.#actors.get(actor.actorId) ?? []).filter((one) => one !== actor);
    if (others.length > 0) this.#actors.set(actor.actorId, others);
    else this.#actors.delete(actor.actorId);
    return others.length === 0;
  }

  /** The calls that this process waits for, by actor. */
  pendingCalls(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { actorId, pendingCalls } of this.all()) counts.set(actorId, (counts.get(actorId) ?? 0) + pendingCalls);
    return counts;
  }

  describeActor(handle: object): ActorDescriptor {
    const target = targetOf(handle);
    if (!(target instanceof RemoteActor))
      throw new RaySystemError("the handle is of an actor in this process: code in another one cannot call it");
    return [target.actorId, target.info];
  }

  actor([actorId, info]: ActorDescriptor): object {
    if (!isActorInfo(info)) throw new RangeError("a value arrived with something beside it that is no handle");
    return makeHandle(this.find(actorId, info));
  }

  news(news: ActorNews): void {
    for (const actor of this.#actors.get(news.actorId) ?? []) actor.news(news);
  }
}
