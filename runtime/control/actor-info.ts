// What a handle must know of its actor wherever it is: names, methods and the options that its callers apply. It travels
// with every handle, as plain data.
import type { CompiledActorOptions, MethodInfo, MethodKind, MethodOptions, MethodTable } from "../core/index.ts";

export interface ActorInfo {
  readonly className: string;
  readonly name: string | null;
  readonly namespace: string;
  /** Name, kind and options of each method; an options object only where there is something in it. */
  readonly methods: readonly (readonly [string, MethodKind] | readonly [string, MethodKind, MethodOptions])[];
  readonly hasAsync: boolean;
  readonly ordered: boolean;
  readonly maxTaskRetries: number;
  readonly retryExceptions: boolean;
  readonly maxPendingCalls: number;
  readonly concurrencyGroups: Readonly<Record<string, number>>;
  readonly detached: boolean;
}

export function describeActorInfo(table: MethodTable, options: CompiledActorOptions, namespace: string): ActorInfo {
  return {
    className: table.className,
    name: options.name ?? null,
    namespace,
    methods: [...table.methods.values()].map(({ name, kind, options: given }) => {
      const portable = portableOptions(given);
      return Object.keys(portable).length === 0 ? [name, kind] : [name, kind, portable];
    }),
    hasAsync: table.hasAsync,
    ordered: options.ordered,
    maxTaskRetries: options.maxTaskRetries,
    retryExceptions: options.retryExceptions === true,
    maxPendingCalls: options.maxPendingCalls,
    concurrencyGroups: options.concurrencyGroups,
    detached: options.detached,
  };
}

/** Whether something that arrived is what a handle needs. */
export function isActorInfo(value: unknown): value is ActorInfo {
  if (typeof value !== "object" || value === null) return false;
  const { className, name, namespace, methods, concurrencyGroups } = value as Partial<Record<keyof ActorInfo, unknown>>;
  const isMethod = (one: unknown): boolean =>
    Array.isArray(one) &&
    typeof one[0] === "string" &&
    typeof one[1] === "string" &&
    typeof (one[2] ?? {}) === "object";
  return (
    typeof className === "string" &&
    (name === null || typeof name === "string") &&
    typeof namespace === "string" &&
    Array.isArray(methods) &&
    methods.every(isMethod) &&
    typeof concurrencyGroups === "object"
  );
}

const tables = new Map<string, MethodTable>();

/** The table of an actor's methods; one object for all handles with the same methods. */
export function tableOf(info: ActorInfo): MethodTable {
  const key = JSON.stringify([info.className, info.methods, info.hasAsync]);
  let table = tables.get(key);
  if (!table) {
    const methods = info.methods.map(([name, kind, options]): [string, MethodInfo] => {
      return [name, { name, kind, options: options ?? {} }];
    });
    table = { className: info.className, methods: new Map(methods), hasAsync: info.hasAsync };
    tables.set(key, table);
  }
  return table;
}

/** Classes of errors stay with the caller who named them: elsewhere they cannot be told from others. */
function portableOptions({ retryExceptions, ...options }: MethodOptions): MethodOptions {
  return typeof retryExceptions === "boolean" ? { ...options, retryExceptions } : options;
}
