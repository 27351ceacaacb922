// What a call on an actor is, from the method's options, this call's, and the actor's.
import {
  type CompiledActorOptions,
  checkGroup,
  compileCallOptions,
  type MethodInfo,
  type MethodOptions,
  type MethodTable,
} from "../core/index.ts";
import { defaultLane } from "./actor-host.ts";
import { CallArguments } from "./call-arguments.ts";
import { type CallFacts, type CallOwner, PendingCall } from "./pending-call.ts";

/** What calls on an actor depend on: its methods, and the options that its callers apply. */
export interface CallFactsSource {
  readonly table: MethodTable;
  readonly options: Pick<CompiledActorOptions, "maxTaskRetries" | "retryExceptions" | "concurrencyGroups">;
}

/** Facts of calls without options of their own, which are nearly all. */
const plain = new WeakMap<CallFactsSource, Map<MethodInfo, CallFacts>>();

/**
 * A call of an actor's method, not yet sent. `callOptions`: undefined for a call without options of its own. Throws
 * InvalidOptionError for bad options, SerializationError for an argument that cannot travel.
 */
export function actorCall(
  source: CallFactsSource,
  method: MethodInfo,
  callOptions: MethodOptions | undefined,
  args: readonly unknown[],
  owner: CallOwner,
): PendingCall {
  const facts = callOptions
    ? factsOf(source, method, { ...method.options, ...callOptions })
    : plainFacts(source, method);
  return new PendingCall(facts, CallArguments.of(args, owner.carrier, facts.functionName), owner);
}

function plainFacts(source: CallFactsSource, method: MethodInfo): CallFacts {
  let known = plain.get(source);
  if (!known) {
    known = new Map();
    plain.set(source, known);
  }
  let facts = known.get(method);
  if (!facts) {
    facts = factsOf(source, method, method.options);
    known.set(method, facts);
  }
  return facts;
}

function factsOf({ table, options: actor }: CallFactsSource, method: MethodInfo, options: MethodOptions): CallFacts {
  const functionName = `${table.className}.${method.name}`;
  const group = options.concurrencyGroup;
  if (group !== undefined) checkGroup(group, actor.concurrencyGroups, functionName);
  return {
    functionName,
    method: method.name,
    lane: group ?? defaultLane,
    generator: method.kind === "generator",
    options: compileCallOptions(options, actor),
  };
}
