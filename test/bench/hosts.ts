/**
 * `bench hosts`: the quickstart on `trinity`, on a head and two workers with machines of their own and pretended GPUs,
 * held against `debug`; and again with one fault after another, with an account of what each run left.
 */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { execa } from "execa";
import type { Rates, Summary } from "../../backbones/experiment/index.ts";
import { UserError } from "../../configs/index.ts";
import { Network } from "../fixtures/network.ts";
import type { BenchOptions, BenchRow } from "./bench.ts";
import { faults } from "./hosts/faults.ts";
import { type Outcome, trial } from "./hosts/trial.ts";

const root = resolve(import.meta.dirname, "..", "..");
const STEPS = 44;
const HELD_OUT = 1000;

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const percent = (share: number | undefined): number => Number(((share ?? 0) * 100).toFixed(1));
const list = (text: string): string[] => (text === "none" ? [] : text.split(","));

/** Runs each seed on both backbones side by side, then the faults with the first seed. Throws a `UserError` where it cannot run. */
export async function hosts(options: BenchOptions): Promise<BenchRow[]> {
  const plan = planOf(options);
  const rows: BenchRow[] = [];
  const done = (row: BenchRow): void => {
    rows.push(row);
    say(`${row.name}: ${row.ours} ${row.unit}; ${row.spread}`);
  };
  const pairs: { readonly ours: number; readonly theirs: number }[] = [];
  for (const [index, seed] of plan.seeds.entries()) {
    const given = plan.debug[index];
    const [theirs, outcome] = await Promise.all([
      given ?? debugRun(seed, plan).then((summary) => percent(summary.after?.success)),
      trial({ ...plan, seed, name: `seed-${seed}`, say }),
    ]);
    done(rowOf(`trinity, seed ${seed}`, outcome, { anchor: theirs, anchorName: plan.debugName }));
    pairs.push({ ours: percent(outcome.summary?.after?.success), theirs });
  }
  if (pairs.length > 1) done(meanRow(pairs, plan.debugName));
  for (const name of plan.faults) {
    const fault = faults[name];
    if (fault) done(rowOf(name, await trial({ ...plan, ...plan.short, seed: plan.faultSeed, name, fault, say })));
  }
  return rows;
}

function planOf(options: BenchOptions) {
  if (!Network.available) {
    throw new UserError({
      where: "bench hosts",
      expected: "Linux, root and `ip netns` of iproute2",
      found: `user ${process.getuid?.() ?? "unknown"} on ${process.platform}`,
      fix: "run it as root, on a machine that may make network namespaces",
    });
  }
  const wanted = list(options.faults ?? Object.keys(faults).join(","));
  const unknown = wanted.find((name) => faults[name] === undefined);
  if (unknown !== undefined) {
    throw new UserError({
      where: "--faults",
      expected: `none, or some of ${Object.keys(faults).join(",")}`,
      found: unknown,
    });
  }
  const seeds = list(options.seeds ?? "1,2,3").map(Number);
  const given = options.debug === undefined ? [] : list(options.debug).map(Number);
  const numbers = { "--seeds": seeds, "--debug": given };
  for (const [where, values] of Object.entries(numbers)) {
    if (values.some((value) => !Number.isFinite(value)))
      throw new UserError({ where, expected: "numbers with commas between them", found: values.join(",") });
  }
  const steps = Number(options.steps ?? STEPS);
  const heldOut = Number(options.heldout ?? HELD_OUT);
  const short = {
    steps: Number(options["fault-steps"] ?? steps),
    heldOut: Number(options["fault-heldout"] ?? heldOut),
  };
  return {
    seeds,
    faults: wanted,
    faultSeed: seeds[0] ?? 1,
    steps,
    heldOut,
    short,
    debug: given,
    debugName: given.length > 0 ? "debug, as given" : "debug",
  };
}

/** The quickstart on the debug backbone, in a process of its own. */
async function debugRun(seed: number, { steps, heldOut }: { steps: number; heldOut: number }): Promise<Summary> {
  const folder = mkdtempSync(join(tmpdir(), "astune-h-"));
  const settings = [
    `seed=${seed}`,
    `experiment_dir=${folder}`,
    "experiment_name=debug",
    "model.dtype=float32",
    `trainer_common.total_training_steps=${steps}`,
    `trainer_common.val_max_num_task_each_validation=${heldOut}`,
  ];
  say(`debug, seed ${seed}`);
  try {
    const flags = settings.flatMap((setting) => ["--set", setting]);
    await execa(process.execPath, ["bin/astune.js", "submit", "configs/quickstart.yaml", ...flags], { cwd: root });
    return JSON.parse(readFileSync(join(folder, "debug", "summary.json"), "utf8")) as Summary;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function rowOf(name: string, outcome: Outcome, against: { anchor?: number; anchorName?: string } = {}): BenchRow {
  const { summary, minutes, happened, retried, failed, leaks } = outcome;
  const left = Object.entries(leaks.counts).map(([what, count]) => `${count} ${what}`);
  const told = [
    summary === undefined ? "NOT finished" : `finished, ${summary.steps} steps in ${minutes.toFixed(1)} min`,
    ...(summary ? [`before: ${ratesOf(summary.before)}`, `after: ${ratesOf(summary.after)}`] : []),
    ...happened,
    `episodes: ${failed} failed, ${retried} retried`,
    `left over: ${left.join(", ")}`,
    ...leaks.lines.slice(0, 10),
  ];
  return {
    name,
    ours: percent(summary?.after?.success),
    unit: "% held-out success",
    ...against,
    spread: told.join("\n"),
  };
}

/** Success and the three faults. */
function ratesOf(rates: Rates | null): string {
  if (rates === null) return "not measured";
  const shares = [rates.success, rates.malformed_call, rates.no_print, rates.early_answer].map(percent);
  return `${shares[0]} % success; ${shares[1]} % malformed, ${shares[2]} % no print, ${shares[3]} % early`;
}

function meanRow(pairs: readonly { ours: number; theirs: number }[], anchorName: string): BenchRow {
  const mean = (of: "ours" | "theirs"): number =>
    Number((pairs.reduce((sum, pair) => sum + pair[of], 0) / pairs.length).toFixed(2));
  const [ours, anchor] = [mean("ours"), mean("theirs")];
  const difference = Math.abs(ours - anchor);
  const verdict = difference <= 2 ? "within the 2 points to hold" : "NOT within the 2 points to hold";
  const spread = `${difference.toFixed(2)} points apart, ${verdict}`;
  const goal = { atLeast: Number(((anchor - 2) / anchor).toPrecision(3)) };
  return { name: `mean of ${pairs.length} seeds`, ours, unit: "% held-out success", anchor, anchorName, goal, spread };
}
