/** One run on a fresh cluster of three machines: with or without a fault, to its result and its account. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Summary } from "../../../backbones/experiment/index.ts";
import { account, idleState, type Leaks } from "./accounting.ts";
import type { Fault } from "./faults.ts";
import { HostsCluster, type Training } from "./hosts-cluster.ts";

export interface TrialSettings {
  readonly seed: number;
  readonly name: string;
  readonly steps: number;
  readonly heldOut: number;
  readonly fault?: Fault;
  readonly say: (line: string) => void;
}

export interface Outcome {
  /** Undefined where the run did not finish. */
  readonly summary: Summary | undefined;
  readonly minutes: number;
  /** What the fault did, and what the run said of it. */
  readonly happened: readonly string[];
  /** Of the metrics' rows, summed up. */
  readonly retried: number;
  readonly failed: number;
  readonly leaks: Leaks;
}

/** Lines of a run's log that tell of something lost or mended. */
const NEWS = /^lost: |resumed after|starting another|made again|no longer|died|episodes failed|started again|is back/;

/** Runs the quickstart on a new cluster. Throws only where the cluster itself does not start. */
export async function trial(settings: TrialSettings): Promise<Outcome> {
  const { fault, say } = settings;
  const cluster = await HostsCluster.start();
  try {
    const idle = await idleState(cluster);
    const began = performance.now();
    const training = cluster.train({ ...settings, set: settingsOf(settings) });
    const watching = setInterval(() => say(lastLine(training.command.output)), 30_000);
    const injured = fault && inject(cluster, training, fault, settings);
    const finished = await ended(training);
    clearInterval(watching);
    const minutes = (performance.now() - began) / 60_000;
    const did = await injured;
    await fault?.after?.(cluster);
    const { output } = training.command;
    if (!finished) say(output.split("\n").slice(-30).join("\n"));
    const rows = metricsOf(training);
    const total = (metric: string): number => rows.reduce((sum, row) => sum + (row[metric] ?? 0), 0);
    return {
      summary: finished ? summaryOf(training) : undefined,
      minutes,
      happened: [...(did ? [did] : []), ...newsOf(output)],
      retried: total("episode/retried"),
      failed: total("episode/failed"),
      leaks: await account(cluster, idle, training.folder),
    };
  } finally {
    await cluster.close();
  }
}

function settingsOf({ steps, heldOut }: TrialSettings): readonly string[] {
  return [
    `trainer_common.total_training_steps=${steps}`,
    `trainer_common.val_max_num_task_each_validation=${heldOut}`,
    `trainer_common.save_freq=${Math.max(1, Math.round(steps / 5))}`,
    "rollout.max_env_worker=160",
  ];
}

/** Strikes when the run has its first checkpoint and is on its way to the second; says how it went wrong where it does. */
async function inject(
  cluster: HostsCluster,
  { command }: Training,
  fault: Fault,
  { steps, say }: TrialSettings,
): Promise<string> {
  const at = Math.round(steps / 5) + Math.max(1, Math.round(steps / 10));
  const mark = new RegExp(`step ${at}/${steps} +reward`);
  while (!mark.test(command.output)) {
    if (!command.running) return "the run ended before the fault";
    await sleep(100);
  }
  try {
    const did = await fault.act(cluster);
    say(`after step ${at}: ${did}`);
    return `after step ${at}: ${did}`;
  } catch (error) {
    return `the fault itself failed: ${error instanceof Error ? error.message : error}`;
  }
}

async function ended({ command }: Training): Promise<boolean> {
  while (command.running) await sleep(200);
  return command.child.exitCode === 0;
}

function newsOf(output: string): readonly string[] {
  const lines = output.split("\n").filter((line) => NEWS.test(line) && !/^\s/.test(line));
  return [...new Set(lines.map((line) => line.slice(0, 160)))];
}

const lastLine = (output: string): string => output.trimEnd().split("\n").at(-1) ?? "";

function summaryOf({ folder }: Training): Summary {
  return JSON.parse(readFileSync(join(folder, "summary.json"), "utf8")) as Summary;
}

function metricsOf({ folder }: Training): readonly Readonly<Record<string, number>>[] {
  try {
    const lines = readFileSync(join(folder, "metrics.jsonl"), "utf8").split("\n").filter(Boolean);
    return lines.map((line) => JSON.parse(line) as Record<string, number>);
  } catch {
    return [];
  }
}
