// Classes and functions of Python modules, made remote: the TypeScript side knows them by a type that the user writes down
// and by the kinds of their methods.
import { standFor } from "./code/index.ts";
import { builtInMethods, type MethodInfo, type MethodTable, type UserClass } from "./core/index.ts";
import { InvalidOptionError } from "./errors/index.ts";
import { RemoteClassOf, RemoteFunctionOf } from "./remote.ts";
import type { RemoteClass, RemoteFunction } from "./remote-types.ts";

// biome-ignore lint/suspicious/noExplicitAny: any function at all
type AnyFunction = (...args: any[]) => unknown;

/** How a Python method is defined: `def`, `async def`, `def` with `yield`, `async def` with `yield`. */
export type PythonMethodKind = "sync" | "async" | "generator" | "asyncGenerator";

type KindsOf<Result> = [Result] extends [never]
  ? "sync" | "async"
  : Result extends AsyncGenerator<unknown>
    ? "asyncGenerator"
    : Result extends Generator<unknown>
      ? "generator"
      : "sync" | "async";

/** The kind of each method of `Instance`; those that give generators in the type must be generators in Python. */
export type PythonMethods<Instance> = {
  readonly [Key in keyof Instance as Instance[Key] extends AnyFunction ? Key : never]: Instance[Key] extends (
    ...args: never[]
  ) => infer Result
    ? KindsOf<Result>
    : never;
};

export interface PythonOptions {
  /** Where the module is looked for first, on every node. Default: the working folder. */
  readonly folders?: readonly string[];
}

/**
 * A class of a Python module, `folder.module->Class`, whose instances are actors like any other: `Instance` is its type as
 * TypeScript sees it, `methods` says how each method is defined. A class with an asynchronous method runs its calls
 * concurrently. Throws InvalidOptionError where the name is none; a module or method that is not there shows as
 * RuntimeEnvSetupError in the first call.
 *
 * ```ts
 * interface Counter { add(n: number): number; upTo(n: number): Generator<number> }
 * const counter = pythonClass<Counter>("lib.counters->Counter", { add: "sync", upTo: "generator" }).remote(0);
 * ```
 */
export function pythonClass<Instance extends object, Args extends readonly unknown[] = readonly unknown[]>(
  name: string,
  methods: PythonMethods<Instance>,
  options: PythonOptions = {},
): RemoteClass<new (...args: [...Args]) => Instance> {
  const { path, className } = partsOf(name);
  const Stand = class {};
  Object.defineProperty(Stand, "name", { value: className });
  standFor(Stand, { root: "python", path, name: className, folders: foldersOf(options) });
  const kinds = Object.entries(methods) as [string, PythonMethodKind][];
  return new RemoteClassOf(Stand as UserClass, tableOf(className, kinds), {}) as unknown as RemoteClass<
    new (
      ...args: [...Args]
    ) => Instance
  >;
}

/** A function of a Python module, `folder.module->function`, whose runs are tasks. As {@link pythonClass}. */
export function pythonFunction<Fn extends AnyFunction>(
  name: string,
  options: PythonOptions = {},
  kind: PythonMethodKind = "sync",
): RemoteFunction<Fn> {
  const { path, className } = partsOf(name);
  const stand = () => {
    throw new Error(`${name} runs in Python`);
  };
  Object.defineProperty(stand, "name", { value: className });
  standFor(stand, { root: "python", path, name: className, folders: foldersOf(options) });
  return new RemoteFunctionOf(stand, {}, tableKind(kind)) as unknown as RemoteFunction<Fn>;
}

function partsOf(name: string): { readonly path: string; readonly className: string } {
  const found = /^([\p{L}_][\p{L}\p{N}_]*(?:\.[\p{L}_][\p{L}\p{N}_]*)*)\s*->\s*([\p{L}_][\p{L}\p{N}_]*)$/u.exec(
    name.trim(),
  );
  if (!found) throw InvalidOptionError.of("name", "module->Class, with dots for folders", name);
  return { path: found[1] as string, className: found[2] as string };
}

function foldersOf({ folders = [process.cwd()] }: PythonOptions): readonly string[] {
  return folders;
}

function tableOf(className: string, kinds: readonly (readonly [string, PythonMethodKind])[]): MethodTable {
  const own = kinds.map(([name, kind]): MethodInfo => ({ name, kind: tableKind(kind), options: {} }));
  const methods = new Map([...own, ...builtInMethods].map((method) => [method.name, method]));
  const hasAsync = kinds.some(([, kind]) => kind === "async" || kind === "asyncGenerator");
  return { className, methods, hasAsync };
}

function tableKind(kind: PythonMethodKind): MethodInfo["kind"] {
  return kind === "asyncGenerator" ? "generator" : kind;
}
