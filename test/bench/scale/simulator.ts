/**
 * The process of the simulated nodes. It is told by messages of its parent what to do, and answers with its counts. Times are of
 * the machine's monotonic clock, which all processes share.
 */

import { LinkServer, Peer } from "../../../runtime/transport/index.ts";
import { hostsId, SimulatedNode } from "./simulated-node.ts";

export interface SimulatorSettings {
  readonly headAddress: string;
  readonly token: string;
  readonly nodes: number;
  readonly cpus: number;
}

/** What the parent may read at any time. */
export interface SimulatorCounts {
  /** Nodes that the head has taken in. */
  readonly joined: number;
  /** Joins of nodes that had joined before: a head that was started again has taken them in. */
  readonly again: number;
  readonly lastAgainMs: number;
  /** Actors that nodes were told to start. */
  readonly told: number;
  /** Hosts that run. */
  readonly hosts: number;
  /** When a node was told to start each actor that has a name. */
  readonly named: readonly (readonly [name: string, ms: number])[];
  readonly failure: string;
}

/** Milliseconds of the monotonic clock. */
const clockMs = (): number => Number(process.hrtime.bigint()) / 1e6;

const settings = JSON.parse(process.argv[2] ?? "{}") as SimulatorSettings;
const named: [string, number][] = [];
const counts = { joined: 0, again: 0, lastAgainMs: 0, told: 0, failure: "" };

// Where drivers reach the pretended hosts, and where the head looks whether a node is there.
const server = new LinkServer({
  processId: hostsId,
  token: settings.token,
  tls: undefined,
  graceMs: 60_000,
  accept: (processId, session) => new Peer(processId, {}, session),
});
const port = await server.listen("127.0.0.1:0");

const nodes = Array.from({ length: settings.nodes }, () => {
  return new SimulatedNode({
    ...settings,
    tcp: `127.0.0.1:${port}`,
    joined(again) {
      if (!again) counts.joined += 1;
      else {
        counts.again += 1;
        counts.lastAgainMs = clockMs();
      }
    },
    told({ info }) {
      counts.told += 1;
      if (info.name !== null) named.push([info.name, clockMs()]);
    },
    failed: (error) => {
      counts.failure = error.message;
    },
  });
});
for (const node of nodes) node.join();

process.on("message", (topic) => {
  if (topic !== "counts") return;
  const hosts = nodes.reduce((sum, node) => sum + node.hosts, 0);
  process.send?.({ ...counts, hosts, named: named.splice(0) } satisfies SimulatorCounts);
});
// The parent's end is this one's.
process.on("disconnect", () => process.exit(0));
