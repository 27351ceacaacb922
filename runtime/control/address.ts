// The address of a process: who it is, on which node, and where it listens.

export interface Address {
  readonly processId: string;
  /** Empty for a process that is on no node of the cluster. */
  readonly nodeId: string;
  /** A Unix socket, for processes of the same machine; empty where there is none. */
  readonly socket: string;
  /** `host:port`, for all others; empty where it does not listen on a network. */
  readonly tcp: string;
}

/** One text, as it stands in object descriptors. */
export function formatAddress({ processId, nodeId, socket, tcp }: Address): string {
  return [processId, nodeId, socket, tcp].join("|");
}

export function parseAddress(text: string): Address {
  const [processId = "", nodeId = "", socket = "", tcp = ""] = text.split("|");
  return { processId, nodeId, socket, tcp };
}
