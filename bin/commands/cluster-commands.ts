/** The commands that look at a cluster and direct it. What not all of them need is loaded by those that do. */

import type { Command } from "commander";
import { listKinds } from "../../runtime/control/index.ts";
import { count } from "../flags.ts";
import { drain } from "./cluster/drain.ts";
import { type HeadFlags, withHead, withHeadFlags } from "./cluster/head-flags.ts";
import type { KillFlags } from "./cluster/kill.ts";
import { get, type ListFlags, list, summary } from "./cluster/list.ts";
import { logs } from "./cluster/logs.ts";
import { status } from "./cluster/status.ts";
import { timeline } from "./cluster/timeline.ts";

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const collect = (value: string, before: readonly string[]): string[] => [...before, value];
const kinds = listKinds.join("|");

interface JsonFlags extends HeadFlags {
  readonly json?: boolean;
}

export function addClusterCommands(astune: Command): void {
  const add = (name: string, description: string): Command =>
    withHeadFlags(astune.command(name).description(description)).option("--json", "print JSON");

  add("status", "the cluster at a glance, and why things wait").action((flags: JsonFlags) =>
    withHead(flags, (head) => status(head, flags.json === true, print)),
  );
  add("list", `list ${kinds}`)
    .argument("<kind>", kinds)
    .option("--filter <column=value>", "only rows like this, or column!=value; may be repeated", collect, [])
    .option("--limit <number>", "so many rows at most", count, 100)
    .option("--detail", "all columns")
    .action((kind: string, flags: ListFlags & HeadFlags) => withHead(flags, (head) => list(head, kind, flags, print)));
  add("get", "everything about one of them")
    .argument("<kind>", kinds)
    .argument("<id>", "its id, the beginning of it, or its name")
    .action((kind: string, id: string, flags: JsonFlags) =>
      withHead(flags, (head) => get(head, kind, id, flags.json === true, print)),
    );
  add("summary", "count them by what they are")
    .argument("<kind>", kinds)
    .action((kind: string, flags: JsonFlags) =>
      withHead(flags, (head) => summary(head, kind, flags.json === true, print)),
    );
  add("logs", "what actors, jobs and nodes write; which there are, where none is named")
    .argument("[target...]", "an actor, job or node")
    .option("-f, --follow", "go on until it ends, or Ctrl-C")
    .action((targets: string[], flags: JsonFlags & { follow?: boolean }) =>
      withHead(flags, (head) => showLogs(targets, flags, (options) => logs(head, targets, options))),
    );
  add("drain", "let a node take nothing more; what runs on it goes on")
    .argument("<node>", "its id, or the beginning of it")
    .action((node: string, flags: JsonFlags) =>
      withHead(flags, (head) => drain(head, node, flags.json === true, print)),
    );
  add("timeline", "write the calls that nodes remember as a trace for Perfetto")
    .option("--output <file>", "where to; default: timeline-TIME.json here")
    .action((flags: JsonFlags & { output?: string }) => withHead(flags, (head) => timeline(head, flags, print)));
  add("kill", "end a job, all of this user's jobs, or what astune runs on this machine; say what was ended")
    .argument("[job]", "its id, the beginning of it, or its name")
    .option("--all", "head and workers on this machine too")
    .action(async (job: string | undefined, flags: KillFlags) => {
      const { kill } = await import("./cluster/kill.ts");
      await kill(job, flags, print);
    });
}

async function showLogs(
  targets: readonly string[],
  { follow = false, json = false }: { readonly follow?: boolean; readonly json?: boolean },
  show: (options: Parameters<typeof logs>[2]) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  if (follow && targets.length > 0) process.on("SIGINT", () => stop.abort()).on("SIGTERM", () => stop.abort());
  const write = (text: string): void => void process.stdout.write(text);
  try {
    await show({ follow, json, write, print, signal: stop.signal });
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  }
}
