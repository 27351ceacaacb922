// What a node agent is told when it starts.
import type { NodeId } from "../core/index.ts";
import type { MachineOptions } from "../placement/index.ts";
import type { StoreServerOptions } from "../store/index.ts";
import type { TlsFiles } from "../transport/index.ts";

export interface NodeAgentOptions {
  readonly nodeId: NodeId;
  readonly headAddress: string;
  readonly token: string;
  readonly tls: TlsFiles | undefined;
  /** Ends itself, and all that runs here, when the head cannot be reached for so long. */
  readonly headTimeoutMs: number;
  readonly machine: MachineOptions;
  /** The interface that other nodes reach this one by. */
  readonly ip: string;
  /** Whether the head runs on this machine. */
  readonly besideHead: boolean;
  /** Sockets and logs; short, because a socket's path has at most 107 characters. */
  readonly sessionFolder: string;
  /** Hosts that are kept ready. */
  readonly warmHosts: number;
  /** The interpreter of the Python hosts. Default: `hostPython()`. */
  readonly python?: string;
  /** The object store's size, and where it spills to. */
  readonly store?: Pick<StoreServerOptions, "capacityBytes" | "spillFolder">;
  log(facts: Readonly<Record<string, unknown>>, message: string): void;
  /** The head says that this node must not go on, or turns it away. */
  expelled(error: Error): void;
}
