// The narrow door between the public API and a place where actors run. The local runtime implements it in this process;
// a cluster is a second implementation. Everything here is complete: defaults are filled in, options are checked.
import type { CompiledActorOptions, CompiledTaskOptions } from "./compiled-options.ts";
import type { JobId } from "./ids.ts";
import type { MethodKind, MethodTable, UserClass } from "./method-table.ts";
import type { ObjectRef } from "./object-ref.ts";
import type { PlacementGroup, PlacementGroupOptions } from "./placement-group.ts";
import type { NodeInfo, PlacementGroupState, RuntimeStatus } from "./status.ts";

export interface ActorSpec {
  readonly Class: UserClass;
  readonly table: MethodTable;
  readonly options: CompiledActorOptions;
}

export interface TaskSpec {
  readonly fn: (...args: never[]) => unknown;
  readonly kind: MethodKind;
  readonly options: CompiledTaskOptions;
}

export interface KillOptions {
  /** The actor stays dead, whatever `maxRestarts` says. Default true. */
  readonly noRestart?: boolean;
}

/** A place where tasks and actors run. */
export interface RuntimeBackend {
  readonly jobId: JobId;
  readonly namespace: string;
  /** Gives an ObjectRef, several, or an ObjectRefGenerator, by the options' numReturns and the function's kind. */
  submitTask(spec: TaskSpec, args: readonly unknown[]): unknown;
  /** Gives a handle at once; what goes wrong later shows in the calls made on it. */
  createActor(spec: ActorSpec, args: readonly unknown[]): object;
  getActor(name: string, namespace: string): Promise<object>;
  kill(handle: object, options: KillOptions): Promise<void>;
  put(value: unknown): ObjectRef;
  nodes(): Promise<NodeInfo[]>;
  createPlacementGroup(
    bundles: readonly Readonly<Record<string, number>>[],
    options: PlacementGroupOptions,
  ): PlacementGroup;
  removePlacementGroup(group: Pick<PlacementGroup, "id">): Promise<void>;
  placementGroupTable(): Promise<PlacementGroupState[]>;
  status(): Promise<RuntimeStatus>;
  /** Asks the head; absent where there is none. */
  askHead?(method: string, payload: unknown): Promise<unknown>;
  /** Ends everything that runs here. May be called twice. */
  shutdown(): Promise<void>;
}
