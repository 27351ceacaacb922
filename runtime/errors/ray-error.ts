// The root of every error the runtime raises. A runtime error has Ray's name, a stable code, and what is known about
// the failure as fields. All subclasses share one constructor shape, so that an error can be rebuilt on the other side
// of a wire from its class name, message and fields.

/** The root of the runtime's errors. `code` is stable; the message is not. */
export class RayError extends Error {
  readonly code: string = "RAY_ERROR";

  constructor(message: string, facts: object = {}, options?: ErrorOptions) {
    super(message, options);
    Object.defineProperty(this, "name", { value: new.target.name, configurable: true, writable: true });
    Object.assign(this, facts);
  }
}

/** An option, quantity or argument that the runtime's API does not accept. */
export class InvalidOptionError extends RayError {
  override readonly code = "INVALID_OPTION";
  declare readonly option: string;
  declare readonly expected: string;
  declare readonly got: unknown;

  constructor(message: string, facts: { option: string; expected: string; got: unknown }, options?: ErrorOptions) {
    super(message, facts, options);
  }

  /** The one sentence all such errors have. */
  static of(option: string, expected: string, got: unknown): InvalidOptionError {
    return new InvalidOptionError(`${option}: expected ${expected}, got ${show(got)}`, { option, expected, got });
  }
}

function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function") return `the function ${value.name || "(anonymous)"}`;
  if (typeof value === "object" && value !== null) {
    try {
      return JSON.stringify(value) ?? String(value);
    } catch {
      return Object.prototype.toString.call(value);
    }
  }
  return String(value);
}
