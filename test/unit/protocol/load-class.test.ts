/** How `module->Class` is found: folders in order, extensions in order, dashes for underscores, and clear refusals. */

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { loadClass, type PythonSource } from "../../../actors/protocol/index.ts";
import { UserError } from "../../../configs/index.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "astune-load-"));
});
afterEach(() => rm(root, { recursive: true }));

async function file(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
}

async function named(name: string, folders: readonly string[] = [root]): Promise<string> {
  const Found = await loadClass<{ name: string }>(name, folders);
  return new Found().name;
}

const source = (name: string): string => `export class Agent { name = ${JSON.stringify(name)} }`;

test("dots are folders, and a TypeScript file is loaded without a build", async () => {
  await file("tutorial/deep/my_agent.ts", `export class Agent { readonly name: string = "typed" }`);
  expect(await named("tutorial.deep.my_agent->Agent")).toBe("typed");
});

test("folders are searched in their order, and in each .ts before .js", async () => {
  await file("a/agent.js", source("a.js"));
  await file("b/agent.ts", source("b.ts"));
  await file("b/agent.js", source("b.js"));
  expect(await named("agent->Agent", [join(root, "a"), join(root, "b")])).toBe("a.js");
  expect(await named("agent->Agent", [join(root, "b"), join(root, "a")])).toBe("b.ts");
});

test("a name with underscores also means a file with dashes", async () => {
  await file("my_folder/math-agent.js", source("dashes"));
  expect(await named("my_folder.math_agent->Agent")).toBe("dashes");
  await file("other-folder/math-agent.js", source("all dashes"));
  expect(await named("other_folder.math_agent->Agent")).toBe("all dashes");
});

test("the package is searched last", async () => {
  const { TaskOrder } = await import("../../../actors/tasks/index.ts");
  expect(await loadClass("actors.tasks.task_order->TaskOrder", [root])).toBe(TaskOrder);
});

test("built-in names go before any file", async () => {
  await file("known.js", source("file"));
  class BuiltIn {
    name = "built in";
  }
  const Found = await loadClass<{ name: string }>("known->Agent", [root], new Map([["known->Agent", BuiltIn]]));
  expect(new Found().name).toBe("built in");
});

test("a Python file is handed to whoever can run it, with the folder that has it first", async () => {
  await file("agent.py", "class Agent: pass");
  const given: PythonSource[] = [];
  const stand = class {};
  const Found = await loadClass("agent->Agent", ["/elsewhere", root], new Map(), (source) => {
    given.push(source);
    return stand;
  });
  expect(Found).toBe(stand);
  expect(given).toMatchObject([{ module: "agent", className: "Agent" }]);
  expect(given[0]?.folders.slice(0, 2)).toEqual([root, "/elsewhere"]);
});

test("a Python file is refused in one line where only TypeScript is run", async () => {
  await file("agent.py", "class Agent: pass");
  const error = await loadClass("agent->Agent", [root]).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(UserError);
  expect((error as Error).message).toMatch(/a TypeScript or JavaScript class.*agent\.py/);
  expect((error as Error).message).not.toContain("\n");
});

test("TypeScript beside a Python file of the same name is taken", async () => {
  await file("agent.py", "class Agent: pass");
  await file("agent.ts", source("ts"));
  expect(await named("agent->Agent")).toBe("ts");
});

test("a missing file names every folder that was searched", async () => {
  const error = (await loadClass("no.such->Agent", [root, "/elsewhere"]).catch((reason: unknown) => reason)) as Error;
  expect(error).toBeInstanceOf(UserError);
  expect(error.message).toContain(root);
  expect(error.message).toContain("/elsewhere");
  expect(error.message).toContain(join("no", "such.ts"));
});

test("a missing class names those that the module has", async () => {
  await file(
    "agent.js",
    "export class One {}; export class Two {}; export const three = 3; export const four = () => 4;",
  );
  const error = (await loadClass("agent->Agent", [root]).catch((reason: unknown) => reason)) as Error;
  expect(error).toBeInstanceOf(UserError);
  expect(error.message).toContain("only One, Two");
});

test("a module that throws or does not parse says so", async () => {
  await file("throws.js", "throw new Error('no luck')");
  await file("broken.js", "export class {");
  await expect(loadClass("throws->Agent", [root])).rejects.toThrow(/no luck/);
  await expect(loadClass("broken->Agent", [root])).rejects.toThrow(UserError);
});

test.each(["agent", "->Agent", "agent->", "a->b->c", "../agent->Agent", "a..b->Agent", "/etc/passwd->A", "a/b->C", ""])(
  "%j is not a name",
  async (name) => {
    await expect(loadClass(name, [root])).rejects.toThrow(UserError);
  },
);
