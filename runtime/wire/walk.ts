// One walk over a user's value, which gives the value as msgpack can pack it. What could not be read on the other side as
// what it was is refused, with the path to it.
import { ObjectRef, targetOf } from "../core/index.ts";
import { SerializationError } from "../errors/index.ts";
import { extension, kinds, numbered } from "./extension.ts";
import { dtypeOf, encodeTensor, Tensor, type TypedArray } from "./tensor.ts";

/** Where the walk leaves arrays of numbers and bytes: what it gives is packed in their place. */
export interface Placement {
  array(dtype: string, shape: readonly number[], data: TypedArray): unknown;
  buffer(data: Buffer): unknown;
}

/** Everything inside the msgpack. */
export const inside: Placement = {
  array: (dtype, shape, data) => extension(kinds.array, encodeTensor(dtype, shape, data)),
  buffer: (data) => data,
};

const nothing = new Uint8Array(0);

/** References and handles are collected in the order of their numbers. */
export class Walk {
  readonly objects: ObjectRef[] = [];
  readonly actors: object[] = [];
  readonly #path: string;
  readonly #placement: Placement;
  readonly #keys: (string | number)[] = [];
  readonly #above = new Set<object>();

  constructor(path: string, placement: Placement = inside) {
    this.#path = path;
    this.#placement = placement;
  }

  /** The value itself, or a copy in which what msgpack cannot say is replaced by extensions. */
  portable(value: unknown): unknown {
    switch (typeof value) {
      case "string":
      case "number":
      case "boolean":
        return value;
      case "undefined":
        return extension(kinds.undefined, nothing);
      case "bigint":
        return extension(kinds.bigint, Buffer.from(String(value), "latin1"));
      case "function":
        throw this.#refuse(`the function ${value.name || "(anonymous)"}`, "call it where it is, or send data");
      case "symbol":
        throw this.#refuse(String(value), "send a text");
      case "object":
        return value === null ? null : this.#object(value);
    }
  }

  #object(value: object): unknown {
    if (Array.isArray(value)) return this.#within(value, () => this.#array(value));
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) return this.#within(value, () => this.#plain(value));
    if (value instanceof ObjectRef) return numbered(kinds.objectRef, this.objects.push(value) - 1);
    if (targetOf(value)) return numbered(kinds.actor, this.actors.push(value) - 1);
    if (value instanceof Date) return value;
    if (Buffer.isBuffer(value)) return this.#placement.buffer(value);
    if (value instanceof Tensor) return this.#placement.array(value.dtype, value.shape, value.data);
    if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
      const array = value as TypedArray;
      return this.#placement.array(dtypeOf(array), [array.length], array);
    }
    throw this.#refuse(`a ${value.constructor?.name ?? "value without a class"}`, advice(value));
  }

  #array(value: readonly unknown[]): readonly unknown[] {
    let copy: unknown[] | undefined;
    for (let index = 0; index < value.length; index += 1) {
      const item = value[index];
      const portable = this.#at(index, item);
      if (portable !== item) copy ??= value.slice();
      if (copy) copy[index] = portable;
    }
    return copy ?? value;
  }

  #plain(value: object): object {
    let copy: Record<string, unknown> | undefined;
    for (const [key, item] of Object.entries(value)) {
      if (key === "__proto__") throw this.#refuse('the key "__proto__"', "name it otherwise");
      const portable = this.#at(key, item);
      if (portable === item) continue;
      copy ??= { ...value };
      copy[key] = portable;
    }
    return copy ?? value;
  }

  #at(key: string | number, item: unknown): unknown {
    this.#keys.push(key);
    const portable = this.portable(item);
    this.#keys.pop();
    return portable;
  }

  #within<T>(value: object, body: () => T): T {
    if (this.#above.has(value)) throw this.#refuse("a reference back to what it is in", "break the circle");
    this.#above.add(value);
    const result = body();
    this.#above.delete(value);
    return result;
  }

  #refuse(what: string, fix: string): SerializationError {
    const steps = this.#keys.map((key) => {
      if (typeof key === "number") return `[${key}]`;
      return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
    });
    const path = `${this.#path}${steps.join("")}`;
    return new SerializationError(`${path}: ${what} cannot leave its process: ${fix}`, { path });
  }
}

function advice(value: object): string {
  if (value instanceof Map) return "send Object.fromEntries(map) or its entries";
  if (value instanceof Set) return "send [...set]";
  if (value instanceof Error) return "throw it, or send its message";
  if (value instanceof Promise) return "await it first";
  if (value instanceof ArrayBuffer || value instanceof DataView) return "send a typed array over it";
  return "send a plain object of its data";
}
