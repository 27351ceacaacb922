/** `astune submit`, and the flags of the upstream launcher that mean the same. */

import { type Command, Option } from "commander";
import { loadConfig, UserError } from "../../configs/index.ts";
import { type HeadFlags, withHeadFlags } from "./cluster/head-flags.ts";

/** The value of `--with-ray` without an address. */
const here = "here";
const collect = (value: string, before: string[]): string[] => [...before, value];

interface SubmitFlags extends HeadFlags {
  readonly backbone?: string;
  readonly withLogview?: boolean;
  readonly resume?: boolean;
  readonly set: string[];
  readonly withRay?: string;
}

/** Why a run ended early. */
class InterruptedError extends Error {
  constructor(conf: string) {
    super(`stopped; go on with: astune submit ${conf} --resume`);
    this.name = "InterruptedError";
  }
}

export function addSubmitCommand(astune: Command): void {
  withHeadFlags(astune.command("submit"))
    .description("tune the model of a configuration file")
    .argument("<conf.yaml>", "the configuration")
    .addOption(new Option("--backbone <name>", "where the loop runs: debug or trinity"))
    .option("--with-logview", "open a page that follows the run (http://127.0.0.1:8181)")
    .option("--resume", "go on with the newest experiment of this configuration")
    .option("--set <key=value>", "set a key of the configuration; may be repeated", collect, [])
    .option(`--with-ray [${here}]`, "use this machine's head, or start a head and a worker here")
    .action(async (conf: string, given: SubmitFlags) => {
      const { withRay, ...flags } = given;
      if (withRay !== undefined && withRay !== here) {
        throw new UserError({
          where: "--with-ray",
          expected: "no address",
          found: withRay,
          fix: "workers on an existing Ray cluster come later; leave the address out, or name a head with --address",
        });
      }
      const { set, backbone } = flags;
      const loaded = await loadConfig(conf, { set, ...(backbone !== undefined && { backbone }) });
      if (loaded.config.backbone !== "debug") {
        const { submitOnCluster } = await import("./cluster/submit.ts");
        return submitOnCluster(loaded, { ...flags, withRay: withRay !== undefined });
      }
      if (withRay !== undefined) process.stderr.write("--with-ray has no effect on the debug backbone\n");
      const { submit } = await import("../../backbones/index.ts");
      const stop = new AbortController();
      let asked = 0;
      const onSignal = (): void => {
        if (++asked > 1) process.exit(130);
        process.stderr.write("\nstopping; once more to stop at once\n");
        stop.abort(new InterruptedError(conf));
      };
      process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
      await submit({ conf, ...flags, output: process.stdout, signal: stop.signal });
    });
}

/**
 * The upstream launcher's flags as a subcommand: `--conf X …` is `submit X …`, and `--kill="python|ray"` is `kill`: its
 * words name processes of the whole machine there, and are ignored here.
 */
export function legacyArguments(given: readonly string[]): string[] {
  // Without "=" it has no value, and must not take the next argument for one.
  const args = given.map((arg) => (arg === "--with-ray" ? `--with-ray=${here}` : arg));
  const first = args[0] ?? "";
  if (!first.startsWith("--")) return [...args];
  if (args.some((arg) => arg === "--kill" || arg.startsWith("--kill="))) return ["kill"];
  const at = args.findIndex((arg) => arg === "--conf" || arg.startsWith("--conf="));
  if (at < 0) return [...args];
  const joined = args[at]?.startsWith("--conf=") === true;
  const conf = joined ? (args[at] as string).slice("--conf=".length) : (args[at + 1] ?? "");
  return ["submit", conf, ...args.slice(0, at), ...args.slice(at + (joined ? 1 : 2))];
}
