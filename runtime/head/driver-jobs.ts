// Drivers as jobs that nobody submitted: those that are connected, and the last that have left.
import { type ClientRegistration, type JobInfo, parseAddress } from "../control/index.ts";
import type { ClientTable } from "./client-table.ts";

/** Drivers that have left and are still shown. */
const leftKept = 200;

export class DriverJobs {
  readonly #clients: ClientTable;
  readonly #joinedMs = new Map<string, number>();
  readonly #left: JobInfo[] = [];

  constructor(clients: ClientTable) {
    this.#clients = clients;
  }

  joined({ kind, jobId }: ClientRegistration): void {
    if (kind === "driver" && !this.#joinedMs.has(jobId)) this.#joinedMs.set(jobId, Date.now());
  }

  left(registration: ClientRegistration): void {
    if (registration.kind !== "driver") return;
    this.#left.push({ ...this.#describe(registration), status: "SUCCEEDED", message: "", endMs: Date.now() });
    this.#joinedMs.delete(registration.jobId);
    if (this.#left.length > leftKept) this.#left.shift();
  }

  list(): JobInfo[] {
    const drivers = this.#clients.all().filter(({ registration }) => registration.kind === "driver");
    return [...this.#left, ...drivers.map(({ registration }) => this.#describe(registration))];
  }

  #describe({ jobId, entrypoint, address, pid }: ClientRegistration): JobInfo {
    const joinedMs = this.#joinedMs.get(jobId) ?? Date.now();
    const { tcp } = parseAddress(address);
    const nodeIpAddress = tcp.slice(0, Math.max(0, tcp.lastIndexOf(":")));
    return {
      type: "DRIVER",
      jobId,
      name: "",
      status: "RUNNING",
      entrypoint,
      message: "",
      errorType: null,
      metadata: {},
      user: "",
      resources: {},
      runtimeEnv: {},
      submittedMs: joinedMs,
      startMs: joinedMs,
      endMs: null,
      exitCode: null,
      actorId: null,
      nodeId: null,
      pid,
      pendingReasons: [],
      driver: { id: jobId, nodeIpAddress, pid: String(pid) },
    };
  }
}
