/** The commands beside a run: `config show|check`, `download`, `doctor`, `logview`. */

import { once } from "node:events";
import type { Command } from "commander";
import { checkConfig, showConfig } from "./config.ts";

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const collect = (value: string, before: string[]): string[] => [...before, value];

export function addConfigCommands(astune: Command): void {
  const config = astune.command("config").description("look at a configuration file");
  config
    .command("show")
    .description("print it with every default filled in")
    .argument("<conf.yaml>")
    .option("--set <key=value>", "set a key; may be repeated", collect, [])
    .action((conf: string, { set }: { set: string[] }) => showConfig(conf, { set }, print));
  config
    .command("check")
    .description("say what is wrong with it, line by line")
    .argument("<conf.yaml>")
    .action((conf: string) => checkConfig(conf, print));

  astune
    .command("download")
    .description("fetch a data set of the Hugging Face hub")
    .requiredOption("--target <id>", "the data set, for example openai/gsm8k")
    .requiredOption("--path <folder>", "where to keep it")
    .action(async (flags: { target: string; path: string }) => {
      const { download } = await import("./download.ts");
      await download({ ...flags, print });
    });

  astune
    .command("doctor")
    .description("say what is missing on this machine, and how to get it")
    .action(async () => {
      const { doctor } = await import("./doctor.ts");
      process.exitCode = await doctor(print);
    });

  astune
    .command("logview")
    .description("open the page of a finished or running experiment")
    .argument("<folder>", "the experiment's folder")
    .option("--port <number>", "port of the page", Number, 8181)
    .action(async (folder: string, { port }: { port: number }) => {
      const { startLogview } = await import("../../backbones/index.ts");
      const { url, close } = await startLogview({ folder, port });
      print(`${url} (Ctrl-C ends it)`);
      await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
      await close();
    });
}
