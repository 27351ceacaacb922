/** `npm run bench -- NAME [--json] …`: one benchmark, its table, and with `--json` one object a row. */

import { parseArgs } from "node:util";
import Table from "cli-table3";
import type { BenchOptions, BenchRow } from "./bench.ts";
import { engineAgreement } from "./engine-agreement.ts";
import { objectStore } from "./object-store.ts";
import { sandboxSpeed } from "./sandbox-speed.ts";

const benches: Readonly<Record<string, (options: BenchOptions) => Promise<BenchRow[]>>> = {
  "engine-agreement": engineAgreement,
  "object-store": objectStore,
  sandbox: sandboxSpeed,
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
  },
});
const [name = ""] = positionals;
const bench = benches[name];
if (bench === undefined) {
  process.stderr.write(`bench: expected ${Object.keys(benches).join(" or ")}, got "${name}"\n`);
  process.exit(2);
}
const { json, ...given } = values;
const rows = await bench(given);
if (json) {
  for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`);
} else {
  const table = new Table({ head: ["", "value", "unit", "spread"], style: { head: [], border: [] } });
  for (const row of rows) table.push([row.name, row.value, row.unit, row.spread]);
  process.stdout.write(`${table.toString()}\n`);
}
