import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { endProcesses, isRunning, recordedProcesses, recordProcess } from "../../../runtime/processes/index.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "astune-state-"));
  process.env["ASTUNE_STATE_DIR"] = folder;
});
afterEach(async () => {
  delete process.env["ASTUNE_STATE_DIR"];
  await rm(folder, { recursive: true });
});

async function start(script: string): Promise<number> {
  const child = spawn(process.execPath, ["-e", `${script}; process.stdout.write("up")`], { detached: true });
  await once(child.stdout, "data");
  return child.pid as number;
}

const FOREVER = "setInterval(() => {}, 1000)";

test("a recorded process is listed until it is forgotten", async () => {
  const pid = await start(FOREVER);
  const forget = recordProcess({ pid, name: "forever", leadsGroup: true });
  const records = recordedProcesses();
  expect(records).toMatchObject([{ pid, name: "forever" }]);
  forget();
  expect(recordedProcesses()).toEqual([]);
  await endProcesses(records, 2000);
});

test("ending a process takes its whole group, also what ignores the request", async () => {
  const grandchild = `const c = require("child_process").spawn(process.execPath, ["-e", "${FOREVER}"]); require("fs").writeFileSync(${JSON.stringify(join(folder, "pid"))}, String(c.pid))`;
  const pid = await start(`process.on("SIGTERM", () => {}); ${grandchild}; ${FOREVER}`);
  recordProcess({ pid, name: "stubborn", leadsGroup: true });
  const inner = Number(await readFile(join(folder, "pid"), "utf8"));
  const [ended] = await endProcesses(recordedProcesses(), 200);
  expect(ended).toMatchObject({ how: "forced", record: { pid } });
  await expect.poll(() => isAlive(inner)).toBe(false);
});

test("a later process with the same number is never taken for a recorded one", async () => {
  const pid = await start(FOREVER);
  recordProcess({ pid, name: "old", leadsGroup: true });
  const file = join(folder, "processes", `${pid}.json`);
  const record = JSON.parse(await readFile(file, "utf8"));
  await writeFile(file, JSON.stringify({ ...record, startTicks: "1" }));
  expect(isRunning({ ...record, startTicks: "1" })).toBe(false);
  expect(recordedProcesses()).toEqual([]);
  await endProcesses([{ ...record, startTicks: "1" }], 100);
  expect(isRunning(record)).toBe(true);
  await endProcesses([record], 2000);
});

/** False where the process is gone, or a zombie that nobody has waited for yet. */
function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3) !== "Z";
  } catch {
    return false;
  }
}
