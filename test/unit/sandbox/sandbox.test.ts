/** What the sandbox promises, on each kind that works here: code runs as in Python, and nothing gets out or stays. */

import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { openSandbox, type Sandbox } from "../../../actors/rollout/sandbox/index.ts";
import { attempts, programs } from "./escapes.ts";

const hasBubblewrap = await openSandbox({ kind: "bubblewrap" }).then(
  (sandbox) => sandbox.close().then(() => true),
  () => false,
);

/** How long a fact is waited for. */
const waiting = { timeout: 20_000, interval: 20 };

describe.each(["bubblewrap", "pyodide"] as const)("%s", { timeout: 120_000 }, (kind) => {
  const run = test.skipIf(kind === "bubblewrap" && !hasBubblewrap);
  let sandbox: Sandbox;
  let listener: Server;
  let folder: string;

  beforeAll(async () => {
    if (kind === "bubblewrap" && !hasBubblewrap) return;
    vi.stubEnv("MY_SECRET", "s3cret");
    sandbox = await openSandbox({ kind, timeMs: 20_000, memoryBytes: 256 * 2 ** 20, concurrency: 2 });
    listener = createServer((socket) => socket.end("x"));
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
    folder = await mkdtemp(join(tmpdir(), "astune-secret-"));
    await writeFile(join(folder, "secret.txt"), "s3cret");
  }, 120_000);
  afterAll(async () => {
    vi.unstubAllEnvs();
    await sandbox?.close();
    await new Promise((resolve) => (listener ? listener.close(resolve) : resolve(undefined)));
    if (folder) await rm(folder, { recursive: true });
  });

  const forThis = <A extends { readonly kinds?: readonly string[] }>(all: readonly A[]): A[] =>
    all.filter((each) => each.kinds === undefined || each.kinds.includes(kind));

  run.for(forThis(attempts))("holds against: $title", async ({ code, says }) => {
    const { port } = listener.address() as AddressInfo;
    const whole = code.replaceAll("PORT", String(port)).replaceAll("SECRET", join(folder, "secret.txt"));
    const { stdout, stderr } = await sandbox.run(whole);
    expect({ stdout, stderr }).toEqual({ stdout: says, stderr: "" });
  });

  run.for(forThis(programs))("runs: $title", async ({ code, says, returnCode = 0, complains = /^$/ }) => {
    const result = await sandbox.run(code);
    expect({ stdout: result.stdout, returnCode: result.returnCode }).toEqual({ stdout: says, returnCode });
    if (returnCode >= 0) expect(result.stderr).toMatch(complains);
    expect(result.timedOut).toBe(false);
  });

  run("gives the model its result in upstream's words", async () => {
    const result = await sandbox.run("print(7)");
    expect(result.text).toBe("<returncode>0</returncode><stdout>7\n</stdout><stderr></stderr>");
    expect(result.printed).toBe(true);
    expect((await sandbox.run("7")).printed).toBe(false);
    expect((await sandbox.run("print()")).printed).toBe(false);
  });

  run("a flood is cut, says so and is stopped", async () => {
    const result = await sandbox.run("while True: print('x' * 1000)");
    expect(result.returnCode).toBe(-1);
    expect(Buffer.byteLength(result.stdout)).toBeLessThanOrEqual(65_536);
    expect(result.stdout.length).toBeGreaterThan(60_000);
    expect(result.stderr).toContain("OutputLimitError: The output is longer than 65536 bytes");
  });

  run("a flood on stderr is cut too", async () => {
    const result = await sandbox.run("import sys\nprint('first')\nwhile True: sys.stderr.write('y' * 4096)");
    expect(result.stdout).toBe("first\n");
    expect(result.returnCode).toBe(-1);
    expect(result.stderr.length).toBeLessThan(66_000);
    expect(result.stderr).toContain("OutputLimitError");
  });

  run("one huge allocation is a MemoryError of the code", async () => {
    const result = await sandbox.run(
      "try:\n    x = bytearray(10**9)\n    print('got it')\nexcept MemoryError: print('held')",
    );
    expect(result.stdout).toBe("held\n");
  });

  run("memory taken bit by bit ends the code, not the machine", async () => {
    const result = await sandbox.run("x = []\nwhile True: x.append(bytearray(2**20))");
    expect(result.returnCode).not.toBe(0);
    expect(result.stderr).toMatch(/MemoryError/);
    expect((await sandbox.run("print('still here')")).stdout).toBe("still here\n");
  });

  run("a megabyte of code runs", async () => {
    const code = `x = "${"a".repeat(2 ** 20)}"\nprint(len(x))`;
    expect((await sandbox.run(code)).stdout).toBe(`${2 ** 20}\n`);
  });

  run("a run sees nothing of the one before", async () => {
    await sandbox.run(
      "import builtins, sys, math, os\nbuiltins.left = 1\nmath.pi = 3\nsys.left = 1\nopen('/tmp/left', 'w').write('x')\nos.environ['LEFT'] = '1'\nprint = None",
    );
    const look =
      "import builtins, sys, math, os\nprint(hasattr(builtins, 'left'), hasattr(sys, 'left'), math.pi > 3.1, os.path.exists('/tmp/left'), 'LEFT' in os.environ, 'left' in globals())";
    for (let i = 0; i < 3; i += 1) {
      expect((await sandbox.run(look)).stdout).toBe("False False True False False False\n");
    }
  });

  run("several runs at once keep their output apart", async () => {
    const results = await Promise.all(Array.from({ length: 12 }, (_, i) => sandbox.run(`print(${i} * 7)`)));
    expect(results.map((result) => result.stdout)).toEqual(Array.from({ length: 12 }, (_, i) => `${i * 7}\n`));
  });

  run("an aborted run rejects with the signal's reason, and the sandbox goes on", async () => {
    const stop = new AbortController();
    const running = sandbox.run("while True: pass", stop.signal);
    const reason = new Error("episode is over");
    setTimeout(() => stop.abort(reason), 200);
    await expect(running).rejects.toBe(reason);
    await expect(sandbox.run("print(1)", stop.signal)).rejects.toBe(reason);
    expect((await sandbox.run("print(2)")).stdout).toBe("2\n");
  });

  run("an endless loop is stopped at the limit, with what it printed", async () => {
    const quick = await openSandbox({ kind, timeMs: 1000, concurrency: 1 });
    try {
      const result = await quick.run("import sys\nprint('begun', end='')\nsys.stdout.flush()\nwhile True: pass");
      expect(result).toMatchObject({ returnCode: -1, timedOut: true });
      expect(result.stderr).toBe("TimeoutError: The code execution exceeded the timeout of 1 seconds.");
      if (kind === "bubblewrap") expect(result.stdout).toBe("begun");
      expect(result.text).toContain("<returncode>-1</returncode>");
      expect((await quick.run("print('next')")).stdout).toBe("next\n");
    } finally {
      await quick.close();
    }
  });

  run("after closing nothing runs and nothing can", async () => {
    const other = await openSandbox({ kind, concurrency: 1 });
    const waiting = [other.run("while True: pass"), other.run("print(1)")];
    const ended = Promise.allSettled(waiting);
    await other.close();
    await other.close();
    expect((await ended).map((each) => each.status)).toEqual(["rejected", "rejected"]);
    await expect(other.run("print(1)")).rejects.toThrow(/closed/);
  });
});

describe.skipIf(!hasBubblewrap)("bubblewrap processes", { timeout: 60_000 }, () => {
  test("a fork bomb is held and leaves nothing", async () => {
    const sandbox = await openSandbox({ kind: "bubblewrap", timeMs: 3000, concurrency: 1 });
    try {
      const result = await sandbox.run(
        "import os, time\nn = 0\ntry:\n    while True:\n        if os.fork() == 0: time.sleep(1000)\n        n += 1\nexcept OSError: print('held after', n < 40)",
      );
      expect(result.stdout).toBe("held after True\n");
      await sandbox.run("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass");
      expect(await processesBelow(process.pid, "python3")).toBe(1);
      expect((await sandbox.run("print('fine')")).stdout).toBe("fine\n");
    } finally {
      await sandbox.close();
    }
  });

  test("many processes together stay under the memory limit", async () => {
    const sandbox = await openSandbox({
      kind: "bubblewrap",
      timeMs: 20_000,
      memoryBytes: 128 * 2 ** 20,
      concurrency: 1,
    });
    try {
      const code =
        "import os, time\nfor i in range(8):\n    if os.fork() == 0:\n        x = bytearray(os.urandom(60 * 2**20))\n        time.sleep(60)\ntime.sleep(60)";
      const result = await sandbox.run(code);
      expect(result.returnCode).toBe(-1);
      expect(result.stderr).toContain("MemoryError");
    } finally {
      await sandbox.close();
    }
  });

  test("a daemon that a run leaves behind is dead before the reply", async () => {
    const sandbox = await openSandbox({ kind: "bubblewrap", concurrency: 1 });
    try {
      const daemon =
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        time.sleep(1000)\n    os._exit(0)\nprint('left')";
      expect((await sandbox.run(daemon)).stdout).toBe("left\n");
      expect(await processesBelow(process.pid, "python3")).toBe(1);
      expect((await sandbox.run("import os; print([p for p in os.listdir('/proc') if p.isdigit()])")).stdout).toBe(
        "['1']\n",
      );
    } finally {
      await sandbox.close();
    }
  });

  test("code that ends its parents ends only itself, and a server that is killed is replaced", async () => {
    const sandbox = await openSandbox({ kind: "bubblewrap", concurrency: 1 });
    try {
      await sandbox.run(
        "import os, signal\nfor p in range(-1, 50):\n    try: os.kill(p, signal.SIGKILL)\n    except OSError: pass",
      );
      expect((await sandbox.run("print(1)")).stdout).toBe("1\n");
      for (const pid of await childrenOf(process.pid, "bwrap")) process.kill(pid, "SIGKILL");
      expect((await sandbox.run("print(2)")).stdout).toBe("2\n");
      const running = sandbox.run("import time; time.sleep(2); print(3)");
      await vi.waitUntil(async () => (await processesBelow(process.pid, "python3")) > 1, waiting);
      for (const pid of await childrenOf(process.pid, "bwrap")) process.kill(pid, "SIGKILL");
      expect((await running).stdout).toBe("3\n");
    } finally {
      await sandbox.close();
    }
  });

  test("an earlier run's code and output are not in memory", async () => {
    const sandbox = await openSandbox({ kind: "bubblewrap", concurrency: 1 });
    try {
      const marker = ["needle", "in", "haystack"].join("-");
      await sandbox.run(`print("${marker}")\nsecret = "${marker}" * 3`);
      const search = `import re
parts = ["needle", "in"]
found = 0
for line in open("/proc/self/maps"):
    at, flags = line.split()[:2]
    if "r" not in flags or "vvar" in line or "vsyscall" in line: continue
    start, end = (int(x, 16) for x in at.split("-"))
    try:
        with open("/proc/self/mem", "rb") as memory:
            memory.seek(start)
            data = memory.read(end - start)
    except OSError: continue
    found += data.count("-".join(parts + ["hay"]).encode() + b"stack")
print(found)`;
      const count = Number((await sandbox.run(search)).stdout);
      expect(count).toBeLessThanOrEqual(1);
    } finally {
      await sandbox.close();
    }
  });

  test("closing leaves no process", async () => {
    const sandbox = await openSandbox({ kind: "bubblewrap", concurrency: 2 });
    const runs = [sandbox.run("while True: pass"), sandbox.run("while True: pass")];
    const ended = Promise.allSettled(runs);
    await vi.waitUntil(async () => (await childrenOf(process.pid, "bwrap")).length === 2, waiting);
    await sandbox.close();
    await ended;
    await vi.waitUntil(async () => (await processesBelow(process.pid, "bwrap")) === 0, waiting);
    expect(await processesBelow(process.pid, "python3")).toBe(0);
  });
});

/** Processes called `name` among the descendants of `pid`. */
async function processesBelow(pid: number, name: string): Promise<number> {
  let count = 0;
  for (const child of await childrenOf(pid)) {
    const comm = await readFile(`/proc/${child}/comm`, "utf8").catch(() => "");
    if (comm.trim().startsWith(name)) count += 1;
    count += await processesBelow(child, name);
  }
  return count;
}

async function childrenOf(pid: number, name?: string): Promise<number[]> {
  const all: number[] = [];
  for (const entry of (await readdir("/proc")).filter((each) => /^\d+$/.test(each))) {
    const stat = await readFile(`/proc/${entry}/stat`, "utf8").catch(() => "");
    const [, comm = "", state, parent] = /^\d+ \((.*)\) (\S) (\d+)/.exec(stat) ?? [];
    if (state !== "Z" && Number(parent) === pid && (name === undefined || comm.startsWith(name)))
      all.push(Number(entry));
  }
  return all;
}
