import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { JobInfo } from "../../../runtime/control/index.ts";
import { eventually } from "../../fixtures/cluster.ts";
import { type Command, processesOf, Workplace } from "../../fixtures/command-line.ts";

type Row = Record<string, unknown>;

let place: Workplace;
let yaml: string;
beforeAll(async () => {
  place = await Workplace.create();
  yaml = await place.configure();
});
afterAll(async () => {
  await place.start("kill", "--all").ended;
  await place.remove();
});

const submit = (...flags: string[]): Command => place.start("submit", yaml, "--backbone", "trinity", ...flags);
async function run(...args: string[]): Promise<{ code: number | string; output: string }> {
  const command = place.start(...args);
  return { code: await command.ended, output: command.output() };
}
const jobs = async (): Promise<Row[]> => JSON.parse((await run("list", "jobs", "--json")).output) as Row[];

test("without a head, submit says how to get one", async () => {
  const command = submit();
  expect(await command.ended).toBe(2);
  expect(command.output()).toMatch(/^astune: head: expected one on this machine, .*astune-head start\)$/m);
});

test("--with-ray with an address is refused with one line", async () => {
  const command = submit("--with-ray=10.0.0.1:6379");
  expect(await command.ended).toBe(2);
  expect(command.output()).toMatch(/^astune: --with-ray: expected no address, got 10\.0\.0\.1:6379 \(.*\)\n$/);
});

test("--with-ray starts head and worker here, and the run is a job whose log is followed to its end", async () => {
  const command = submit("--with-ray");
  expect({ code: await command.ended, output: command.output() }).toMatchObject({ code: 0 });
  const output = command.output();
  expect(output).toMatch(/^astune-head runs in the background/m);
  expect(output).toMatch(/^astune-worker runs in the background/m);
  expect(output).toMatch(/^experiment folder: .*experiments\/run$/m);
  expect(output).toMatch(/^summary: .*summary\.json$/m);
  const [job] = (await jobs()).filter(({ type }) => type === "SUBMISSION");
  expect(job).toMatchObject({ status: "SUCCEEDED" satisfies JobInfo["status"], name: "run" });
  expect(output).toContain(`job ${String(job?.["job_id"])}: Job finished successfully.`);
  expect(existsSync(join(place.experiment, "summary.json"))).toBe(true);
});

test("a second run into the same folder is refused before it is a job", async () => {
  const command = submit();
  expect(await command.ended).toBe(2);
  expect(command.output()).toMatch(/expected a folder without a run in it/);
  expect((await jobs()).filter(({ type }) => type === "SUBMISSION")).toHaveLength(1);
});

test("Ctrl-C stops following, and the job goes on; kill ends it and all that it started", async () => {
  const command = submit("--set", "experiment_name=long", "--set", "trainer_common.total_training_steps=1000");
  const id = await eventually(
    () => command.output().match(/^job (\w+);/m)?.[1],
    (found) => found !== undefined,
  );
  await eventually(
    () => command.output(),
    (output) => /step 1\b|\[1\/1000\]|step 1\/1000/.test(output),
  );
  const twice = submit("--set", "experiment_name=long", "--resume");
  expect(await twice.ended).toBe(2);
  expect(twice.output()).toContain(`got job ${id}, which is RUNNING`);

  command.child.kill("SIGINT");
  expect(await command.ended).toBe(130);
  expect(command.output()).toContain(`no longer following; job ${id} goes on. Its log again: astune logs -f ${id}`);
  expect((await jobs()).find(({ job_id }) => job_id === id)).toMatchObject({ status: "RUNNING" });

  expect((await run("logs", String(id))).output).toContain("learner on");
  expect(await run("kill")).toEqual({ code: 0, output: `ended job ${id} (long)\n` });
  expect((await jobs()).find(({ job_id }) => job_id === id)).toMatchObject({ status: "STOPPED" });
  const left = await processesOf(place);
  expect(left.filter((line) => line.includes("kernel"))).toEqual([]);
  expect((await run("kill")).output).toMatch(/^no job of yours runs on the head at /);
});

test("a run that fails says why, with exit code 1", async () => {
  const command = submit(
    "--set",
    "experiment_name=broken",
    "--set",
    "rollout.agentscope_learn_protocol=nowhere->Nothing",
  );
  expect(await command.ended).toBe(1);
  expect(command.output()).toMatch(/^astune: job \w+ failed: .*nowhere/m);
});

test("kill --all ends worker and head too, and leaves nothing", async () => {
  const { code, output } = await run("--kill=python|ray|vllm", "--all").then(() => run("kill", "--all"));
  expect(code).toBe(0);
  expect(output).toMatch(/^ended astune-worker \(process \d+\)$/m);
  expect(output).toMatch(/^ended astune-head \(process \d+\)$/m);
  expect(await processesOf(place)).toEqual([]);
  expect((await run("kill")).output).toBe("nothing of astune's is running here\n");
});
