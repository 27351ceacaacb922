// Where a class or a function lives: a module and the name it exports it by. This is what travels between processes in
// place of code; the process that runs it imports the module. Nothing that arrives is evaluated.
import { Session } from "node:inspector";
import { isAbsolute, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type ErrorClass, InvalidOptionError, RuntimeEnvSetupError, registerErrorClass } from "../errors/index.ts";

/**
 * `package`: a file of this package. `workingDir`: of the driver's working folder. `file`: an absolute path. `python`: a
 * Python module, looked for in `folders` first.
 */
export interface CodeRef {
  readonly root: "package" | "workingDir" | "file" | "python";
  readonly path: string;
  readonly name: string;
  readonly folders?: readonly string[];
}

// biome-ignore lint/suspicious/noExplicitAny: any class or function at all
type Code = (abstract new (...args: any[]) => unknown) | ((...args: any[]) => unknown);

const packageFolder = fileURLToPath(new URL("../..", import.meta.url));
const known = new WeakMap<object, CodeRef>();

/** The reference of a class or function. Throws InvalidOptionError for one that its module cannot export. */
export function codeRefOf(code: Code): CodeRef {
  let ref = known.get(code);
  if (!ref) {
    ref = describe(code, fileOf(code));
    known.set(code, ref);
  }
  return ref;
}

/** Makes `stand` stand for a class or function of a Python module, which has none here to be found by. */
export function standFor(stand: Code, ref: CodeRef): void {
  known.set(stand, ref);
}

/** Whether this is what {@link standFor} made for Python code. */
export function isPython(code: Code): boolean {
  return known.get(code)?.root === "python";
}

/** A reference as one text, for a call of a task. */
export function formatCodeRef(ref: CodeRef): string {
  return ref.root === "python" ? `python:${JSON.stringify(ref)}` : `${ref.root}:${ref.path}#${ref.name}`;
}

/** Imports what a reference names. Throws RuntimeEnvSetupError where the module or its export is not there. */
export async function loadCode(ref: CodeRef): Promise<Code> {
  if (ref.root === "python") throw new RuntimeEnvSetupError(`${ref.path} is Python, and this is not a Python host`);
  const file = fileOfRef(ref);
  let module: Record<string, unknown>;
  try {
    module = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (error) {
    throw new RuntimeEnvSetupError(`${file} does not load here: ${String(error)}`, {}, { cause: error });
  }
  // What the code throws and catches by class is known in this process, also when it arrives from another.
  for (const each of Object.values(module)) if (isErrorClass(each)) registerErrorClass(each);
  const code = module[ref.name] ?? Object.values(module).find((each) => nameOf(each) === ref.name);
  if (typeof code !== "function") {
    const exported = Object.keys(module).join(", ") || "nothing";
    throw new RuntimeEnvSetupError(
      `${file} does not export ${ref.name} (it exports ${exported}): export the class or function by its own name`,
    );
  }
  return code as Code;
}

/** The file that a reference of TypeScript code names in this process. */
export function fileOfRef({ root, path }: CodeRef): string {
  if (root === "package") return resolve(packageFolder, path);
  return root === "workingDir" ? resolve(process.cwd(), path) : path;
}

function isErrorClass(value: unknown): value is ErrorClass {
  return typeof value === "function" && value.prototype instanceof Error;
}

function nameOf(value: unknown): string | undefined {
  return typeof value === "function" ? value.name : undefined;
}

function describe(code: Code, file: string | undefined): CodeRef {
  const { name } = code;
  if (file === undefined || name === "") {
    const what = name === "" ? "a function without a name" : name;
    throw InvalidOptionError.of("remote", "a class or function that a module exports by its own name", what);
  }
  const inside = (folder: string) => {
    const path = relative(folder, file);
    return path !== "" && !path.startsWith("..") && !isAbsolute(path) ? path : undefined;
  };
  const ours = inside(packageFolder);
  if (ours !== undefined) return { root: "package", path: ours, name };
  const working = inside(process.cwd());
  if (working !== undefined) return { root: "workingDir", path: working, name };
  return { root: "file", path: file, name };
}

/** The file in which a function was written, as the engine knows it. */
function fileOf(code: Code): string | undefined {
  const session = new Session();
  session.connect();
  const urls = new Map<string, string>();
  let scriptId: string | undefined;
  try {
    session.on("Debugger.scriptParsed", ({ params }) => urls.set(params.scriptId, params.url));
    session.post("Debugger.enable");
    scriptId = withGlobal(code, (name) => scriptOf(session, name));
    session.post("Debugger.disable");
  } finally {
    session.disconnect();
  }
  const url = scriptId === undefined ? undefined : urls.get(scriptId);
  if (url?.startsWith("file:")) return fileURLToPath(url.replace(/[?#].*$/, ""));
  return url !== undefined && isAbsolute(url) ? url : undefined;
}

function scriptOf(session: Session, globalName: string): string | undefined {
  let found: string | undefined;
  session.post("Runtime.evaluate", { expression: `globalThis[${JSON.stringify(globalName)}]` }, (_error, reply) => {
    const objectId = reply?.result?.objectId;
    if (objectId === undefined) return;
    session.post("Runtime.getProperties", { objectId, ownProperties: true }, (_failed, properties) => {
      const location = properties?.internalProperties?.find(({ name }) => name === "[[FunctionLocation]]");
      found = (location?.value?.value as { scriptId?: string } | undefined)?.scriptId;
    });
  });
  return found;
}

/** The inspector reaches values by name only. */
function withGlobal<T>(value: unknown, body: (name: string) => T): T {
  const name = `astune located ${Math.random()}`;
  const scope = globalThis as unknown as Record<string, unknown>;
  scope[name] = value;
  try {
    return body(name);
  } finally {
    delete scope[name];
  }
}
