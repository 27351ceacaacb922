/** The `astune-worker` command line: a node of a cluster, in the foreground or as a daemon. */

import { Command } from "commander";
import { UserError } from "../configs/index.ts";
import { runNode } from "../runtime/node/index.ts";
import { findGpus } from "../runtime/placement/index.ts";
import { findHead, recordProcess, tokenFile } from "../runtime/processes/index.ts";
import { tlsFiles } from "../runtime/transport/index.ts";
import { inBackground, isReady } from "./daemon.ts";
import { bytes, count, labels, resources, seconds } from "./flags.ts";
import { logger, untilStopped } from "./long-running.ts";
import { runProgram } from "./run-program.ts";

interface JoinFlags {
  readonly gpus?: number;
  readonly cpus?: number;
  readonly memory?: number;
  readonly resources?: Record<string, number>;
  readonly labels?: Record<string, string>;
  readonly nodeIp?: string;
  readonly warmHosts?: number;
  readonly tokenFile: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsCa?: string;
  readonly headTimeout?: number;
  readonly daemon?: boolean;
}

/** Runs the command line and ends the process. */
export async function main(argv: readonly string[]): Promise<void> {
  const worker = new Command("astune-worker").description("A node of a cluster: lends it this machine.");
  worker
    .command("join")
    .description("join a head; this machine's head where no address is given")
    .argument("[address]", "host:port of the head")
    .option("--gpus <number>", "GPUs to lend; more than there are gives pretended ones, for trying things out", count)
    .option("--cpus <number>", "processors to lend; all by default", count)
    .option("--memory <bytes>", "memory to lend, as 16GiB or in bytes; all by default", bytes)
    .option("--resources <json>", 'custom resources, as {"tpu": 2}', resources)
    .option("--labels <list>", "labels, as zone=a,market-type=spot", labels)
    .option("--node-ip <address>", "the interface that other nodes reach this one by")
    .option(
      "--warm-hosts <number>",
      "actor processes that are kept ready; by default one for two cores, two at the most",
      count,
    )
    .option("--token-file <file>", "the cluster's token, a copy of the head's", tokenFile())
    .option("--tls-cert <file>", "mutual TLS: the certificate of this process, in PEM")
    .option("--tls-key <file>", "its key")
    .option("--tls-ca <file>", "the authority that signs the certificates of the cluster")
    .option("--head-timeout <seconds>", "end when the head cannot be reached for so long; 600 by default", seconds)
    .option("--daemon", "run in the background")
    .action(async (given: string | undefined, flags: JoinFlags) => {
      if (flags.daemon === true) return inBackground("astune-worker", argv);
      await join(given ?? ownHead(), flags);
    });
  await runProgram(worker, argv);
}

async function join(headAddress: string, flags: JoinFlags): Promise<void> {
  const { gpus, cpus, memory, resources: custom, labels: given, warmHosts } = flags;
  const found = findGpus().length;
  if (gpus !== undefined && gpus > found) {
    process.stdout.write(`this machine has ${found} GPUs: ${gpus - found} of the ${gpus} are pretended\n`);
  }
  const stop = new AbortController();
  const node = await runNode({
    headAddress,
    tokenFile: flags.tokenFile,
    tls: tlsFiles(flags),
    headTimeoutMs: flags.headTimeout === undefined ? undefined : flags.headTimeout * 1000,
    machine: {
      ...(gpus !== undefined && { numGpus: gpus }),
      ...(cpus !== undefined && { numCpus: cpus }),
      ...(memory !== undefined && { memory }),
      ...(custom && { resources: custom }),
      ...(given && { labels: given }),
    },
    ip: flags.nodeIp,
    warmHosts,
    log: logger("node"),
    expelled: (error) => stop.abort(error),
  });
  const forget = recordProcess({ pid: process.pid, name: "astune-worker", leadsGroup: false });
  process.stdout.write(`node ${node.nodeId} has joined ${headAddress}\n`);
  isReady();
  try {
    await untilStopped(stop.signal);
  } finally {
    await node.close();
    forget();
  }
}

function ownHead(): string {
  const head = findHead();
  if (head) return head.address;
  throw new UserError({
    where: "address",
    expected: "host:port of a head, or a head on this machine",
    found: "neither",
    fix: "start one with: astune-head start",
  });
}
