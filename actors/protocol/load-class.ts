/**
 * Finds a class from the words `module->Class` of a YAML file: dots are folders, searched in the given folders in
 * order and then in this package. Upstream's own names are answered by the caller's built-ins.
 */

import { stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { UserError } from "../../configs/index.ts";

/** A class of a Python file: its module and name, and the folders that the module is looked for in. */
export interface PythonSource {
  readonly module: string;
  readonly className: string;
  readonly folders: readonly string[];
}

/** A class that can be created with `Args`. */
export type Constructor<T, Args extends readonly unknown[] = never[]> = new (...args: Args) => T;

const packageFolder = fileURLToPath(new URL("../..", import.meta.url));
const pythonFolder = join(packageFolder, "actors", "python");
const modulePart = /^[\p{L}_][\p{L}\p{N}_-]*$/u;

/**
 * The class that `name` (`module->Class`) means. In each folder `.ts` is tried before `.js` and `.py`, and each name
 * also with dashes for underscores. `builtIns` maps whole names to classes and goes first; `python` makes a class that
 * stands for one of a Python file.
 * Throws a `UserError` when there is no such file or class, or when the file does not load.
 */
export async function loadClass<T>(
  name: string,
  searchFolders: readonly string[],
  builtIns: ReadonlyMap<string, Constructor<T>> = new Map(),
  python?: (source: PythonSource) => Constructor<T>,
): Promise<Constructor<T>> {
  const builtIn = builtIns.get(name);
  if (builtIn) return builtIn;
  const [modulePath = "", className = "", ...rest] = name.split("->").map((part) => part.trim());
  const parts = modulePath.split(".");
  if (rest.length > 0 || !parts.every((part) => modulePart.test(part)) || !modulePart.test(className)) {
    throw new UserError({ where: name, expected: "module->Class, with dots for folders", found: JSON.stringify(name) });
  }
  const { file, folder } = await findModule(name, parts, searchFolders);
  if (!file.endsWith(".py")) return classOf<T>(name, file, className);
  if (!python) throw new UserError({ where: name, expected: "a TypeScript or JavaScript class", found: file });
  // The folder that has the file goes first, so that Python finds the same one.
  const folders = [...new Set([folder, ...searchFolders, packageFolder])];
  return python({ module: parts.join("."), className, folders });
}

async function findModule(
  name: string,
  parts: readonly string[],
  searchFolders: readonly string[],
): Promise<{ readonly file: string; readonly folder: string }> {
  const stems = [...new Set([parts, dashLast(parts), parts.map(dashes)].map((each) => join(...each)))];
  const folders = [...new Set([...searchFolders, packageFolder, pythonFolder])];
  for (const folder of folders) {
    for (const extension of [".ts", ".js", ".py"]) {
      // A Python module is imported by its own name.
      for (const stem of extension === ".py" ? stems.slice(0, 1) : stems) {
        const file = join(folder, stem + extension);
        if (await isFile(file)) return { file, folder };
      }
    }
  }
  throw new UserError({
    where: name,
    expected: `${stems.map((stem) => `${stem}.ts`).join(" or ")} (or .js, .py) in one of ${folders.join(", ")}`,
    found: "no such file",
  });
}

async function classOf<T>(name: string, file: string, className: string): Promise<Constructor<T>> {
  let module: Record<string, unknown>;
  try {
    module = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (error) {
    const found = `${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`;
    throw new UserError(
      { where: `${name} (${relative(process.cwd(), file)})`, expected: "a module that loads", found },
      { cause: error },
    );
  }
  const candidate = module[className];
  if (isClass(candidate)) return candidate as Constructor<T>;
  const classes = Object.keys(module).filter((key) => isClass(module[key]));
  const found = classes.length > 0 ? `only ${classes.join(", ")}` : "no exported class";
  throw new UserError({ where: name, expected: `an exported class ${className} in ${file}`, found });
}

function isClass(value: unknown): boolean {
  return typeof value === "function" && value.prototype !== undefined;
}

function dashes(part: string): string {
  return part.replaceAll("_", "-");
}

function dashLast(parts: readonly string[]): string[] {
  return [...parts.slice(0, -1), dashes(parts.at(-1) ?? "")];
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (facts) => facts.isFile(),
    () => false,
  );
}
