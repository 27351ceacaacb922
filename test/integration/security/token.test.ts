import { execFile } from "node:child_process";
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AuthenticationError, init, remote, shutdown } from "../../../runtime/index.ts";
import { Cluster } from "../../fixtures/cluster.ts";
import { Steady } from "../../fixtures/remote/steady.ts";

const bin = resolve(import.meta.dirname, "..", "..", "..", "bin");

/** Runs a program to its end. */
async function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv) {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [join(bin, `${program}.js`), ...args], {
      env,
    });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}

/** Processes whose environment or command line has this text. */
async function whoShows(text: string, part: "environ" | "cmdline"): Promise<number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map((pid) =>
      readFile(`/proc/${pid}/${part}`, "utf8")
        .then((shown) => shown.includes(text))
        .catch(() => false),
    ),
  );
  return pids.filter((_, index) => found[index]).map(Number);
}

describe("the token of a cluster", () => {
  let cluster: Cluster;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "astune-t-"));
    cluster = await Cluster.start({ cpus: 2 });
  });
  afterAll(async () => {
    await cluster.close();
    await rm(folder, { recursive: true, force: true });
  });

  test("is there from the first start, for its user alone", async () => {
    expect((await stat(cluster.tokenFile)).mode & 0o777).toBe(0o600);
    expect(await cluster.token()).toMatch(/^[0-9a-f]{64}$/);
  });

  test("a driver without it, or with another one, is turned away", async () => {
    const missing = init({ address: cluster.address, tokenFile: join(folder, "nowhere") });
    await expect(missing).rejects.toThrow(AuthenticationError);
    const wrong = join(folder, "wrong");
    await writeFile(wrong, "f".repeat(64), { mode: 0o600 });
    await expect(init({ address: cluster.address, tokenFile: wrong })).rejects.toThrow(/turned this process away/);
  });

  test("a file that others can read is refused", async () => {
    const open = join(folder, "open");
    await writeFile(open, await cluster.token());
    await chmod(open, 0o644);
    await expect(init({ address: cluster.address, tokenFile: open })).rejects.toThrow(/expected mode 0600/);
  });

  test("a worker without it, or with another one, ends with code 2 and one line", async () => {
    const missing = await run(
      "astune-worker",
      ["join", cluster.address, "--token-file", join(folder, "no")],
      cluster.env,
    );
    expect(missing).toMatchObject({ code: 2, stdout: "" });
    expect(missing.stderr.trim().split("\n")).toEqual([expect.stringMatching(/^astune-worker: no token: expected /)]);
    const env = { ...cluster.env, ASTUNE_AUTH_TOKEN: "0".repeat(64) };
    const wrong = await run("astune-worker", ["join", cluster.address, "--cpus", "1"], env);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr.trim().split("\n")).toEqual([
      expect.stringMatching(/^astune-worker: .* turned this process away/),
    ]);
  });

  test("is in no command line, and in nothing that an actor starts", async () => {
    await cluster.connect();
    const actor = remote(Steady).remote();
    const environment = await actor.environmentOfChild.remote();
    const token = await cluster.token();
    expect(environment).toContain("ASTUNE_STATE_DIR");
    expect(environment).not.toContain(token);
    expect(await whoShows(token, "cmdline")).toEqual([]);
    await shutdown();
  });

  test("sockets and session folders are their user's alone", async () => {
    const root = join(tmpdir(), `astune-${process.getuid?.()}`);
    for (const path of [root, ...(await readdir(root)).map((name) => join(root, name))]) {
      const found = await stat(path).catch(() => undefined);
      if (found) expect([path, found.mode & 0o777]).toEqual([path, 0o700]);
    }
  });

  test("a head that others can reach needs a token that somebody has chosen", async () => {
    const state = join(folder, "other");
    const env = { ...cluster.env, ASTUNE_STATE_DIR: state };
    const start = ["start", "--port", "0", "--host", "0.0.0.0"];
    const none = await run("astune-head", start, env);
    expect(none.code).toBe(2);
    expect(none.stderr.trim().split("\n")).toEqual([
      expect.stringMatching(
        /^astune-head: --host 0\.0\.0\.0: others can reach this: expected a token of at least 16 characters in ASTUNE_AUTH_TOKEN or --token-file, found none/,
      ),
    ]);
    const short = await run("astune-head", start, { ...env, ASTUNE_AUTH_TOKEN: "secret" });
    expect(short).toMatchObject({ code: 2, stderr: expect.stringMatching(/found one of 6 characters/) });
  });
});
