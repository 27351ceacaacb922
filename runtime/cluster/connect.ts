// A driver's way into a cluster.
import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { type JobId, newId, type RuntimeBackend, type RuntimeEnv, type TaskId } from "../core/index.ts";
import { RaySystemError } from "../errors/index.ts";
import { interfaceTo, isOwnAddress, type Tls } from "../transport/index.ts";
import { ActorHandles } from "./actor-handles.ts";
import { ClusterRuntime } from "./cluster-runtime.ts";
import { DriverLog } from "./driver-log.ts";
import { HeadLink } from "./head-link.ts";
import { ClusterProcess } from "./process.ts";
import type { Home } from "./process-store.ts";

export interface ConnectOptions {
  /** `host:port` of the head. */
  readonly address: string;
  readonly token: string;
  readonly tls?: Tls | undefined;
  readonly namespace: string;
  readonly runtimeEnv: RuntimeEnv;
  /** Gives up when the head cannot be reached for so long. */
  readonly connectTimeoutMs: number;
  /** Shows what the job's actors and tasks print. */
  readonly logToDriver: boolean;
  /** Called when the driver has left. */
  closed?(): Promise<void>;
  /** Done when the cluster has ended by itself, with why. */
  readonly clusterEnded?: Promise<Error>;
}

/** Connects this process as a driver. Rejects with AuthenticationError, or where no head answers in time. */
export async function connect(options: ConnectOptions): Promise<RuntimeBackend> {
  const { address, token, tls, namespace, connectTimeoutMs, logToDriver, runtimeEnv } = options;
  const handles = new ActorHandles();
  const jobId = newId<JobId>();
  const ip = await interfaceTo(address);
  const log = new DriverLog(ip);
  const own = new ClusterProcess({
    processId: newId<TaskId>(),
    token,
    tls,
    nodeId: "",
    socketFolder: undefined,
    ip,
    handles,
  });
  await own.listen();
  const registration = {
    kind: "driver",
    jobId,
    namespace,
    address: own.address,
    pid: process.pid,
    hostname: hostname(),
    entrypoint: process.argv.slice(1).join(" "),
    actorId: null,
    logToDriver,
  } as const;
  const head = new HeadLink(registration, (handlers) => own.connect(address, handlers));
  try {
    const { nodes } = await withTimeout(head.register(), connectTimeoutMs, address, head);
    const beside = nodes.find(({ hostname: name, ip: its, sessionFolder }) => {
      return name === hostname() && isOwnAddress(its) && existsSync(join(sessionFolder, "agent.sock"));
    });
    if (beside) await settle(own, beside.nodeId, beside.sessionFolder);
  } catch (error) {
    own.close();
    head.peer.end(error as Error);
    await options.closed?.();
    throw error;
  }
  void options.clusterEnded?.then((error) => head.peer.end(error));
  const close = async () => {
    await Promise.race([head.ask("leave", null), new Promise((resolve) => setTimeout(resolve, 5_000).unref())]).catch(
      () => undefined,
    );
    head.peer.end(new RaySystemError("the runtime was shut down"));
    own.close();
    log.close();
    await options.closed?.();
  };
  try {
    return new ClusterRuntime({ process: own, handles, head, jobId, namespace, runtimeEnv, log, close });
  } catch (error) {
    await close();
    throw error;
  }
}

/** Joins the node that this machine is, as one of its processes. */
async function settle(own: ClusterProcess, nodeId: string, sessionFolder: string): Promise<void> {
  const agent = own.connect(
    `unix:${join(sessionFolder, "agent.sock")}`,
    { request: (method) => (method === "letGo" ? own.store.letGo() : undefined) },
    nodeId,
  );
  const home = (await agent.ask("register", { hostId: "", address: own.address })) as Omit<Home, "agent">;
  own.settle({ ...home, agent });
}

function withTimeout<T>(promise: Promise<T>, timeoutMs: number, address: string, head: HeadLink): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () => {
      const seconds = Math.round(timeoutMs / 1000);
      const why = head.lastFailure === "" ? "" : ` (${head.lastFailure})`;
      const message = `no head answers at ${address} within ${seconds} s${why}: is astune-head running there?`;
      reject(new RaySystemError(message));
    };
    const timer = setTimeout(late, timeoutMs);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
