/** `npm run bench -- NAME [--json] …`: one benchmark, its table, and with `--json` one object a row. */

import { parseArgs } from "node:util";
import Table from "cli-table3";
import { UserError } from "../../configs/index.ts";
import { agentScopeEpisodes } from "./agentscope.ts";
import { type BenchOptions, type BenchRow, goalText, holds, jsonRow, ratioOf } from "./bench.ts";
import { constantLoad } from "./constant-load/constant-load.ts";
import { engineAgreement } from "./engine-agreement.ts";
import { fuzz } from "./fuzz/fuzz.ts";
import { headAtRest } from "./head/head.ts";
import { hosts } from "./hosts.ts";
import { kernelSpeed } from "./kernel/kernel.ts";
import { loopSpeed } from "./loop.ts";
import { objectStore } from "./object-store.ts";
import { placement } from "./placement/placement.ts";
import { runtimeSpeed } from "./runtime/runtime.ts";
import { sandboxSpeed } from "./sandbox-speed.ts";
import { scale } from "./scale/scale.ts";
import { weightSync } from "./weight-sync.ts";

const benches: Readonly<Record<string, (options: BenchOptions) => Promise<BenchRow[]>>> = {
  "constant-load": constantLoad,
  "agentscope-episodes": agentScopeEpisodes,
  "engine-agreement": engineAgreement,
  "object-store": objectStore,
  fuzz,
  head: headAtRest,
  kernel: kernelSpeed,
  hosts,
  loop: loopSpeed,
  placement,
  runtime: runtimeSpeed,
  sandbox: sandboxSpeed,
  "weight-sync": weightSync,
  scale,
};

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean" },
    model: { type: "string" },
    data: { type: "string" },
    dtype: { type: "string" },
    tasks: { type: "string" },
    episodes: { type: "string" },
    seconds: { type: "string" },
    minutes: { type: "string" },
    plot: { type: "string" },
    seed: { type: "string" },
    methods: { type: "string" },
    swaps: { type: "string" },
    nodes: { type: "string" },
    actors: { type: "string" },
    seeds: { type: "string" },
    faults: { type: "string" },
    debug: { type: "string" },
    steps: { type: "string" },
    heldout: { type: "string" },
    "fault-steps": { type: "string" },
    "fault-heldout": { type: "string" },
  },
});
const [name = ""] = positionals;
const bench = benches[name];
if (bench === undefined) {
  process.stderr.write(`bench: expected ${Object.keys(benches).join(", ")}, got "${name}"\n`);
  process.exit(2);
}
const { json, ...given } = values;
const rows = await bench(given).catch((error: unknown): never => {
  if (!(error instanceof UserError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(2);
});
if (json) {
  for (const row of rows) process.stdout.write(`${JSON.stringify(jsonRow(row))}\n`);
} else {
  const table = new Table({
    head: ["", "ours", "unit", "against", "ratio", "goal", "spread"],
    style: { head: [], border: [] },
  });
  for (const row of rows) {
    const against = row.anchor === undefined ? "" : `${row.anchorName} ${row.anchor}`;
    const goal = row.goal ? `${goalText(row.goal)} ${holds(row) ? "holds" : "missed"}` : "";
    table.push([row.name, row.ours, row.unit, against, ratioOf(row) ?? "", goal, row.spread]);
  }
  process.stdout.write(`${table.toString()}\n`);
}
