import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Cluster } from "../../fixtures/cluster.ts";

const root = resolve(import.meta.dirname, "..", "..", "..");

describe("logs to the driver", () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await Cluster.start({ cpus: 4, warmHosts: 3 });
  });
  afterAll(() => cluster.close());

  /** Runs a driver whose actors and tasks print; gives what it shows, and the processes that printed. */
  async function driver(env: NodeJS.ProcessEnv = {}) {
    const main = resolve(root, "test", "fixtures", "drivers", "printing.ts");
    const child = spawn(process.execPath, ["--import", resolve(root, "runtime", "typescript", "index.js"), main], {
      env: { ...cluster.env, ADDRESS: cluster.address, TOKEN_FILE: cluster.tokenFile, ...env },
      cwd: root,
    });
    const text = { out: "", error: "" };
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      text.out += chunk;
    });
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      text.error += chunk;
    });
    await once(child, "close");
    expect(child.exitCode, text.error).toBe(0);
    const [, json = "{}"] = /^pids (.*)$/m.exec(text.out) ?? [];
    return { ...text, pids: JSON.parse(json) as Record<"plain" | "named" | "task" | "other", number> };
  }

  test("lines of actors and tasks appear at their driver, with class, name and process", async () => {
    const { out, error, pids } = await driver();
    const lines = out.split("\n");
    expect(lines).toContain(`(Surroundings pid=${pids.plain}) hello from plain`);
    expect(lines).toContain(`(Surroundings pid=${pids.plain}) with two lines`);
    expect(lines).toContain(`(Surroundings(hits) pid=${pids.named}) hello from named`);
    expect(lines).toContain(`(say pid=${pids.task}) hello from a task`);
    expect(error.split("\n")).toContain(`(Surroundings pid=${pids.plain}) an error line`);
  });

  test("what several processes say alike is shown once, and how often it was repeated", async () => {
    const { out, pids } = await driver();
    const alike = out.split("\n").filter((line) => line.includes("progress"));
    expect(alike).toHaveLength(2);
    expect(alike[0]).toMatch(/^\(Surroundings(\(hits\))? pid=\d+\) progress \d+%$/);
    expect(alike[1]).toMatch(/progress \d+% \[repeated 2x across cluster\]$/);
    expect(pids.other).toBeTypeOf("number");
  });

  test("RAY_DEDUP_LOGS=0 shows every line; logToDriver: false none", async () => {
    const every = await driver({ RAY_DEDUP_LOGS: "0" });
    expect(every.out.split("\n").filter((line) => line.includes("progress"))).toHaveLength(3);
    const none = await driver({ LOG_TO_DRIVER: "false" });
    expect(none.out.trim()).toBe(`pids ${JSON.stringify(none.pids)}`);
    expect(none.error).toBe("");
  });
});
