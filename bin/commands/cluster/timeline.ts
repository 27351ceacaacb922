/** `astune timeline`: the calls that nodes remember, as a trace. */

import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { UserError } from "../../../configs/index.ts";
import type { HeadAccess } from "../../../runtime/client/index.ts";
import type { TaskRecord } from "../../../runtime/control/index.ts";
import { traceOf } from "../../../runtime/state/index.ts";
import type { Print } from "../config.ts";

export async function timeline(
  head: HeadAccess,
  { output, json }: { readonly output?: string; readonly json?: boolean },
  print: Print,
): Promise<void> {
  const { records, warning } = (await head.ask("tasks", null)) as { records: TaskRecord[]; warning: string };
  const file = resolve(output ?? `timeline-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}.json`);
  try {
    await writeFile(file, JSON.stringify(traceOf(records, Date.now())));
  } catch (error) {
    const found = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new UserError({ where: file, expected: "a file that can be written", found }, { cause: error });
  }
  if (json === true) return print(JSON.stringify({ file, calls: records.length, warning }, undefined, 2));
  print(`${records.length} calls in ${file}; open it at https://ui.perfetto.dev or chrome://tracing`);
  if (warning !== "") print(`not everything is in it: ${warning}`);
}
