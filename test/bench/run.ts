/** `npm run bench -- NAME [--json] …`: one benchmark, its table, and with `--json` one object a row. */

import { parseArgs } from "node:util";
import Table from "cli-table3";
import { engineAgreement } from "./engine-agreement.ts";
import { sandboxSpeed } from "./sandbox-speed.ts";

/** One row of a benchmark: a figure with its unit, and its spread over the repeats. */
export interface BenchRow {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly spread: string;
}

/** What a benchmark may be told. */
export interface BenchOptions {
  readonly model?: string;
  readonly data?: string;
}

const benches: Readonly<Record<string, (options: BenchOptions) => Promise<BenchRow[]>>> = {
  "engine-agreement": engineAgreement,
  sandbox: sandboxSpeed,
};

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean" }, model: { type: "string" }, data: { type: "string" } },
});
const [name = ""] = positionals;
const bench = benches[name];
if (bench === undefined) {
  process.stderr.write(`bench: expected ${Object.keys(benches).join(" or ")}, got "${name}"\n`);
  process.exit(2);
}
const rows = await bench({
  ...(values.model !== undefined && { model: values.model }),
  ...(values.data !== undefined && { data: values.data }),
});
if (values.json) {
  for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`);
} else {
  const table = new Table({ head: ["", "value", "unit", "spread"], style: { head: [], border: [] } });
  for (const row of rows) table.push([row.name, row.value, row.unit, row.spread]);
  process.stdout.write(`${table.toString()}\n`);
}
