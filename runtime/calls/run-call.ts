// Runs one call on the host's side: unpacks its arguments, runs the code in its context, answers with its values, its
// stream or its error.
import { type ExecutionContext, runInContext, runSynchronously } from "../core/index.ts";
import { RayError, type TaskErrorFacts } from "../errors/index.ts";
import type { CallMessage, Outcome } from "./channel.ts";
import type { CallWatch, Execution } from "./execution.ts";
import { RunningStream } from "./running-stream.ts";

/** Runs the call; gives its stream if it is one. */
export function runCall(given: Execution): RunningStream | undefined {
  const { message, context, carrier, observer } = given;
  const watch = observer?.began(context, context.functionName);
  const execution = watch ? watched(given, watch) : given;
  const fail = (error: unknown) => {
    observer?.failed(context.functionName, error, watch);
    execution.reply(execution.intercept?.(error) ?? { kind: "threw", error, facts: factsOf(context) });
    execution.finished();
  };
  const succeed = (value: unknown) => {
    let outcome: Outcome;
    try {
      outcome = { kind: "values", values: packValues(value, message, execution) };
    } catch (error) {
      return fail(error);
    }
    execution.reply(outcome);
    execution.finished();
  };
  try {
    const run = execution.synchronous === true ? runSynchronously : runInContext;
    const value = run(context, () => execution.invoke(message.args.map((arg) => carrier.unpack(arg))));
    if (message.streaming) return new RunningStream(value, execution, fail);
    if (isThenable(value)) value.then(succeed, fail);
    else succeed(value);
  } catch (error) {
    fail(error);
  }
  return undefined;
}

function watched(execution: Execution, watch: CallWatch): Execution {
  const finished = () => {
    watch.ended();
    execution.finished();
  };
  return { ...execution, finished };
}

function packValues(value: unknown, { numReturns }: CallMessage, { carrier, context }: Execution) {
  const where = `the result of ${context.functionName}`;
  if (typeof value === "object" && value !== null && typeof (value as { next?: unknown }).next === "function") {
    throw new RayError(`${where} is a generator: declare it with method(…, { numReturns: "streaming" })`);
  }
  if (numReturns === 1) return [carrier.pack(value, where)];
  if (!Array.isArray(value) || value.length !== numReturns) {
    throw new RayError(`${where} should be an array of ${numReturns} values (numReturns)`);
  }
  return value.map((item, index) => carrier.pack(item, `${where}[${index}]`));
}

export function factsOf({ functionName, taskId, actorId }: ExecutionContext): TaskErrorFacts {
  return actorId === undefined ? { functionName, taskId } : { functionName, taskId, actorId };
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
