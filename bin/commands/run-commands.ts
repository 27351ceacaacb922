/** `astune submit`, and the flags of the upstream launcher that mean the same. */

import { type Command, Option } from "commander";
import { submit } from "../../backbones/index.ts";

const collect = (value: string, before: string[]): string[] => [...before, value];

interface SubmitFlags {
  readonly backbone?: string;
  readonly withLogview?: boolean;
  readonly resume?: boolean;
  readonly set: string[];
}

/** Why a run ended early. */
class InterruptedError extends Error {
  constructor(conf: string) {
    super(`stopped; go on with: astune submit ${conf} --resume`);
    this.name = "InterruptedError";
  }
}

export function addSubmitCommand(astune: Command): void {
  astune
    .command("submit")
    .description("tune the model of a configuration file")
    .argument("<conf.yaml>", "the configuration")
    .addOption(new Option("--backbone <name>", "where the loop runs: debug or trinity"))
    .option("--with-logview", "open a page that follows the run (http://127.0.0.1:8181)")
    .option("--resume", "go on with the newest experiment of this configuration")
    .option("--set <key=value>", "set a key of the configuration; may be repeated", collect, [])
    .action(async (conf: string, flags: SubmitFlags) => {
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
export function legacyArguments(args: readonly string[]): string[] {
  const first = args[0] ?? "";
  if (!first.startsWith("--")) return [...args];
  if (args.some((arg) => arg === "--kill" || arg.startsWith("--kill="))) return ["kill"];
  const at = args.findIndex((arg) => arg === "--conf" || arg.startsWith("--conf="));
  if (at < 0) return [...args];
  const joined = args[at]?.startsWith("--conf=") === true;
  const conf = joined ? (args[at] as string).slice("--conf=".length) : (args[at + 1] ?? "");
  return ["submit", conf, ...args.slice(0, at), ...args.slice(at + (joined ? 1 : 2))];
}
