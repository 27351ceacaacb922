// What the runtime knows of a class's methods: their names, whether they are asynchronous or generators, and the options
// given to them with `method()`.
import type { MethodOptions } from "./options.ts";

export type MethodKind = "sync" | "async" | "generator";

export interface MethodInfo {
  readonly name: string;
  readonly kind: MethodKind;
  readonly options: MethodOptions;
}

export interface MethodTable {
  readonly className: string;
  readonly methods: ReadonlyMap<string, MethodInfo>;
  /** A class with any async method runs its calls concurrently. */
  readonly hasAsync: boolean;
}

/** Methods every actor has, under Ray's own names. */
export const builtInMethods: readonly MethodInfo[] = [
  { name: "__ray_ready__", kind: "sync", options: {} },
  { name: "__ray_terminate__", kind: "sync", options: {} },
];

const methodOptions = new WeakMap<object, MethodOptions>();

/** Keeps options for a method's function. */
export function setMethodOptions(fn: object, options: MethodOptions): void {
  methodOptions.set(fn, { ...methodOptions.get(fn), ...options });
}

// biome-ignore lint/suspicious/noExplicitAny: any class at all
export type UserClass = new (...args: any[]) => object;

/** Reads a class's methods, those of its base classes included. */
export function methodTable(Class: UserClass): MethodTable {
  const methods = new Map<string, MethodInfo>();
  for (let prototype = Class.prototype; prototype && prototype !== Object.prototype; ) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      if (name === "constructor" || typeof value !== "function" || methods.has(name)) continue;
      methods.set(name, { name, kind: kindOf(value), options: methodOptions.get(value) ?? {} });
    }
    prototype = Object.getPrototypeOf(prototype);
  }
  const hasAsync = [...methods.values()].some(({ kind, name }) => kind === "async" || isAsync(Class.prototype[name]));
  for (const method of builtInMethods) methods.set(method.name, method);
  return { className: Class.name || "(anonymous)", methods, hasAsync };
}

/** Whether calling `fn` gives a value, a promise or a generator. */
export function kindOf(fn: object): MethodKind {
  const name = fn.constructor.name;
  if (name === "AsyncGeneratorFunction" || name === "GeneratorFunction") return "generator";
  if (methodOptions.get(fn)?.numReturns === "streaming") return "generator";
  return name === "AsyncFunction" ? "async" : "sync";
}

function isAsync(fn: object): boolean {
  return fn.constructor.name === "AsyncGeneratorFunction";
}
