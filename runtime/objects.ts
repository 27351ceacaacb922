// `get`, `put`, `wait`, `cancel`: what is done with references.
import { type CancelOptions, ObjectRef, readWhenSettled, slotOf } from "./core/index.ts";
import { runtime } from "./current.ts";
import { GetTimeoutError, InvalidOptionError } from "./errors/index.ts";

export interface GetOptions {
  /** Gives up with GetTimeoutError. Default: waits for ever. 0 only looks. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

type Values<Refs extends readonly ObjectRef[]> = {
  -readonly [Index in keyof Refs]: Refs[Index] extends ObjectRef<infer Value> ? Value : never;
};

/** The value of a reference, or of several in their order. Throws the call's error, the first of them in that order. */
export function get<T>(ref: ObjectRef<T>, options?: GetOptions): Promise<T>;
export function get<const Refs extends readonly ObjectRef[]>(refs: Refs, options?: GetOptions): Promise<Values<Refs>>;
export async function get(refs: ObjectRef | readonly ObjectRef[], options: GetOptions = {}): Promise<unknown> {
  const list = Array.isArray(refs) ? (refs as readonly ObjectRef[]) : [refs as ObjectRef];
  for (const ref of list) if (!(ref instanceof ObjectRef)) throw InvalidOptionError.of("get", "ObjectRefs", ref);
  options.signal?.throwIfAborted();
  const values = await withDeadline(inOrder(list), list, options);
  return Array.isArray(refs) ? values : values[0];
}

async function inOrder(refs: readonly ObjectRef[]): Promise<unknown[]> {
  const values: unknown[] = [];
  for (const ref of refs) {
    const slot = slotOf(ref);
    // What came together is read together.
    values.push(slot.settled && slot.prepare() === undefined ? slot.read() : await readWhenSettled(slot));
  }
  return values;
}

function withDeadline(values: Promise<unknown[]>, refs: readonly ObjectRef[], { timeoutMs, signal }: GetOptions) {
  if (timeoutMs === undefined && !signal) return values;
  return new Promise<unknown[]>((resolve, reject) => {
    const late = () => {
      const open = refs.filter((ref) => !slotOf(ref).settled).length;
      reject(
        new GetTimeoutError(`${open} of ${refs.length} values were not ready after ${timeoutMs} ms`, { timeoutMs }),
      );
    };
    const timer = timeoutMs === undefined ? undefined : setTimeout(late, timeoutMs);
    const stop = () => reject(signal?.reason);
    signal?.addEventListener("abort", stop, { once: true });
    const settled = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
    };
    values.finally(settled).then(resolve, reject);
  });
}

/** Stores a value and gives a reference to it. A reference itself cannot be stored. */
export function put<T>(value: T extends ObjectRef ? never : T): ObjectRef<T> {
  if ((value as unknown) instanceof ObjectRef) {
    throw InvalidOptionError.of("put", "a value; a reference is one already, put it in an array to store it", value);
  }
  return runtime().put(value) as ObjectRef<T>;
}

export interface WaitOptions {
  /** How many to wait for. Default 1. */
  readonly numReturns?: number;
  /** Gives back what is ready by then. Default: waits for ever. */
  readonly timeoutMs?: number;
  /** Accepted for likeness; here a value that is ready is here. */
  readonly fetchLocal?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Waits until `numReturns` of the references are ready, or `timeoutMs` has passed. Gives the ready ones, at most
 * `numReturns`, and the others, both in the order given. A failed call counts as ready; nothing is thrown for it.
 */
export async function wait<T>(
  refs: readonly ObjectRef<T>[],
  options: WaitOptions = {},
): Promise<[ready: ObjectRef<T>[], notReady: ObjectRef<T>[]]> {
  const { numReturns = 1, timeoutMs, signal } = options;
  if (refs.length === 0) return [[], []];
  checkDifferent(refs);
  if (!Number.isInteger(numReturns) || numReturns < 1 || numReturns > refs.length) {
    throw InvalidOptionError.of("numReturns", `a whole number from 1 to the ${refs.length} references`, numReturns);
  }
  signal?.throwIfAborted();
  let ready = settledOf(refs, numReturns);
  if (ready.length < numReturns) {
    await enough(refs, numReturns, timeoutMs, signal);
    ready = settledOf(refs, numReturns);
  }
  return [ready.map((index) => refs[index] as ObjectRef<T>), without(refs, ready)];
}

// A program that waits for a thousand references one by one comes through here with each that is left: no object is made
// for any of them.
let lookedThrough = 0;

function checkDifferent(refs: readonly ObjectRef[]): void {
  lookedThrough += 1;
  for (const ref of refs) {
    const slot = slotOf(ref);
    if (slot.seen === lookedThrough) {
      throw InvalidOptionError.of("wait", "references that are all different", "the same one twice");
    }
    slot.seen = lookedThrough;
  }
}

/** Where the first `count` settled references are. */
function settledOf(refs: readonly ObjectRef[], count: number): number[] {
  const found: number[] = [];
  for (let index = 0; index < refs.length && found.length < count; index += 1) {
    if (slotOf(refs[index] as ObjectRef).settled) found.push(index);
  }
  return found;
}

/** The references but for those at `taken`, which ascends. */
function without<T>(refs: readonly ObjectRef<T>[], taken: readonly number[]): ObjectRef<T>[] {
  const rest: ObjectRef<T>[] = [];
  let from = 0;
  for (const index of taken) {
    for (; from < index; from += 1) rest.push(refs[from] as ObjectRef<T>);
    from += 1;
  }
  return rest.length === 0 ? refs.slice(from) : rest.concat(refs.slice(from));
}

function enough(
  refs: readonly ObjectRef[],
  count: number,
  timeoutMs: number | undefined,
  signal: AbortSignal | undefined,
) {
  return new Promise<void>((resolve, reject) => {
    let left = count;
    const stops: (() => void)[] = [];
    const end = (settle: () => void) => {
      clearTimeout(timer);
      for (const stop of stops) stop();
      signal?.removeEventListener("abort", abort);
      settle();
    };
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => end(resolve), timeoutMs);
    const abort = () => end(() => reject(signal?.reason));
    signal?.addEventListener("abort", abort, { once: true });
    for (const ref of refs) {
      const stop = slotOf(ref).onSettled(() => {
        left -= 1;
        if (left === 0) queueMicrotask(() => end(resolve));
      });
      stops.push(stop);
    }
  });
}

/**
 * Cancels a call. If it is queued it never runs; if it runs, its `getRuntimeContext().signal` is aborted. Its references
 * fail with TaskCancelledError at once. A call that is done, or a value that was put, stays as it is. `force` ends the
 * process that runs a task; rejects with InvalidOptionError for an actor's method.
 */
export async function cancel(ref: ObjectRef, options: CancelOptions = {}): Promise<void> {
  if (!(ref instanceof ObjectRef)) throw InvalidOptionError.of("cancel", "an ObjectRef", ref);
  await slotOf(ref).cancel(options);
}
