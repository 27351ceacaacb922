import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { defaultTimeouts } from "../../../actors/inference/options.ts";
import { groupMembers } from "../../../actors/inference/process-group.ts";
import { VllmServer, type VllmServerOptions } from "../../../actors/inference/vllm-server.ts";

const PROGRAM = fileURLToPath(new URL("fake-vllm.js", import.meta.url));
let logDir: string;

beforeEach(async () => {
  logDir = await mkdtemp(join(tmpdir(), "astune-logs-"));
});
afterEach(() => rm(logDir, { recursive: true, force: true }));

function options(behaviour: string, changes: Partial<VllmServerOptions> = {}): VllmServerOptions {
  return {
    modelPath: "/models/tiny",
    logDir,
    command: [process.execPath, PROGRAM, behaviour],
    timeouts: { ...defaultTimeouts, endMs: 2_000, startMs: 15_000 },
    vllm: {
      tensorParallelSize: 1,
      maxModelLen: 512,
      maxNumSeqs: 8,
      dtype: "float32",
      gpuMemoryUtilization: 0.5,
      seed: 3,
      enforceEager: true,
      extraArgs: ["--enable-lora"],
    },
    ...changes,
  };
}

const log = (): Promise<string> => readFile(join(logDir, "vllm.log"), "utf8");
describe("a vLLM server", () => {
  test("is started on a socket in a private folder, with the switches that training needs", async () => {
    const server = await VllmServer.start(options("serve"));
    expect(server.version).toBe("0.99.0");
    const text = await log();
    const socket = /--uds (\S+)/.exec(text)?.[1] ?? "";
    expect((await stat(dirname(socket))).mode & 0o777).toBe(0o700);
    expect(text).toContain("dev mode 1");
    for (const flag of [
      "--logprobs-mode processed_logprobs",
      "--generation-config vllm",
      "--enforce-eager",
      "--enable-lora",
    ]) {
      expect(text).toContain(flag);
    }
    expect(text).not.toContain("--enable-sleep-mode");
    await server.close();
    await expect(stat(dirname(socket))).rejects.toThrow(/ENOENT/);
  });

  test("that dies while it starts says so at once, with its last lines", async () => {
    const start = VllmServer.start(options("die"));
    await expect(start).rejects.toMatchObject({
      code: "ENGINE_START",
      message: /exit code 3[\s\S]*CUDA out of memory/,
    });
  });

  test("that is never healthy is ended after the time it was given", async () => {
    const impatient = { ...defaultTimeouts, endMs: 500, startMs: 700 };
    await expect(VllmServer.start(options("silent", { timeouts: impatient }))).rejects.toThrow(/not healthy after 1 s/);
  });

  test("that is told to end and does not is forced, workers too", async () => {
    const server = await VllmServer.start(options("stubborn", { timeouts: { ...defaultTimeouts, endMs: 200 } }));
    await server.close();
    expect(groupMembers(server.pid)).toEqual([]);
  });

  test("whose start is cancelled leaves nothing", async () => {
    const cancel = new AbortController();
    const start = VllmServer.start(options("silent", { signal: cancel.signal }));
    cancel.abort(new Error("closing"));
    await expect(start).rejects.toThrow("closing");
  });
});
