import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { get, nodes, pythonClass, pythonFunction, RuntimeEnvSetupError, remote } from "../../runtime/index.ts";
import { Cluster } from "../fixtures/cluster.ts";
import { failureOf } from "../fixtures/conformance.ts";
import { hasPythonHosts, python, pythonEnvironment } from "../fixtures/python-hosts.ts";

interface Looks {
  variables(): Promise<Record<string, string | undefined>>;
  files(): Promise<Record<string, string>>;
  ofMade(): Promise<Record<string, string | undefined>>;
  greeting(): Promise<string>;
}

/** A user's project, far from this package. */
const project: Readonly<Record<string, string>> = {
  "data.txt": "as it was",
  "secret/key.txt": "hidden",
  "lib/lines.ts": `export const line = (name: string): string => name + " says hello";`,
  "looks.ts": `
    import { existsSync, readFileSync } from "node:fs";
    import { line } from "./lib/lines.ts";
    export class Looks {
      async variables() {
        const { A, B, C } = process.env;
        return { A, B, C };
      }
      async files() {
        const secret = existsSync("secret") ? "there" : "gone";
        return { cwd: process.cwd(), code: import.meta.url, data: readFileSync("data.txt", "utf8"), secret, line: line("lib") };
      }
      async ofMade(): Promise<Record<string, string | undefined>> {
        const door = "astune/runtime";
        const { remote } = await import(door);
        const made = remote(Looks).remote();
        return { ...(await made.variables.remote()), data: (await made.files.remote()).data };
      }
      async greeting() {
        const name = "tiny-package";
        return (await import(name)).greeting;
      }
    }
    export function folder(): string {
      return process.cwd() + readFileSync("data.txt", "utf8");
    }
  `,
  "lib_in_python.py": `
import os

class Looks:
    def files(self):
        return [os.getcwd(), __file__, open("data.txt").read(), os.environ.get("A")]

def imports(name):
    module = __import__(name)
    import numpy
    return [module.GREETING, numpy.__name__]
`,
  "drive.py": `
import json, sys
import astune
from lib_in_python import Looks, imports

address, token, folder = sys.argv[1:]
env = {"working_dir": folder, "excludes": ["*.md"], "env_vars": {"A": "job"}}
astune.init(address=address, token=token, runtime_env=env)
own = {"env_vars": {"B": "own"}}
print(json.dumps(astune.get(astune.remote(Looks).options(runtime_env=own).remote().files.remote())))
astune.shutdown()
`,
  "tiny/package.json": `{ "name": "tiny-package", "version": "1.0.0", "type": "module", "main": "index.js" }`,
  "tiny/index.js": `export const greeting = "hello from npm";`,
};

const wheel = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as file:
    file.writestr("tiny_module.py", "GREETING = 'hello from pip'\\n")
    info = "tiny_module-1.0.dist-info"
    file.writestr(info + "/METADATA", "Metadata-Version: 2.1\\nName: tiny-module\\nVersion: 1.0\\n")
    file.writestr(info + "/WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    file.writestr(info + "/RECORD", "")
`;

describe("runtimeEnv on a cluster", () => {
  let root: string;
  let folder: string;
  let cluster: Cluster;
  let Class: new () => Looks;
  let where: () => string;
  const run = promisify(execFile);

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "astune-project-"));
    folder = join(root, "project");
    for (const [path, text] of Object.entries(project)) {
      await mkdir(join(folder, path, ".."), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    cluster = await Cluster.start({ cpus: 4 }, { cpus: 4 });
    const runtimeEnv = { workingDir: folder, excludes: ["secret/"], envVars: { A: "job", B: "job" } };
    await cluster.connect("env", { runtimeEnv });
    // Nothing of it is read here any more.
    await writeFile(join(folder, "data.txt"), "changed");
    const module = await import(pathToFileURL(join(folder, "looks.ts")).href);
    Class = module.Looks;
    where = module.folder;
  });
  afterAll(async () => {
    await cluster.close();
    await rm(root, { recursive: true });
  });

  test("a job's folder is each node's, as it was sent, with its modules; tasks have it too", async () => {
    for (const { nodeId } of await nodes()) {
      const seen = await remote(Class).options({ schedulingStrategy: { nodeId } }).remote().files.remote();
      expect(seen).toMatchObject({ data: "as it was", secret: "gone", line: "lib says hello" });
      expect(seen["code"]).toBe(pathToFileURL(join(seen["cwd"] ?? "", "looks.ts")).href);
      expect(seen["cwd"]).toMatch(/environments\/folder-/);
      expect(await remote(where).options({ schedulingStrategy: { nodeId } }).remote()).toBe(`${seen["cwd"]}as it was`);
    }
  });

  test("the job's variables are everywhere, an actor's own are added and win, and what it makes has them", async () => {
    const own = remote(Class).options({ runtimeEnv: { envVars: { B: "own", C: "own" } } });
    expect(await own.remote().variables.remote()).toEqual({ A: "job", B: "own", C: "own" });
    expect(await remote(Class).remote().variables.remote()).toEqual({ A: "job", B: "job" });
    expect(await own.remote().ofMade.remote()).toEqual({ A: "job", B: "own", C: "own", data: "as it was" });
  });

  test("npm packages are installed once for those who ask; what npm says last is the error", async () => {
    const withPackage = remote(Class).options({ runtimeEnv: { npm: [join(folder, "tiny")] } });
    expect(await withPackage.remote().greeting.remote()).toBe("hello from npm");
    expect(await failureOf(get(remote(Class).remote().greeting.remote()))).toMatchObject({
      message: expect.stringContaining("tiny-package"),
    });
    const broken = remote(Class).options({ runtimeEnv: { npm: [join(root, "no-such-package")] } });
    const error = await failureOf(get(broken.remote().greeting.remote()));
    expect(error).toBeInstanceOf(RuntimeEnvSetupError);
    expect(error.message).toMatch(/npm ended with status \d+:\n[\s\S]*no-such-package/);
  });

  test.skipIf(!hasPythonHosts)("Python code is found in the job's folder, also for a Python driver", async () => {
    const Python = pythonClass<{ files(): string[] }, []>("lib_in_python->Looks", { files: "sync" }, { folders: [] });
    const [cwd = "", file, ...rest] = await Python.remote().files.remote();
    expect([file, ...rest]).toEqual([join(cwd, "lib_in_python.py"), "as it was", "job"]);
    const args = [join(folder, "drive.py"), cluster.address, await cluster.token(), folder];
    const { stdout } = await run(python, args, { env: pythonEnvironment, timeout: 120_000 });
    const [theirs = "", ...seen] = JSON.parse(stdout) as string[];
    expect(seen).toEqual([join(theirs, "lib_in_python.py"), "changed", "job"]);
    expect(theirs).toMatch(/environments\/folder-/);
    expect(theirs).not.toBe(cwd);
  });

  test.skipIf(!hasPythonHosts)("pip makes a Python environment beside the hosts' own packages", async () => {
    const file = join(root, "tiny_module-1.0-py3-none-any.whl");
    await run("python3", ["-c", wheel, file]);
    const imports = pythonFunction<(name: string) => string[]>("lib_in_python->imports", { folders: [] });
    const pip = imports.options({ runtimeEnv: { pip: [file] } });
    expect(await pip.remote("tiny_module")).toEqual(["hello from pip", "numpy"]);
    expect(await failureOf(imports.options({ maxRetries: 0 }).remote("tiny_module"))).toMatchObject({
      name: "ModuleNotFoundError",
    });
    const broken = imports.options({ runtimeEnv: { pip: [join(root, "no-such.whl")] } });
    const error = await failureOf(broken.remote("tiny_module"));
    expect(error).toBeInstanceOf(RuntimeEnvSetupError);
    expect(error.message).toMatch(/pip ended with status \d+:\n[\s\S]*no-such/);
  });
});
