// Hosts that are started before they are needed: starting a process takes a hundred times as long as handing one out.
import { availableParallelism } from "node:os";
import { HostProcess, type HostProgram, type HostSettings, typescriptHost } from "./host-process.ts";

export interface HostPoolOptions {
  readonly token: string;
  /** Hosts that are kept ready. */
  readonly size: number;
  /** The file that hosts run from; empty for the sources. */
  readonly bundle: string;
  settings(hostId: string): HostSettings;
  /** Begins the ids of its hosts; no other pool of the node has it: what a host leaves is found by its id. */
  readonly name: string;
  /** Default: a TypeScript host. */
  readonly program?: HostProgram;
}

/** More processes that start at the same time would only keep those from their work that were handed out. */
const atOnce = availableParallelism();

export class HostPool {
  readonly #options: HostPoolOptions;
  readonly #ready: HostProcess[] = [];
  readonly #starting = new Set<HostProcess>();
  readonly #all = new Map<string, HostProcess>();
  #count = 0;
  #closed = false;

  constructor(options: HostPoolOptions) {
    this.#options = options;
    this.#fill();
  }

  get all(): readonly HostProcess[] {
    return [...this.#all.values()];
  }

  get idle(): number {
    return this.#ready.length + this.#starting.size;
  }

  get(hostId: string): HostProcess | undefined {
    return this.#all.get(hostId);
  }

  /** A host that is ready, or the first one that will be. Rejects where hosts cannot be started. */
  async take(): Promise<HostProcess> {
    const ready = this.#ready.shift();
    if (ready) {
      this.#fill();
      return ready;
    }
    const [first] = this.#starting;
    const host = first ?? this.#start();
    this.#starting.delete(host);
    this.#fill();
    await host.ready;
    return host;
  }

  /** A host that was used for tasks, and can be again. */
  giveBack(host: HostProcess): void {
    if (this.#closed || !this.#all.has(host.settings.hostId) || this.#ready.length >= this.#options.size) {
      void host.kill();
      return;
    }
    this.#ready.push(host);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.all.map((host) => host.kill()));
  }

  #fill(): void {
    while (!this.#closed && this.idle < this.#options.size && this.#starting.size < atOnce) {
      const host = this.#start();
      host.ready.then(
        () => {
          if (this.#starting.delete(host)) this.#ready.push(host);
          this.#fill();
        },
        () => this.#starting.delete(host),
      );
    }
  }

  #start(): HostProcess {
    this.#count += 1;
    const { settings, token, bundle, program, name } = this.#options;
    const hostId = `${name}${this.#count}-${process.pid}`;
    const host = new HostProcess(settings(hostId), token, program ?? typescriptHost(bundle));
    this.#all.set(hostId, host);
    this.#starting.add(host);
    void host.gone.then(() => {
      this.#all.delete(hostId);
      const at = this.#ready.indexOf(host);
      if (at >= 0) this.#ready.splice(at, 1);
    });
    return host;
  }
}
