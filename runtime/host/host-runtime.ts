// The runtime of the code inside a host: it connects to the head when it is first used. A host that works for one job
// after another keeps its connection and introduces itself anew.
import { hostname } from "node:os";
import { isDeepStrictEqual } from "node:util";
import { type ActorHandles, type ClusterProcess, ClusterRuntime, HeadLink } from "../cluster/index.ts";
import type { ClientRegistration } from "../control/index.ts";
import type { JobId, RuntimeBackend, RuntimeEnv } from "../core/index.ts";
import { adoptRuntime } from "../current.ts";
import { inherited } from "../environment/index.ts";
import type { HostSettings } from "../node/index.ts";

/** For whom a host works. */
interface Work {
  readonly jobId: string;
  readonly namespace: string;
  readonly actorId: string | null;
  /** What the code has around it; what it makes has the same. */
  readonly runtimeEnv: RuntimeEnv;
}

export class HostRuntime {
  readonly #process: ClusterProcess;
  readonly #handles: ActorHandles;
  readonly #settings: HostSettings;
  #head: HeadLink | undefined;
  #work: Work | undefined;

  constructor(process: ClusterProcess, handles: ActorHandles, settings: HostSettings) {
    this.#process = process;
    this.#handles = handles;
    this.#settings = settings;
  }

  /** The code that is loaded from now on works for this job. */
  begin(work: Work): void {
    const { jobId, namespace, actorId, runtimeEnv } = this.#work ?? {};
    const same = jobId === work.jobId && namespace === work.namespace && actorId === work.actorId;
    if (same && isDeepStrictEqual(runtimeEnv, work.runtimeEnv)) return;
    this.#work = work;
    adoptRuntime(() => this.#make(work));
  }

  #make({ jobId, namespace, actorId, runtimeEnv }: Work): RuntimeBackend {
    const registration: ClientRegistration = {
      kind: "host",
      jobId,
      namespace,
      address: this.#process.address,
      pid: process.pid,
      hostname: hostname(),
      entrypoint: "",
      actorId,
      logToDriver: false,
    };
    const { headAddress } = this.#settings;
    this.#head ??= new HeadLink(registration, (handlers) => this.#process.connect(headAddress, handlers));
    const head = this.#head;
    head.introduce(registration).catch((error: unknown) => console.error(error));
    // What this process had made is gone: its actor is made again where it may be.
    const lost = (error: Error) => {
      console.error(`the head is lost to this process: ${error.message}`);
      process.exit(1);
    };
    return new ClusterRuntime({
      process: this.#process,
      handles: this.#handles,
      head,
      jobId: jobId as JobId,
      namespace,
      runtimeEnv: inherited(runtimeEnv),
      close: async () => {},
      lost,
    });
  }
}
