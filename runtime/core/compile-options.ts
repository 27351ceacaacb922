// Makes complete options of a user's, or says in one error which option is wrong and what it may be.
import { InvalidOptionError, registerErrorClass } from "../errors/index.ts";
import { isLabelExpression, type ResourceRequest, type Strategy, toUnits, unitsPerOne } from "../scheduling/index.ts";
import type { CompiledActorOptions, CompiledCallOptions, CompiledTaskOptions } from "./compiled-options.ts";
import type { MethodTable } from "./method-table.ts";
import type {
  ActorOptions,
  LabelSelector,
  MethodOptions,
  ResourceOptions,
  RetryExceptions,
  SchedulingStrategy,
  TaskOptions,
} from "./options.ts";
import { checkRuntimeEnv } from "./runtime-env.ts";

const resourceKeys = [
  "numCpus",
  "numGpus",
  "memory",
  "resources",
  "acceleratorType",
  "labelSelector",
  "schedulingStrategy",
  "runtimeEnv",
] as const;
const actorKeys: readonly string[] = [
  ...resourceKeys,
  ...["name", "namespace", "lifetime", "getIfExists", "maxRestarts", "maxTaskRetries", "retryExceptions"],
  ...["maxPendingCalls", "maxConcurrency", "concurrencyGroups", "allowOutOfOrderExecution"],
];
const taskKeys: readonly string[] = [
  ...resourceKeys,
  ...["name", "numReturns", "maxRetries", "retryExceptions", "generatorBackpressureNumObjects"],
];
const methodKeys: readonly string[] = [
  ...["name", "numReturns", "concurrencyGroup", "maxTaskRetries", "retryExceptions", "generatorBackpressureNumObjects"],
];

export function compileActorOptions(table: MethodTable, options: ActorOptions): CompiledActorOptions {
  onlyKnown(options, actorKeys);
  const { name, namespace, lifetime, getIfExists = false } = options;
  for (const key of ["name", "namespace"] as const) {
    const value = options[key];
    if (value !== undefined) check(typeof value === "string" && value !== "", key, "a text that is not empty", value);
  }
  check(
    lifetime === undefined || lifetime === "detached" || lifetime === "non_detached",
    "lifetime",
    '"detached" or "non_detached"',
    lifetime,
  );
  check(typeof getIfExists === "boolean", "getIfExists", "true or false", getIfExists);
  check(!getIfExists || name !== undefined, "getIfExists", "a name beside it", getIfExists);
  const concurrencyGroups = options.concurrencyGroups ?? {};
  for (const [group, limit] of Object.entries(concurrencyGroups)) wholeFrom(1, `concurrencyGroups.${group}`, limit);
  for (const method of table.methods.values()) {
    const group = method.options.concurrencyGroup;
    if (group !== undefined) checkGroup(group, concurrencyGroups, `${table.className}.${method.name}`);
  }
  const maxConcurrency = options.maxConcurrency ?? (table.hasAsync ? 1000 : 1);
  wholeFrom(1, "maxConcurrency", maxConcurrency);
  const given = options.numCpus ?? options.numGpus ?? options.resources ?? options.acceleratorType;
  return {
    name,
    namespace,
    detached: lifetime === "detached",
    getIfExists,
    maxRestarts: wholeFrom(-1, "maxRestarts", options.maxRestarts ?? 0),
    maxTaskRetries: wholeFrom(-1, "maxTaskRetries", options.maxTaskRetries ?? 0),
    retryExceptions: checkRetryExceptions(options.retryExceptions ?? false),
    maxPendingCalls:
      options.maxPendingCalls === undefined ? -1 : limitOrNone("maxPendingCalls", options.maxPendingCalls),
    maxConcurrency,
    concurrencyGroups,
    ordered: !table.hasAsync && maxConcurrency === 1 && options.allowOutOfOrderExecution !== true,
    request: compileRequest(options, given === undefined ? { held: 0, placement: 1 } : { held: 1, placement: 1 }),
    runtimeEnv: checkRuntimeEnv(options.runtimeEnv),
  };
}

export function compileTaskOptions(functionName: string, options: TaskOptions): CompiledTaskOptions {
  onlyKnown(options, taskKeys);
  return {
    ...compileCall(options, wholeFrom(-1, "maxRetries", options.maxRetries ?? 3), options.retryExceptions ?? false),
    name: options.name ?? functionName,
    request: compileRequest(options, { held: 1, placement: 1 }),
    runtimeEnv: checkRuntimeEnv(options.runtimeEnv),
  };
}

/** The options of one call on an actor: its own, then its method's, then its actor's. */
export function compileCallOptions(
  options: MethodOptions,
  actor: Pick<CompiledActorOptions, "maxTaskRetries" | "retryExceptions">,
): CompiledCallOptions {
  const retries = options.maxTaskRetries ?? actor.maxTaskRetries;
  return compileCall(
    options,
    wholeFrom(-1, "maxTaskRetries", retries),
    options.retryExceptions ?? actor.retryExceptions,
  );
}

/** Checks the options given to a method. */
export function checkMethodOptions(options: MethodOptions): void {
  onlyKnown(options, methodKeys);
  compileCall(options, wholeFrom(-1, "maxTaskRetries", options.maxTaskRetries ?? 0), options.retryExceptions ?? false);
}

export function checkGroup(group: string, groups: Readonly<Record<string, number>>, where: string): void {
  const known = Object.keys(groups).join(", ") || "none";
  if (!Object.hasOwn(groups, group)) {
    throw InvalidOptionError.of(
      `concurrencyGroup of ${where}`,
      `one of the actor's concurrencyGroups (${known})`,
      group,
    );
  }
}

function compileCall(
  options: MethodOptions | TaskOptions,
  retries: number,
  retry: RetryExceptions,
): CompiledCallOptions {
  const { numReturns, generatorBackpressureNumObjects: backpressure = -1 } = options;
  if (numReturns !== undefined && numReturns !== "streaming") wholeFrom(1, "numReturns", numReturns);
  return {
    numReturns,
    retries,
    retryExceptions: checkRetryExceptions(retry),
    backpressure: limitOrNone("generatorBackpressureNumObjects", backpressure),
  };
}

/** Amounts by resource name, as units. */
export function compileUnits(amounts: Readonly<Record<string, number>>, where: string): Record<string, number> {
  const units: Record<string, number> = {};
  for (const [name, amount] of Object.entries(amounts)) {
    const n = typeof amount === "number" ? toUnits(name, amount) : undefined;
    const expected = name === "memory" ? "whole bytes, at least 0" : "a number of at least 0, no finer than 0.0001";
    if (n === undefined) throw InvalidOptionError.of(where.replace("*", name), expected, amount);
    if (name === "GPU") checkGpus(n, amount, where.replace("*", name));
    if (n > 0) units[name] = n;
  }
  return units;
}

function checkGpus(units: number, amount: number, where: string): void {
  check(
    units < unitsPerOne || units % unitsPerOne === 0,
    where,
    "less than 1 (a share of one device) or a whole number",
    amount,
  );
}

function compileRequest(options: ResourceOptions, cpus: { held: number; placement: number }): ResourceRequest {
  const custom = options.resources ?? {};
  for (const name of ["CPU", "GPU", "memory"]) {
    const own = { CPU: "numCpus", GPU: "numGpus", memory: "memory" }[name];
    check(!Object.hasOwn(custom, name), `resources.${name}`, `the option ${own} instead`, custom[name]);
  }
  const named: Record<string, number> = compileUnits(custom, "resources.*");
  const add = (resource: string, option: string, amount: number | undefined) => {
    if (amount !== undefined) Object.assign(named, compileUnits({ [resource]: amount }, option));
  };
  add("GPU", "numGpus", options.numGpus);
  add("memory", "memory", options.memory);
  if (options.acceleratorType !== undefined)
    add(`accelerator_type:${options.acceleratorType}`, "acceleratorType", 0.001);
  const withCpus = (count: number) => ({ ...named, ...compileUnits({ CPU: options.numCpus ?? count }, "numCpus") });
  return {
    held: withCpus(cpus.held),
    placement: withCpus(cpus.placement),
    labelSelector: checkLabels(options.labelSelector ?? {}, "labelSelector"),
    strategy: compileStrategy(options.schedulingStrategy ?? "DEFAULT"),
  };
}

function compileStrategy(strategy: SchedulingStrategy): Strategy {
  if (strategy === "DEFAULT") return { kind: "default" };
  if (strategy === "SPREAD") return { kind: "spread" };
  if (typeof strategy === "object" && strategy !== null) {
    if ("placementGroup" in strategy) {
      const { placementGroup, bundleIndex = -1, shareGpus = false } = strategy;
      wholeFrom(-1, "schedulingStrategy.bundleIndex", bundleIndex);
      const count = placementGroup.bundles.length;
      check(
        bundleIndex < count,
        "schedulingStrategy.bundleIndex",
        `less than the group's ${count} bundles`,
        bundleIndex,
      );
      return { kind: "placementGroup", groupId: placementGroup.id, bundleIndex, shareGpus };
    }
    if ("nodeId" in strategy) return { kind: "node", nodeId: strategy.nodeId, soft: strategy.soft ?? false };
    if ("labels" in strategy) {
      const { hard = {}, soft = {} } = strategy.labels;
      const where = "schedulingStrategy.labels";
      return { kind: "labels", hard: checkLabels(hard, `${where}.hard`), soft: checkLabels(soft, `${where}.soft`) };
    }
  }
  const expected = '"DEFAULT", "SPREAD", { nodeId }, { placementGroup } or { labels }';
  throw InvalidOptionError.of("schedulingStrategy", expected, strategy);
}

/** Checks a label selector. */
export function checkLabels(selector: LabelSelector, where: string): LabelSelector {
  for (const [name, expression] of Object.entries(selector)) {
    check(isLabelExpression(expression), `${where}.${name}`, '"v", "!v", "in(a,b)" or "!in(a,b)"', expression);
  }
  return selector;
}

function checkRetryExceptions(value: RetryExceptions): RetryExceptions {
  const good =
    typeof value === "boolean" || (Array.isArray(value) && value.every((item) => typeof item === "function"));
  check(good, "retryExceptions", "true, false or an array of error classes", value);
  // An error arrives from another process as one of a class that is known here.
  if (Array.isArray(value)) for (const Class of value) registerErrorClass(Class);
  return value;
}

function onlyKnown(options: object, known: readonly string[]): void {
  for (const key of Object.keys(options)) {
    check(
      known.includes(key),
      key,
      `one of the options ${known.join(", ")}`,
      (options as Record<string, unknown>)[key],
    );
  }
}

function wholeFrom(minimum: number, option: string, value: number): number {
  check(Number.isInteger(value) && value >= minimum, option, `a whole number of at least ${minimum}`, value);
  return value;
}

function limitOrNone(option: string, value: number): number {
  check(
    Number.isInteger(value) && (value === -1 || value >= 1),
    option,
    "a whole number of at least 1, or -1 for no limit",
    value,
  );
  return value;
}

function check(good: boolean, option: string, expected: string, got: unknown): void {
  if (!good) throw InvalidOptionError.of(option, expected, got);
}
