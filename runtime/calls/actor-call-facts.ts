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
import type { Carrier } from "./carrier.ts";
import type { CallFacts } from "./pending-call.ts";

/** What calls on an actor depend on: its methods, and the options that its callers apply. */
export interface CallFactsSource {
  readonly table: MethodTable;
  readonly options: Pick<CompiledActorOptions, "maxTaskRetries" | "retryExceptions" | "concurrencyGroups">;
}

/** Throws InvalidOptionError for bad options, SerializationError for an argument that cannot travel. */
export function actorCallFacts(
  spec: CallFactsSource,
  method: MethodInfo,
  callOptions: MethodOptions,
  args: readonly unknown[],
  carrier: Carrier,
): CallFacts {
  const options: MethodOptions = { ...method.options, ...callOptions };
  const functionName = `${spec.table.className}.${method.name}`;
  const group = options.concurrencyGroup;
  if (group !== undefined) checkGroup(group, spec.options.concurrencyGroups, functionName);
  return {
    functionName,
    method: method.name,
    lane: group ?? defaultLane,
    generator: method.kind === "generator",
    args: new CallArguments(args, carrier, functionName),
    options: compileCallOptions(options, spec.options),
  };
}
