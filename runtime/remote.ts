// `remote`: makes a class or a function one whose instances or runs live where the runtime puts them.
import {
  type ActorOptions,
  checkMethodOptions,
  compileActorOptions,
  compileTaskOptions,
  kindOf,
  type MethodKind,
  type MethodOptions,
  type MethodTable,
  methodTable,
  setMethodOptions,
  type TaskOptions,
  type TaskSpec,
} from "./core/index.ts";
import { runtime } from "./current.ts";
import { InvalidOptionError } from "./errors/index.ts";
import type { ActorHandle, AnyClass, RemoteClass, RemoteFunction } from "./remote-types.ts";

// biome-ignore lint/suspicious/noExplicitAny: any function at all
type AnyFunction = (...args: any[]) => unknown;

/**
 * Makes a class's instances actors, or a function's runs tasks.
 *
 * ```ts
 * const counter = remote(Counter).options({ name: "hits" }).remote(0);
 * const total: number = await counter.add.remote(1);
 * ```
 */
export function remote<Class extends AnyClass>(target: Class): RemoteClass<Class>;
export function remote<Fn extends AnyFunction>(target: Fn): RemoteFunction<Fn>;
export function remote(target: AnyClass | AnyFunction): unknown {
  if (typeof target !== "function") throw InvalidOptionError.of("remote", "a class or a function", target);
  if (isClass(target)) return new RemoteClassOf(target, methodTable(target), {});
  return new RemoteFunctionOf(target, {});
}

/**
 * Gives options to a method: `method(Counter, "add", { concurrencyGroup: "io" })`, or as a decorator
 * `@method({ concurrencyGroup: "io" })` where decorators are compiled. Call it before `remote(Counter)`.
 */
export function method(options: MethodOptions): (fn: AnyFunction, context?: unknown) => void;
export function method<Instance extends object>(
  Class: abstract new (...args: never[]) => Instance,
  name: keyof Instance & string,
  options: MethodOptions,
): void;
export function method(first: unknown, name?: string, options?: MethodOptions): unknown {
  if (typeof first !== "function") {
    checkMethodOptions(first as MethodOptions);
    return (fn: AnyFunction) => setMethodOptions(fn, first as MethodOptions);
  }
  const fn: unknown = first.prototype?.[name as string];
  if (typeof fn !== "function") throw InvalidOptionError.of("method", `a method of ${first.name}`, name);
  checkMethodOptions(options as MethodOptions);
  setMethodOptions(fn, options as MethodOptions);
  return undefined;
}

/** A class made remote, with its method table and options. */
export class RemoteClassOf<Class extends AnyClass> implements RemoteClass<Class> {
  readonly #Class: Class;
  readonly #table: MethodTable;
  readonly #options: ActorOptions;

  constructor(Class: Class, table: MethodTable, options: ActorOptions) {
    this.#Class = Class;
    this.#table = table;
    this.#options = options;
  }

  remote(...args: unknown[]): ActorHandle<InstanceType<Class>> {
    const options = compileActorOptions(this.#table, this.#options);
    const spec = { Class: this.#Class, table: this.#table, options };
    return runtime().createActor(spec, args) as ActorHandle<InstanceType<Class>>;
  }

  options(options: ActorOptions): RemoteClass<Class> {
    const all = { ...this.#options, ...options };
    compileActorOptions(this.#table, all);
    return new RemoteClassOf(this.#Class, this.#table, all);
  }
}

/** A function made remote, with its options. */
export class RemoteFunctionOf {
  readonly #given: TaskOptions;
  readonly #spec: TaskSpec;

  constructor(fn: AnyFunction, given: TaskOptions, kind: MethodKind = kindOf(fn)) {
    this.#given = given;
    this.#spec = { fn, kind, options: compileTaskOptions(fn.name || "(anonymous)", given) };
  }

  remote(...args: unknown[]): unknown {
    return runtime().submitTask(this.#spec, args);
  }

  options(options: TaskOptions): RemoteFunctionOf {
    return new RemoteFunctionOf(this.#spec.fn, { ...this.#given, ...options }, this.#spec.kind);
  }
}

function isClass(target: AnyClass | AnyFunction): target is AnyClass {
  return /^class\b/.test(Function.prototype.toString.call(target));
}
