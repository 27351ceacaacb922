// The arguments of one call on the caller's side: values are packed when the call is made, references at the top level
// are waited for and replaced by what they refer to. References inside a value stay references.
import { ObjectRef, slotOf } from "../core/index.ts";
import { RaySystemError } from "../errors/index.ts";
import { byReference, type Carrier, type Packed } from "./carrier.ts";
import { ObjectEntry } from "./object-entry.ts";

export class CallArguments {
  readonly #args: readonly (Packed | ObjectEntry)[];
  readonly #carrier: Carrier;

  constructor(args: readonly unknown[], carrier: Carrier, functionName: string) {
    this.#carrier = carrier;
    this.#args = args.map((arg, index) => {
      if (arg instanceof ObjectRef) return entryOf(arg);
      const packed = carrier.pack(arg, `argument ${index} of ${functionName}`);
      if (!packed.saved) return packed;
      // A large argument is stored first, as if it had been put, and travels as a reference.
      const entry = new ObjectEntry(carrier);
      entry.keep(packed);
      return entry;
    });
  }

  /** Throws SerializationError for an argument that cannot travel. */
  static of(args: readonly unknown[], carrier: Carrier, functionName: string): CallArguments {
    return args.length === 0 ? none : new CallArguments(args, carrier, functionName);
  }

  /** Whether there is nothing to wait for. */
  get ready(): boolean {
    return !this.#args.some((arg) => arg instanceof ObjectEntry);
  }

  /** Calls back once, when all references are settled (at once if they are), with the first error among them. */
  whenReady(callback: (failed?: { readonly error: unknown }) => void): void {
    const open = this.#args.filter((arg) => arg instanceof ObjectEntry && !arg.settled) as ObjectEntry[];
    let left = open.length;
    const done = () => {
      for (const arg of this.#args) {
        if (arg instanceof ObjectEntry && arg.outcome && "error" in arg.outcome) return callback(arg.outcome);
      }
      callback();
    };
    if (left === 0) done();
    for (const entry of open) {
      entry.onSettled(() => {
        left -= 1;
        if (left === 0) done();
      });
    }
  }

  /** The values. Only when ready. */
  values(): readonly Packed[] {
    return this.#args.map((arg) => {
      if (!(arg instanceof ObjectEntry)) return arg;
      if (!arg.outcome || "error" in arg.outcome) throw new Error("arguments are not ready");
      return this.#carrier.adopt(arg.outcome.value);
    });
  }
}

const none = new CallArguments([], byReference, "");

function entryOf(ref: ObjectRef): ObjectEntry {
  const slot = slotOf(ref);
  if (slot instanceof ObjectEntry) return slot;
  throw new RaySystemError(`${ref.id} is a reference of another runtime`);
}
