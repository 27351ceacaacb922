// Which runtime `init` starts: in this process, in the cluster that is there, or in one of this driver's own.
import { addressOf, credentialsFor } from "./client/index.ts";
import { connect } from "./cluster/index.ts";
import { checkRuntimeEnv, type RuntimeBackend, type RuntimeEnv } from "./core/index.ts";
import { InvalidOptionError } from "./errors/index.ts";
import { LocalRuntime } from "./local/index.ts";
import { startStandalone } from "./standalone/index.ts";

/** Options of `init`. */
export interface InitOptions {
  /** Runs everything in this process, on its event loop, where a breakpoint stops. Default false. */
  readonly local?: boolean;
  /**
   * `host:port` of a head. Default: `ASTUNE_ADDRESS`, else the head that runs on this machine, else a cluster of this
   * driver's own, which ends with it. `"local"` always starts one of its own.
   */
  readonly address?: string;
  /** The file with the cluster's token. Default: `ASTUNE_AUTH_TOKEN`, else the user's own token file. */
  readonly tokenFile?: string;
  /** Mutual TLS: this process's certificate, its key and the cluster's authority, files in PEM. All three or none. */
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsCa?: string;
  /** Gives up when the head does not answer for so long. Default 10,000. */
  readonly connectTimeoutMs?: number;
  /** Default: the processors this process may use. Not for a cluster that is there. */
  readonly numCpus?: number;
  /** Default: the GPUs found. More than there are gives pretended ones, for trying things out. */
  readonly numGpus?: number;
  /** Bytes. Default: the machine's memory. */
  readonly memory?: number;
  /** Custom resources of the node. */
  readonly resources?: Readonly<Record<string, number>>;
  /** Labels of the node. */
  readonly labels?: Readonly<Record<string, string>>;
  /**
   * Host processes that a cluster of this driver's own keeps ready, some 30 MB each beyond what they share: an actor or a task that gets one need
   * not wait for a process to start. Default: 2, with one processor 1.
   */
  readonly warmHosts?: number;
  /** Shows here what the job's actors and tasks print. Default true. In this process they print here anyway. */
  readonly logToDriver?: boolean;
  /** What all actors and tasks of the job have around them; what their own options say beside it is added to it. */
  readonly runtimeEnv?: RuntimeEnv;
  /** Where names of actors are looked up. Default: one of this job's own. */
  readonly namespace?: string;
  /**
   * With `local`: sends every call, result and error through the codec and frames of the wire, so that values are copied
   * as they are between processes. Default false: caller and actor share their objects.
   */
  readonly wire?: boolean;
}

const machineKeys = ["numCpus", "numGpus", "memory", "resources", "labels"] as const;
const known: readonly string[] = [
  ...["local", "address", "tokenFile", "tlsCert", "tlsKey", "tlsCa", "connectTimeoutMs", "namespace", "wire"],
  ...["logToDriver", "warmHosts", "runtimeEnv"],
  ...machineKeys,
];

/** Starts or joins what the options name. Throws InvalidOptionError for options that do not go together. */
export async function startRuntime(options: InitOptions): Promise<RuntimeBackend> {
  for (const [key, value] of Object.entries(options)) {
    if (!known.includes(key)) throw InvalidOptionError.of(key, `one of the options ${known.join(", ")}`, value);
  }
  const { local = false, namespace = `anonymous-${process.pid}`, wire = false } = options;
  const { connectTimeoutMs = 10_000, logToDriver = true, warmHosts } = options;
  const runtimeEnv = checkRuntimeEnv(options.runtimeEnv);
  const machine = Object.fromEntries(
    Object.entries(options).filter(([key]) => (machineKeys as readonly string[]).includes(key)),
  );
  if (local) return new LocalRuntime({ ...machine, namespace, wire, runtimeEnv });
  if (wire) throw InvalidOptionError.of("wire", "local: true beside it; between processes it is always so", wire);

  const address = addressOf(options);
  if (address === undefined || address === "local") {
    if (warmHosts !== undefined && (!Number.isInteger(warmHosts) || warmHosts < 0)) {
      throw InvalidOptionError.of("warmHosts", "a whole number from 0 on", warmHosts);
    }
    const own = await startStandalone(machine, warmHosts);
    const { address: ownAddress, token, ended: clusterEnded } = own;
    return connect({
      address: ownAddress,
      token,
      namespace,
      runtimeEnv,
      connectTimeoutMs,
      logToDriver,
      clusterEnded,
      closed: () => own.close(),
    });
  }
  for (const key of [...machineKeys, "warmHosts"] as const) {
    if (options[key] !== undefined)
      throw InvalidOptionError.of(key, `nothing: the cluster at ${address} has its own nodes`, options[key]);
  }
  const { token, tls } = credentialsFor(address, options);
  return connect({ address, token, tls, namespace, runtimeEnv, connectTimeoutMs, logToDriver });
}
