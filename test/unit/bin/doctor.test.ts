/** `astune doctor` looks for itself: each check is tried against the real thing and against its absence. */

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import {
  checkBubblewrap,
  checkChromium,
  checkDisk,
  checkNode,
  checkPort,
  checkSharedMemory,
} from "../../../bin/commands/doctor-checks.ts";
import { checkPython, findingsOf } from "../../../bin/commands/doctor-python.ts";
import { tableOf } from "../../../bin/commands/doctor-table.ts";

const folder = mkdtempSync(join(tmpdir(), "astune-doctor-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A program that stands for a real one. */
function program(name: string, script: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

describe("Node", () => {
  test.each([
    ["20.11.0", "ok"],
    ["20.10.9", "missing"],
    ["18.20.1", "missing"],
    ["22.0.0", "ok"],
  ])("%s is %s", (version, state) => {
    expect(checkNode(version)).toMatchObject({ state, needed: true });
  });
});

describe("bubblewrap", () => {
  test("that is not there says what is used in its place", async () => {
    const finding = await checkBubblewrap(join(folder, "none"));
    expect(finding).toMatchObject({ state: "missing", needed: false, found: "not found" });
    expect(finding.advice).toContain("Pyodide");
  });

  test("that is there but may not make a sandbox is missing, with the reason", async () => {
    const script =
      '[ "$1" = --version ] && echo "bubblewrap 1.0" && exit 0; echo "No permissions to create new namespace" >&2; exit 1';
    expect(await checkBubblewrap(program("bwrap", script))).toMatchObject({
      state: "missing",
      found: "bubblewrap 1.0, but: No permissions to create new namespace",
    });
  });

  test("that runs a command is ok", async () => {
    expect(await checkBubblewrap(program("bwrap-good", 'echo "bubblewrap 1.0"'))).toMatchObject({
      state: "ok",
      found: "bubblewrap 1.0",
    });
  });
});

test("a browser is found under the first name that answers", async () => {
  const browser = program("browser", 'echo "Chromium 1"');
  expect(await checkChromium([join(folder, "none"), browser])).toMatchObject({ state: "ok", found: "Chromium 1" });
  expect(await checkChromium([join(folder, "none")])).toMatchObject({ state: "missing", needed: false });
});

test("disk and shared memory are measured where they are", async () => {
  expect(await checkDisk(folder)).toMatchObject({
    needed: true,
    found: expect.stringMatching(/^\d+\.\d GiB free in /),
  });
  expect(await checkDisk(join(folder, "none"))).toMatchObject({ state: "missing" });
  expect(await checkSharedMemory(join(folder, "none"))).toMatchObject({ state: "missing", needed: false });
});

test("a port that something listens on is told as in use", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  expect(await checkPort(port, "logview")).toMatchObject({ state: "missing", needed: false, found: "in use" });
  await new Promise((resolve) => server.close(resolve));
  expect(await checkPort(port, "logview")).toMatchObject({ state: "ok", found: "free" });
});

describe("Python", () => {
  const packages = {
    torch: "2",
    transformers: "5",
    safetensors: "1",
    peft: "1",
    aiohttp: "3",
    numpy: "2",
    matplotlib: "3",
    tensorboard: "2",
  };
  const facts = {
    python: "3.11.7",
    packages,
    vllm: "0.26",
    devices: ["NVIDIA H200, 140 GiB"],
    cuda: "12.8",
    error: null,
  };

  test("an interpreter that is not there stops a run", async () => {
    expect(await checkPython(() => "/no/python")).toEqual([
      expect.objectContaining({ state: "missing", needed: true, found: "no interpreter at /no/python" }),
    ]);
  });

  test("a name in ASTUNE_PYTHON that leads nowhere is a finding, not a crash", async () => {
    const nowhere = (): string => {
      throw new Error("ASTUNE_PYTHON: expected an interpreter");
    };
    expect(await checkPython(nowhere)).toEqual([
      expect.objectContaining({ state: "missing", needed: true, found: "ASTUNE_PYTHON: expected an interpreter" }),
    ]);
  });

  test("an interpreter that fails is told with its last line", async () => {
    const [finding] = await checkPython(() => program("python", 'echo "bad interpreter" >&2; exit 3'));
    expect(finding).toMatchObject({ state: "missing", found: "bad interpreter" });
  });

  test("an interpreter's own words are read, whatever it prints before", async () => {
    const python = program("python-good", `echo noise; echo '${JSON.stringify(facts)}'`);
    expect((await checkPython(() => python)).map((finding) => finding.state)).toEqual(["ok", "ok", "ok", "ok"]);
  });

  test("a missing package stops a run, a missing GPU or vLLM does not", () => {
    const poor = { ...facts, packages: { ...packages, peft: null }, vllm: null, devices: [], cuda: null };
    const findings = findingsOf(poor, "python");
    expect(findings.filter((finding) => finding.state === "missing" && finding.needed)).toEqual([
      expect.objectContaining({ name: "kernel packages", found: "missing: peft" }),
    ]);
    expect(
      findings.filter((finding) => finding.state === "missing" && !finding.needed).map(({ name }) => name),
    ).toEqual(["GPU", "vLLM"]);
  });

  test("a torch that cannot be imported stops a run with its error", () => {
    const findings = findingsOf({ ...facts, error: "OSError: libcudart.so.12: cannot open" }, "python");
    expect(findings[1]).toMatchObject({
      state: "missing",
      needed: true,
      found: "OSError: libcudart.so.12: cannot open",
    });
  });
});

test("the table says optional for what a run can do without", () => {
  const text = tableOf([
    { name: "Node", state: "ok", needed: true, found: "20.20.2", advice: "never shown" },
    { name: "vLLM", state: "missing", needed: false, found: "not installed", advice: "how to get it" },
    { name: "Python", state: "missing", needed: true, found: "none", advice: "install it" },
  ]);
  expect(text).toMatch(/Node\s+│ ok/);
  expect(text).toMatch(/vLLM\s+│ optional/);
  expect(text).toMatch(/Python\s+│ missing/);
  expect(text).toContain("how to get it");
  expect(text).not.toContain("never shown");
});
