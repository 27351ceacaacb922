/** The `astune-head` command line: the head of a cluster, in the foreground or as a daemon. */

import { Command } from "commander";
import { runHead } from "../runtime/head/index.ts";
import { recordProcess, tokenFile } from "../runtime/processes/index.ts";
import { tlsFiles } from "../runtime/transport/index.ts";
import { inBackground, isReady } from "./daemon.ts";
import { port as portOf, seconds } from "./flags.ts";
import { logger, untilStopped } from "./long-running.ts";
import { runProgram } from "./run-program.ts";

interface StartFlags {
  readonly host: string;
  readonly port: number;
  readonly tokenFile: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsCa?: string;
  readonly silenceTimeout: number;
  readonly stateDir?: string;
  readonly daemon?: boolean;
}

/** Runs the command line and ends the process. */
export async function main(argv: readonly string[]): Promise<void> {
  const head = new Command("astune-head").description("The head of a cluster: places, names and watches.");
  head
    .command("start")
    .description("start a head; it runs until Ctrl-C, or in the background with --daemon")
    .option("--host <address>", "the interface to listen on; only this machine by default", "127.0.0.1")
    .option("--port <number>", "the port to listen on; 0 is any", portOf, 6379)
    .option("--token-file <file>", "the cluster's token; made where there is none", tokenFile())
    .option("--tls-cert <file>", "mutual TLS: the certificate of this process, in PEM")
    .option("--tls-key <file>", "its key")
    .option("--tls-ca <file>", "the authority that signs the certificates of the cluster")
    .option("--silence-timeout <seconds>", "a node or driver not heard of for so long is dead", seconds, 30)
    .option("--state-dir <folder>", "where the head keeps its state")
    .option("--daemon", "run in the background")
    .action(async (flags: StartFlags, command: Command) => {
      if (flags.daemon === true) return inBackground("astune-head", argv);
      const running = await runHead({
        host: flags.host,
        port: flags.port,
        tokenFile: flags.tokenFile,
        tokenFileGiven: command.getOptionValueSource("tokenFile") === "cli",
        tls: tlsFiles(flags),
        stateFolder: flags.stateDir,
        silenceMs: flags.silenceTimeout * 1000,
        announce: true,
        log: logger("head"),
      });
      const forget = recordProcess({ pid: process.pid, name: "astune-head", leadsGroup: false });
      process.stdout.write(
        `the head is ready at ${running.address}\n  join it:  astune-worker join ${running.address} --token-file ${flags.tokenFile}\n`,
      );
      isReady();
      await untilStopped();
      await running.close();
      forget();
    });
  await runProgram(head, argv);
}
