// The runtime of the code inside a host: it connects to the head when it is first used.
import { hostname } from "node:os";
import { type ActorHandles, type ClusterProcess, ClusterRuntime, HeadLink } from "../cluster/index.ts";
import type { JobId, RuntimeBackend } from "../core/index.ts";
import type { HostSettings } from "../node/index.ts";

export interface HostRuntimeOptions {
  readonly process: ClusterProcess;
  readonly handles: ActorHandles;
  readonly settings: HostSettings;
  readonly jobId: JobId;
  readonly namespace: string;
  readonly actorId: string | null;
}

export function hostRuntime(options: HostRuntimeOptions): RuntimeBackend {
  const { process: own, handles, settings, jobId, namespace, actorId } = options;
  const registration = {
    kind: "host",
    jobId,
    namespace,
    address: own.address,
    pid: process.pid,
    hostname: hostname(),
    entrypoint: "",
    actorId,
  } as const;
  const head = new HeadLink(registration, (handlers) => own.connect(settings.headAddress, handlers));
  head.register().catch((error: unknown) => console.error(error));
  // What this process had made is gone: its actor is made again where it may be.
  const lost = (error: Error) => {
    console.error(`the head is lost to this process: ${error.message}`);
    process.exit(1);
  };
  return new ClusterRuntime({ process: own, handles, head, jobId, namespace, close: async () => {}, lost });
}
