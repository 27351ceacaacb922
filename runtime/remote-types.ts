// The types that make a user's class or function remote: arguments may be references, results are references.
import type { ActorOptions, MethodOptions, ObjectRef, ObjectRefGenerator, TaskOptions } from "./core/index.ts";

// biome-ignore lint/suspicious/noExplicitAny: any function or class at all; their parameters are read off, never guessed
type AnyFunction = (...args: any[]) => unknown;
// biome-ignore lint/suspicious/noExplicitAny: as above
export type AnyClass = new (...args: any[]) => object;

/** Each argument may be given as a value or as a reference to one. */
export type RemoteArguments<Args extends readonly unknown[]> = {
  [Index in keyof Args]: Args[Index] | ObjectRef<Args[Index]>;
};

type Streamed<Result> = Result extends AsyncIterator<infer Item> | Iterator<infer Item> ? Item : never;

/** What a remote call gives for what the local one would. */
export type RemoteResult<Result> = Result extends AsyncGenerator<infer Item> | Generator<infer Item>
  ? ObjectRefGenerator<Item>
  : ObjectRef<Awaited<Result>>;

type ReferencesTo<Values extends readonly unknown[]> = { -readonly [Index in keyof Values]: ObjectRef<Values[Index]> };

/** What a call with these options gives. */
export type RemoteResultWith<Result, Options> = Options extends { readonly numReturns: "streaming" }
  ? ObjectRefGenerator<Streamed<Awaited<Result>>>
  : Options extends { readonly numReturns: number }
    ? Options extends { readonly numReturns: 1 }
      ? ObjectRef<Awaited<Result>>
      : Awaited<Result> extends readonly unknown[]
        ? ReferencesTo<Awaited<Result>>
        : never
    : RemoteResult<Result>;

/** A function made remote. */
export interface RemoteFunction<Fn extends AnyFunction, Options = unknown> {
  /** Runs the function somewhere and gives references to its results at once. */
  remote(...args: RemoteArguments<Parameters<Fn>>): RemoteResultWith<ReturnType<Fn>, Options>;
  /** The same function with other options; those not given stay. */
  options<const More extends TaskOptions>(options: More): RemoteFunction<Fn, More & Omit<Options, keyof More>>;
}

/** A method of an actor, seen from outside. */
export interface RemoteMethod<Fn extends AnyFunction, Options = unknown> {
  /** Calls the method and gives references to its results at once. */
  remote(...args: RemoteArguments<Parameters<Fn>>): RemoteResultWith<ReturnType<Fn>, Options>;
  /** The same method with other options, for this call. */
  options<const More extends MethodOptions>(options: More): RemoteMethod<Fn, More & Omit<Options, keyof More>>;
}

type MethodsOf<Instance> = {
  readonly [Key in keyof Instance as Key extends string
    ? Instance[Key] extends AnyFunction
      ? Key
      : never
    : never]: Instance[Key] extends AnyFunction ? RemoteMethod<Instance[Key]> : never;
};

/**
 * A handle to an actor of the class `Instance`. An actor that is not detached ends when its last handle is disposed of or
 * collected, and every call made on it is answered.
 */
export type ActorHandle<Instance> = MethodsOf<Instance> & {
  /** True once the actor's constructor is done; fails with what kept it from being so. */
  readonly __ray_ready__: RemoteMethod<() => true>;
  /** Ends the actor after the calls that were made before, and lets it dispose of itself. */
  readonly __ray_terminate__: RemoteMethod<() => void>;
  /** Gives this handle up. */
  [Symbol.dispose](): void;
  /** Gives this handle up; done when the actor has ended, if this was its last handle. */
  [Symbol.asyncDispose](): Promise<void>;
};

/** A class made remote. */
export interface RemoteClass<Class extends AnyClass> {
  /** Makes an actor of the class; its handle is there at once, the actor later. */
  remote(...args: RemoteArguments<ConstructorParameters<Class>>): ActorHandle<InstanceType<Class>>;
  /** The same class with other options; those not given stay. */
  options(options: ActorOptions): RemoteClass<Class>;
}
