import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import type { TaskRecord } from "../../runtime/control/index.ts";
import { getActor, remote } from "../../runtime/index.ts";
import { headOf } from "../fixtures/astune.ts";
import { Cluster } from "../fixtures/cluster.ts";
import { hasPythonHosts, python, pythonEnvironment, pythonFixtures } from "../fixtures/python-hosts.ts";
import { Counter as TypescriptCounter } from "../fixtures/remote/counter.ts";

interface Counter {
  add(n: number): number;
}

test.skipIf(!hasPythonHosts)("a Python driver and a TypeScript driver share a cluster's actors", async () => {
  const cluster = await Cluster.start({ cpus: 4, warmHosts: 1 });
  try {
    await cluster.connect("shared");
    const own = remote(TypescriptCounter).options({ name: "from-typescript" }).remote(0);
    await own.add.remote(0);
    const args = [join(pythonFixtures, "drive.py"), cluster.address, await cluster.token()];
    const { stdout } = await promisify(execFile)(python, args, { env: pythonEnvironment, timeout: 120_000 });
    expect(JSON.parse(stdout)).toEqual({
      own: [6, 10],
      error: ["RayTaskError(OutOfStock)", "no ink", "ink", "in Counter.sell.remote()"],
      stream: [0, 1, 2],
      task: 6,
      typescript: [2, 5],
      typescriptCallsPython: 20,
      pythonCallsTypescript: 105,
      typescriptError: [true, "RangeError", "no luck"],
      nobody: "ActorHandleNotFoundError",
      wait: [1, 1, true],
      late: "GetTimeoutError",
      killed: "ActorDiedError",
    });
    const theirs = await getActor<Counter>("from-python");
    expect(await theirs.add.remote(0)).toBe(20);
    const folder = await mkdtemp(join(tmpdir(), "astune-test-"));
    const work = [join(pythonFixtures, "drive_work.py"), ...args.slice(1), folder];
    const worked = await promisify(execFile)(python, work, { env: pythonEnvironment, timeout: 120_000 });
    await rm(folder, { recursive: true });
    expect(JSON.parse(worked.stdout)).toEqual({
      cancels: ["TaskCancelledError", "InvalidOptionError", 3],
      places: [
        ...[true, true, 3, ["CREATED"], "ActorPlacementGroupRemoved", true, false, 1, "RaySystemError", 2],
        "bundles: expected at least one bundle, got []",
        "strategy: expected one of PACK, SPREAD, STRICT_PACK, STRICT_SPREAD, got 'ALL'",
      ],
      stores: [
        [false, false, 49_999_995_000_000],
        [false, true],
        [false, 1_000_000],
      ],
    });
    const head = await headOf(cluster);
    const { records } = (await head.ask("tasks", null)) as { records: TaskRecord[] };
    head.close();
    const calls = new Set(records.map(({ name, type, state, errorType }) => `${name} ${type} ${state} ${errorType}`));
    for (const call of [
      "Counter.__init__ ACTOR_CREATION_TASK FINISHED null",
      "Counter.add ACTOR_TASK FINISHED null",
      "Counter.sell ACTOR_TASK FAILED OutOfStock",
      "Counter.up_to ACTOR_TASK FINISHED null",
      "add NORMAL_TASK FINISHED null",
    ]) {
      expect(calls).toContain(call);
    }
    const wrong = promisify(execFile)(python, [...args.slice(0, 2), "another"], { env: pythonEnvironment });
    await expect(wrong).rejects.toThrow("AuthenticationError");
  } finally {
    await cluster.close();
  }
});
