// A user's value as bytes and back: plain msgpack and the one extension of extension.ts. What could not be read on the
// other side as what it was is refused, with the path to it.
import { Packr } from "msgpackr";
import { ObjectRef, targetOf } from "../core/index.ts";
import { SerializationError } from "../errors/index.ts";
import { Extension, kinds, numbered, withCompanions } from "./extension.ts";
import { dtypeOf, encodeTensor, Tensor, type TypedArray } from "./tensor.ts";

/** A value as it travels, with the references and handles found in it. */
export interface EncodedValue {
  /** Empty for `undefined`. */
  readonly data: Uint8Array;
  readonly objects: readonly ObjectRef[];
  readonly actors: readonly object[];
}

// "auto": a 64-bit integer that another language sent is a number where that is exact. msgpackr has it, its types do not.
const options = { useRecords: false, variableMapSize: true, int64AsType: "auto", copyBuffers: true };
const packr = new Packr(options as unknown as ConstructorParameters<typeof Packr>[0]);
const nothing = new Uint8Array(0);

/** Throws SerializationError with `path` and the way to the part that cannot travel. */
export function encodeValue(value: unknown, path: string): EncodedValue {
  if (value === undefined) return { data: nothing, objects: [], actors: [] };
  const walk = new Walk(path);
  const portable = walk.portable(value);
  return { data: new Uint8Array(packr.pack(portable)), objects: walk.objects, actors: walk.actors };
}

/** A fresh copy at each call. `objects` and `actors` are what the references and handles become. */
export function decodeValue(encoded: EncodedValue): unknown {
  const { data } = encoded;
  if (data.byteLength === 0) return undefined;
  return withCompanions(encoded, () => packr.unpack(Buffer.from(data.buffer, data.byteOffset, data.byteLength)));
}

class Walk {
  readonly objects: ObjectRef[] = [];
  readonly actors: object[] = [];
  readonly #path: string;
  readonly #keys: (string | number)[] = [];
  readonly #above = new Set<object>();

  constructor(path: string) {
    this.#path = path;
  }

  /** The value itself, or a copy in which what msgpack cannot say is replaced by extensions. */
  portable(value: unknown): unknown {
    switch (typeof value) {
      case "string":
      case "number":
      case "boolean":
        return value;
      case "undefined":
        return new Extension(kinds.undefined, nothing);
      case "bigint":
        return new Extension(kinds.bigint, Buffer.from(String(value), "latin1"));
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
    if (Buffer.isBuffer(value) || value instanceof Date) return value;
    if (value instanceof Tensor) return tensor(value.dtype, value.shape, value.data);
    if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
      const array = value as TypedArray;
      return tensor(dtypeOf(array), [array.length], array);
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

function tensor(dtype: string, shape: readonly number[], data: TypedArray): Extension {
  return new Extension(kinds.array, encodeTensor(dtype, shape, data));
}

function advice(value: object): string {
  if (value instanceof Map) return "send Object.fromEntries(map) or its entries";
  if (value instanceof Set) return "send [...set]";
  if (value instanceof Error) return "throw it, or send its message";
  if (value instanceof Promise) return "await it first";
  if (value instanceof ArrayBuffer || value instanceof DataView) return "send a typed array over it";
  return "send a plain object of its data";
}
