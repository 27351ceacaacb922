// A handle to an actor: one property for each of its methods, and a share in keeping it alive.

import type { ActorId } from "./ids.ts";
import type { MethodInfo, MethodTable } from "./method-table.ts";
import type { MethodOptions } from "./options.ts";

/** What a handle needs from where its actor lives. */
export interface ActorTarget {
  readonly actorId: ActorId;
  readonly table: MethodTable;
  /** `options`: undefined for a call without options of its own. */
  submit(method: MethodInfo, options: MethodOptions | undefined, args: readonly unknown[]): unknown;
  /** One more handle of this actor exists. */
  retain(): void;
  /** One handle less; the promise is done when the actor has ended, or at once if other handles remain. */
  release(): Promise<void>;
}

/** One handle's share in its actor; given back once, by disposing of the handle or by its being collected. */
class HandleScope {
  readonly target: ActorTarget;
  #open = true;

  constructor(target: ActorTarget) {
    this.target = target;
    target.retain();
    const share = { release: () => target.release() };
    collected.register(this, share, this);
  }

  async release(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    collected.unregister(this);
    await this.target.release();
  }
}

const collected = new FinalizationRegistry((share: { release(): Promise<void> }) => void share.release());

/** One method of a handle. */
class BoundMethod {
  readonly #scope: HandleScope;
  readonly #method: MethodInfo;
  readonly #options: MethodOptions | undefined;

  constructor(scope: HandleScope, method: MethodInfo, options?: MethodOptions) {
    this.#scope = scope;
    this.#method = method;
    this.#options = options;
  }

  remote(...args: unknown[]): unknown {
    return this.#scope.target.submit(this.#method, this.#options, args);
  }

  options(options: MethodOptions): BoundMethod {
    return new BoundMethod(this.#scope, this.#method, { ...this.#options, ...options });
  }
}

const scopes = new WeakMap<object, HandleScope>();
const prototypes = new WeakMap<MethodTable, object>();

/** Makes a new handle. Its type is given by whoever knows the class. */
export function makeHandle(target: ActorTarget): object {
  const handle = Object.create(prototypeOf(target.table)) as object;
  scopes.set(handle, new HandleScope(target));
  return handle;
}

/** What the handle points to; undefined for anything that is not a handle. */
export function targetOf(value: unknown): ActorTarget | undefined {
  return typeof value === "object" && value !== null ? scopes.get(value)?.target : undefined;
}

function scopeOf(handle: object): HandleScope {
  const scope = scopes.get(handle);
  if (!scope) throw new TypeError("not an actor handle of this process");
  return scope;
}

function prototypeOf(table: MethodTable): object {
  const known = prototypes.get(table);
  if (known) return known;
  const prototype: object = Object.create(Object.prototype, {
    [Symbol.toStringTag]: { value: `ActorHandle(${table.className})` },
    [Symbol.dispose]: {
      value(this: object) {
        void scopeOf(this).release();
      },
    },
    [Symbol.asyncDispose]: {
      value(this: object) {
        return scopeOf(this).release();
      },
    },
  });
  for (const method of table.methods.values()) {
    Object.defineProperty(prototype, method.name, {
      enumerable: true,
      get(this: object) {
        return new BoundMethod(scopeOf(this), method);
      },
    });
  }
  prototypes.set(table, prototype);
  return prototype;
}
