// Python actors and tasks of the local runtime. They need processes of their own, so a head and a node agent of one
// machine are kept for them in this process, reached over Unix sockets in a private folder. Nothing of it is there before
// the first Python class is used.
import { mkdtempSync, rmSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { ActorHandles, ClusterProcess, ClusterRuntime, HeadLink, type HeadListener } from "../cluster/index.ts";
import { type JobId, type NodeId, newId, type RuntimeEnv, type TaskId } from "../core/index.ts";
import type { MachineOptions } from "../placement/index.ts";

export interface PythonClusterOptions {
  readonly jobId: JobId;
  readonly namespace: string;
  readonly runtimeEnv: RuntimeEnv;
  readonly nodeId: NodeId;
  readonly machine: MachineOptions;
}

/** The head's silence before a node is dead; both ends are in this process. */
const silenceMs = 600_000;

export class PythonCluster {
  /** The runtime of the Python actors. Usable at once; what is asked is answered when all is started. */
  readonly runtime: ClusterRuntime;
  readonly #options: PythonClusterOptions;
  readonly #folder = mkdtempSync(join(tmpdir(), "astune-py-"));
  readonly #token = newId<TaskId>() + newId<TaskId>();
  readonly #process: ClusterProcess;
  readonly #link: Promise<HeadLink>;
  readonly #clean = () => rmSync(this.#folder, { recursive: true, force: true });
  #listener: HeadListener | undefined;
  #ends: (() => Promise<void>)[] = [];

  constructor(options: PythonClusterOptions) {
    const { jobId, namespace, nodeId, runtimeEnv } = options;
    this.#options = options;
    process.once("exit", this.#clean);
    const handles = new ActorHandles();
    this.#process = new ClusterProcess({
      processId: newId<TaskId>(),
      token: this.#token,
      nodeId,
      socketFolder: this.#folder,
      ip: undefined,
      tls: undefined,
      handles,
    });
    this.#link = this.#start();
    this.#link.catch(() => {});
    const head = {
      ask: async (method: string, payload: unknown) => (await this.#link).ask(method, payload),
      tell: (topic: string, payload: unknown) => {
        this.#link.then(
          (link) => link.tell(topic, payload),
          () => undefined,
        );
      },
      listen: (listener: HeadListener) => {
        this.#listener = listener;
      },
    };
    const close = () => this.#close();
    this.runtime = new ClusterRuntime({ process: this.#process, handles, head, jobId, namespace, runtimeEnv, close });
  }

  async #start(): Promise<HeadLink> {
    const [{ Head, HeadStore }, { NodeAgent }] = await Promise.all([
      import("../head/index.ts"),
      import("../node/index.ts"),
    ]);
    const token = this.#token;
    const headAddress = `unix:${join(this.#folder, "head.sock")}`;
    const log = () => {};
    const store = await HeadStore.open(join(this.#folder, "head"));
    const head = new Head({ headId: newId<TaskId>(), token, store, tls: undefined, silenceMs, log });
    this.#ends.push(async () => {
      head.close();
      await store.close();
    });
    await head.listen(headAddress);
    const agent = new NodeAgent({
      nodeId: this.#options.nodeId,
      headAddress,
      token,
      // GPUs are leased by the local runtime's own scheduler only.
      machine: { ...this.#options.machine, numGpus: 0 },
      ip: "127.0.0.1",
      besideHead: true,
      sessionFolder: this.#folder,
      warmHosts: 0,
      tls: undefined,
      headTimeoutMs: silenceMs,
      log,
      expelled: (error) => process.stderr.write(`Python actors cannot be started any more: ${error.message}\n`),
    });
    this.#ends.push(() => agent.close());
    await agent.start();
    await this.#process.listen();
    const registration = {
      kind: "driver",
      jobId: this.#options.jobId,
      namespace: this.#options.namespace,
      address: this.#process.address,
      pid: process.pid,
      hostname: hostname(),
      entrypoint: "",
      actorId: null,
      logToDriver: false,
    } as const;
    const link = new HeadLink(registration, (handlers) => this.#process.connect(headAddress, handlers));
    if (this.#listener) link.listen(this.#listener);
    await link.register();
    return link;
  }

  async #close(): Promise<void> {
    const link = await this.#link.catch(() => undefined);
    await link?.ask("leave", null).catch(() => undefined);
    this.#process.close();
    for (const end of this.#ends.reverse()) await end();
    process.off("exit", this.#clean);
    this.#clean();
  }
}
