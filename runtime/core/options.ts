// The options a user gives, as the API accepts them: optional and loose. compile-options.ts makes them complete.
import type { PlacementGroup } from "./placement-group.ts";
import type { RuntimeEnv } from "./runtime-env.ts";

/** Which errors thrown by the called code make it run again. */
export type RetryExceptions = boolean | readonly (abstract new (...args: never[]) => Error)[];

/** `"v"`, `"!v"`, `"in(a,b)"` or `"!in(a,b)"` for each label's name. */
export type LabelSelector = Readonly<Record<string, string>>;

/** Where a task or an actor may run. */
export type SchedulingStrategy =
  | "DEFAULT"
  | "SPREAD"
  | { readonly nodeId: string /** May run elsewhere if that node cannot take it. */; readonly soft?: boolean }
  | {
      readonly placementGroup: PlacementGroup;
      /** Which bundle; -1, the default, is any. */
      readonly bundleIndex?: number;
      /** Sees all GPU ids of its bundle beside those who lease them, and holds none itself. Default false. */
      readonly shareGpus?: boolean;
    }
  | { readonly labels: { readonly hard?: LabelSelector; readonly soft?: LabelSelector } };

/** What a task or an actor asks its node for. Quantities are granular to 0.0001. */
export interface ResourceOptions {
  readonly numCpus?: number;
  /** Below 1 shares one device; above 1 must be whole. */
  readonly numGpus?: number;
  /** Bytes. */
  readonly memory?: number;
  /** Custom resources; `CPU`, `GPU` and `memory` have their own options. */
  readonly resources?: Readonly<Record<string, number>>;
  /** For example `"H100"`. */
  readonly acceleratorType?: string;
  readonly labelSelector?: LabelSelector;
  readonly schedulingStrategy?: SchedulingStrategy;
  readonly runtimeEnv?: RuntimeEnv;
}

/** Options of `remote(Class).options(…)`. */
export interface ActorOptions extends ResourceOptions {
  readonly name?: string;
  /** Of the name; the default is the job's. */
  readonly namespace?: string;
  /** `"detached"` outlives its handles and its creator. */
  readonly lifetime?: "detached" | "non_detached";
  /** With `name`: the actor of that name if there is one. Default false. */
  readonly getIfExists?: boolean;
  /** How often a killed or crashed actor is made again; -1 is without limit. Default 0. */
  readonly maxRestarts?: number;
  /** How often a call is made again because its actor died under it; -1 is without limit. Default 0. */
  readonly maxTaskRetries?: number;
  /** Retries also when the method throws, as long as `maxTaskRetries` allows. Default false. */
  readonly retryExceptions?: RetryExceptions;
  /** Calls not yet answered; -1, the default, is without limit. */
  readonly maxPendingCalls?: number;
  /** Calls running at once. Default 1, or 1000 if the class has an async method. */
  readonly maxConcurrency?: number;
  /** Named limits beside `maxConcurrency`. */
  readonly concurrencyGroups?: Readonly<Record<string, number>>;
  /** Lets a call whose arguments are ready overtake one whose are not. Default false. */
  readonly allowOutOfOrderExecution?: boolean;
}

/** Options of a method: given for all calls with `method()`, for one with `handle.method.options(…)`. */
export interface MethodOptions {
  readonly name?: string;
  /** How many references a call gives, its result being an array of that length; or `"streaming"`. Default 1. */
  readonly numReturns?: number | "streaming";
  readonly concurrencyGroup?: string;
  readonly maxTaskRetries?: number;
  readonly retryExceptions?: RetryExceptions;
  /** A generator pauses while this many of its values have not been taken; -1, the default, is never. */
  readonly generatorBackpressureNumObjects?: number;
}

/** Options of `remote(fn).options(…)`. */
export interface TaskOptions extends ResourceOptions {
  readonly name?: string;
  readonly numReturns?: number | "streaming";
  /** How often a task is run again because its process died; -1 is without limit. Default 3. */
  readonly maxRetries?: number;
  readonly retryExceptions?: RetryExceptions;
  readonly generatorBackpressureNumObjects?: number;
}
