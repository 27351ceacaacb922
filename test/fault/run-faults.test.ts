import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { processesOf, Workplace } from "../fixtures/command-line.ts";

let place: Workplace;
beforeEach(async () => {
  place = await Workplace.create();
});
afterEach(async () => {
  expect(await processesOf(place)).toEqual([]);
  await place.remove();
});

const isRoot = process.getuid?.() === 0;

test.skipIf(!isRoot)("a disk that fills up while a checkpoint is written costs no earlier checkpoint", async () => {
  const folder = join(place.folder, "experiments");
  await mkdir(folder);
  // One checkpoint of the quickstart's model takes some 11 MB, so the second does not fit.
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=18m", "tmpfs", folder]);
  try {
    const { code, output } = await place.submit(["trainer_common.total_training_steps=3"]);
    expect(code, output).toBe(2);
    expect(output.split("\n").filter((line) => line.startsWith("astune: "))).toHaveLength(1);
    expect(output).toMatch(/astune: .*(space|disk)/i);
    const kept = await place.checkpoints();
    expect(kept).toEqual(["step-000001"]);
    expect(await readdir(join(place.experiment, "checkpoints", "step-000001"))).toEqual(
      expect.arrayContaining(["learner", "loop.json"]),
    );
  } finally {
    execFileSync("umount", [folder]);
  }
});

test("a learner that dies ends the run with its last words, and the run resumes from its checkpoint", async () => {
  const file = await place.configure();
  const many = ["--set", "trainer_common.total_training_steps=200"];
  const run = place.start("submit", file, ...many);
  await expect.poll(() => place.checkpoints(), { timeout: 200_000 }).not.toEqual([]);
  process.kill(kernelOf(run.child.pid as number), "SIGKILL");
  expect(await run.ended).not.toBe(0);
  expect(run.output()).toMatch(/astune: .*kernel.*SIGKILL/i);
  const [newest] = (await place.checkpoints()).slice(-1);
  const step = Number(newest?.slice("step-".length));
  const resumed = place.start("submit", file, "--set", `trainer_common.total_training_steps=${step + 1}`, "--resume");
  expect(await resumed.ended, resumed.output()).toBe(0);
  expect(resumed.output()).toContain(`resumed after step ${step}`);
});

/** The kernel's process among a run's children. */
function kernelOf(parent: number): number {
  const children = readFileSync(`/proc/${parent}/task/${parent}/children`, "utf8").trim().split(" ").map(Number);
  const found = children.find((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("kernel/main.py"));
  if (found === undefined) throw new Error("the kernel is not among the children");
  return found;
}

test("every process of a run on the debug backbone is the loop's own, the kernel's or the sandbox's", async () => {
  const run = place.start("submit", await place.configure(), "--set", "trainer_common.total_training_steps=200");
  await expect
    .poll(async () => (await readFile(join(place.experiment, "metrics.jsonl"), "utf8").catch(() => "")).length, {
      timeout: 200_000,
    })
    .toBeGreaterThan(0);
  await expect.poll(() => place.checkpoints(), { timeout: 200_000 }).not.toEqual([]);
  const lines = await processesOf(place);
  run.child.kill("SIGTERM");
  await run.ended;
  expect(lines.filter((line) => !/bin\/astune\.js|kernel\/main\.py|^bwrap |\/bwrap /.test(line))).toEqual([]);
  expect(lines.some((line) => line.includes("kernel/main.py"))).toBe(true);
});
