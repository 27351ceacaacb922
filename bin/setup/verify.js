// All tests and checks, counted: the last line is `N passed, N failed`, with `, N skipped` where tests were skipped.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./command.js";
import { say } from "./log.js";

const add = (a, b) => ({ passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped });
const one = (ok) => ({ passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 });

async function check(root, title, bin, args) {
  say(title);
  return one((await run(join(root, "node_modules", ".bin", bin), args, { cwd: root })) === 0);
}

async function vitest(root, folder, projects) {
  say(`vitest: ${projects.join(", ")}`);
  const report = join(folder, "vitest.json");
  const args = [
    "run",
    ...projects.flatMap((name) => ["--project", name]),
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
  ];
  const status = await run(join(root, "node_modules", ".bin", "vitest"), args, { cwd: root });
  try {
    const {
      numPassedTests: passed,
      numFailedTests: failed,
      numPendingTests,
      numTodoTests,
    } = JSON.parse(readFileSync(report, "utf8"));
    return { passed, failed: status !== 0 && failed === 0 ? 1 : failed, skipped: numPendingTests + numTodoTests };
  } catch {
    return one(false);
  }
}

async function pytest(root, folder) {
  say("pytest");
  const report = join(folder, "pytest.xml");
  const args = ["-m", "pytest", "-q", "-p", "no:cacheprovider", `--junitxml=${report}`, "test/python"];
  const status = await run(join(root, ".venv", "bin", "python"), args, { cwd: root });
  try {
    const head = readFileSync(report, "utf8").match(/<testsuite [^>]*>/)?.[0] ?? "";
    const count = (name) => Number(head.match(new RegExp(` ${name}="(\\d+)"`))?.[1] ?? 0);
    const failed = count("failures") + count("errors");
    const skipped = count("skipped");
    const ran = { passed: count("tests") - failed - skipped, failed, skipped };
    return status !== 0 && failed === 0 ? add(ran, one(false)) : ran;
  } catch {
    return one(false);
  }
}

/** Runs the `quick` tests or the `whole`; returns the exit code. */
export async function verify(root, extent) {
  const folder = mkdtempSync(join(tmpdir(), "astune-verify-"));
  let total = { passed: 0, failed: 0, skipped: 0 };
  try {
    const whole = extent === "whole";
    if (whole) {
      total = add(total, await check(root, "types", "tsc", ["-p", root]));
      total = add(total, await check(root, "lint and format", "biome", ["check", "."]));
      total = add(
        total,
        await check(root, "imports between folders", "depcruise", [
          "--config",
          ".dependency-cruiser.cjs",
          "--output-type",
          "err",
          ...ROOMS,
        ]),
      );
      total = add(total, await check(root, "unused code", "knip", ["--no-progress"]));
    }
    total = add(total, await vitest(root, folder, whole ? ["unit", "integration", "fault", "browser"] : ["unit"]));
    total = add(total, await pytest(root, folder));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : "";
  process.stdout.write(`${total.passed} passed, ${total.failed} failed${skipped}\n`);
  return total.failed === 0 && total.passed > 0 ? 0 : 1;
}

const ROOMS = ["actors", "backbones", "bin", "configs", "proto", "runtime", "test", "tutorial"];
