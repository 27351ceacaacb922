// An error as data and back. It arrives as an instance of its class where the arriving side knows the class: the language's
// own, the runtime's, or one given to registerErrorClass(). No constructor of a user's is run for it.
import { errorClass, userClassName } from "../errors/index.ts";
import { decodeValue, encodeValue } from "./value-codec.ts";

/** An error as data: nothing of it is executed where it arrives. */
export interface FailureData {
  /** The name of the error's class, for the arriving side to find its own. */
  readonly className?: string;
  /** The error's own `name`. */
  readonly name?: string;
  readonly message?: string;
  readonly stack?: string;
  /** The error's other fields, those that can travel, as a value's bytes. */
  readonly fields?: Uint8Array;
  readonly cause?: FailureData;
  /** What was thrown, as a value's bytes, if it was not an error at all. */
  readonly thrown?: Uint8Array;
}

/** Causes of causes are followed so far. */
const deepest = 8;
const ownFields = new Set(["name", "message", "stack", "cause"]);

export function encodeFailure(thrown: unknown, depth = 0): FailureData {
  if (!(thrown instanceof Error)) return { thrown: encodeOrText(thrown) };
  const fields: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(thrown)) if (!ownFields.has(key)) fields[key] = portableOrText(value);
  const { cause } = thrown;
  return {
    className: userClassName(thrown),
    name: thrown.name,
    message: thrown.message,
    stack: thrown.stack ?? "",
    fields: encodeValue(fields, "an error's fields").data,
    ...(cause !== undefined && depth < deepest ? { cause: encodeFailure(cause, depth + 1) } : {}),
  };
}

export function decodeFailure(failure: FailureData): unknown {
  if (failure.thrown) return decodeData(failure.thrown);
  const { message, fields, cause } = failure;
  const Class = errorClass(failure.className ?? "") ?? Error;
  const name = failure.name ?? "Error";
  const options = cause ? { cause: decodeFailure(cause) } : {};
  const error = Reflect.construct(Error, [message ?? "", options], Class) as Error;
  for (const [key, value] of Object.entries((decodeData(fields) as object | undefined) ?? {})) {
    Object.defineProperty(error, key, { value, enumerable: true, configurable: true, writable: true });
  }
  if (error.name !== name) hidden(error, "name", name);
  if (failure.stack) hidden(error, "stack", failure.stack);
  return error;
}

function hidden(error: Error, key: string, value: string): void {
  Object.defineProperty(error, key, { value, configurable: true, writable: true });
}

function decodeData(data: Uint8Array | undefined): unknown {
  return data ? decodeValue({ data, objects: [], actors: [] }) : undefined;
}

function encodeOrText(value: unknown): Uint8Array {
  return encodeValue(portableOrText(value), "what was thrown").data;
}

function portableOrText(value: unknown): unknown {
  try {
    const { objects, actors } = encodeValue(value, "");
    return objects.length + actors.length === 0 ? value : String(value);
  } catch {
    return String(value);
  }
}
