// Makes actors of the cluster: says to the head what is wanted, waits for late arguments of the constructor, and finds out
// whether the name is another's.
import { CallArguments, encodePacked } from "../calls/index.ts";
import { codeRefOf } from "../code/index.ts";
import { type ActorCreation, type ActorInfo, describeActorInfo } from "../control/index.ts";
import { type ActorId, type ActorSpec, callSite, currentContext, makeHandle, newId } from "../core/index.ts";
import type { JobEnvironment } from "../environment/index.ts";
import { ActorDiedError } from "../errors/index.ts";
import { encodeFailure } from "../wire/index.ts";
import type { ActorHandles } from "./actor-handles.ts";
import type { HeadLink } from "./head-link.ts";
import type { ClusterProcess } from "./process.ts";
import { RemoteActor } from "./remote-actor.ts";

export interface ActorMakerOptions {
  readonly process: ClusterProcess;
  readonly handles: ActorHandles;
  readonly head: Pick<HeadLink, "ask" | "tell">;
  readonly jobId: string;
  readonly namespace: string;
  readonly environment: JobEnvironment;
}

export class ActorMaker {
  readonly #options: ActorMakerOptions;

  constructor(options: ActorMakerOptions) {
    this.#options = options;
  }

  /** Asks the head for the actor; its handle is there at once. */
  make(spec: ActorSpec, args: readonly unknown[]): object {
    const { table, options, Class } = spec;
    const { handles, process, jobId, namespace, head, environment } = this.#options;
    const runtimeEnv = environment.of(options.runtimeEnv);
    const code = environment.rooted(codeRefOf(Class), runtimeEnv);
    const actorId = newId<ActorId>();
    const info = describeActorInfo(table, options, options.namespace ?? namespace);
    const actor = new RemoteActor(actorId, info, handles.services, spec);
    handles.add(actor);
    const given = new CallArguments(args, process.carrier, `${table.className}.constructor`);
    const encoded = () => given.values().map((value) => encodePacked(value, process.objects));
    let ready = false;
    let sent = false;
    given.whenReady((failed) => {
      ready = !failed;
      if (!sent) return;
      if (failed) void this.#abandon(actor, failed.error);
      else head.ask("placeActor", { actorId, args: encoded() }).catch((error: unknown) => actor.dead(() => error));
    });
    sent = true;
    const creation: ActorCreation = {
      actorId,
      jobId,
      code,
      info,
      getIfExists: options.getIfExists,
      maxRestarts: options.maxRestarts,
      maxConcurrency: options.maxConcurrency,
      request: options.request,
      runtimeEnv,
      callSite: callSite(),
      owner: process.processId,
      ownerActorId: currentContext()?.actorId ?? null,
      args: ready ? encoded() : null,
    };
    return this.#create(actor, creation);
  }

  #create(actor: RemoteActor, creation: ActorCreation): object {
    const answer = this.#options.head.ask("createActor", creation) as Promise<{ actorId: string; info: ActorInfo }>;
    answer.then(
      ({ actorId, info }) => actorId !== creation.actorId && this.#become(actor, actorId, info),
      (error: unknown) => actor.dead(() => error),
    );
    // The head hears of the actor before it hears that somebody holds it.
    return makeHandle(actor);
  }

  /** The name is that of an actor that exists already (`getIfExists`). */
  #become(actor: RemoteActor, actorId: string, info: ActorInfo): void {
    const { handles, head } = this.#options;
    handles.forget(actor);
    actor.become(actorId as ActorId, info);
    handles.add(actor);
    head.tell("hold", actorId);
  }

  /** An argument of the constructor failed: the actor is never made. */
  async #abandon(actor: RemoteActor, error: unknown): Promise<void> {
    const text = error instanceof Error ? error.message : String(error);
    const message = `an argument of its constructor failed: ${text}`;
    const facts = { actorId: actor.actorId, className: actor.info.className };
    await this.#options.head
      .ask("abandonActor", { actorId: actor.actorId, message, failure: encodeFailure(error) })
      .catch(() => actor.dead(() => new ActorDiedError(message, facts, { cause: error })));
  }
}
