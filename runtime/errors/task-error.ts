// What a caller gets when the code it called threw. As in Ray it has two classes at once: it is an instance of the
// thrown error's class, with that error's own fields, and of RayTaskError.
import { RayError } from "./ray-error.ts";

const taskError = Symbol.for("astune.runtime.RayTaskError");
const userPrototype = Symbol.for("astune.runtime.userPrototype");

/** Where the error was thrown. */
export interface TaskErrorFacts {
  /** `Counter.add` for an actor's method, the function's name for a task. */
  readonly functionName: string;
  readonly taskId: string;
  readonly actorId?: string;
}

/**
 * The called code threw. `cause` is the error as it was thrown there (with the stack of that side); `message`, `name` and
 * the fields are those of the cause, so `code` is the cause's own where it has one.
 */
export class RayTaskError extends RayError {
  override readonly code: string = "TASK_FAILED";
  declare readonly functionName: string;
  declare readonly taskId: string;
  declare readonly actorId?: string;

  constructor(message: string, facts: TaskErrorFacts, options?: ErrorOptions) {
    super(message, facts, options);
    Object.defineProperty(this, taskError, { value: true });
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: a subclass must keep the ordinary meaning of instanceof
    if (this !== RayTaskError) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === "object" && value !== null && taskError in value;
  }

  /** The error a caller of the failed code gets: of the cause's class where the cause is an error, and a RayTaskError. */
  static from(cause: unknown, facts: TaskErrorFacts): RayTaskError {
    if (!(cause instanceof Error)) {
      return new RayTaskError(`${facts.functionName} threw ${String(cause)}`, facts, { cause });
    }
    const base: object = userPrototype in cause ? (cause[userPrototype] as object) : Object.getPrototypeOf(cause);
    if (base === RayTaskError.prototype) return new RayTaskError(cause.message, facts, { cause });
    const Dual = dualClass(base);
    const error = Reflect.construct(Error, [cause.message, { cause }], Dual) as RayTaskError;
    for (const [key, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(cause))) {
      if (key !== "stack" && key !== "cause") Object.defineProperty(error, key, { ...descriptor, configurable: true });
    }
    for (const [key, value] of Object.entries(facts)) hidden(error, key, value);
    if (!("code" in error)) hidden(error, "code", "TASK_FAILED");
    hidden(error, "stack", `${cause.stack ?? cause}\n    in ${facts.functionName}.remote()`);
    return error;
  }
}

/** The name of an error's own class; for an error that came from a call, of the class it was thrown with. */
export function userClassName(error: Error): string {
  const base: object = userPrototype in error ? (error[userPrototype] as object) : Object.getPrototypeOf(error);
  return (base.constructor as { name?: string } | undefined)?.name ?? "Error";
}

function hidden(error: object, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, configurable: true, writable: true, enumerable: false });
}

const duals = new WeakMap<object, new () => Error>();

function dualClass(base: object): new () => Error {
  let Dual = duals.get(base);
  if (!Dual) {
    const name = `RayTaskError(${(base.constructor as { name?: string } | undefined)?.name ?? "Error"})`;
    function Thrown() {}
    Dual = Thrown as unknown as new () => Error;
    Object.defineProperty(Dual, "name", { value: name });
    Dual.prototype = Object.create(base, {
      constructor: { value: Dual },
      [taskError]: { value: true },
      [userPrototype]: { value: base },
    });
    duals.set(base, Dual);
  }
  return Dual;
}
