// What the runtime tells about itself. Column names are those of Ray's State API in camelCase.
import type { ActorId, JobId, NodeId, PlacementGroupId } from "./ids.ts";
import type { Bundle, PlacementStrategy } from "./placement-group.ts";

/** The states of an actor, and which may follow which. */
export const actorStates = {
  DEPENDENCIES_UNREADY: ["PENDING_CREATION", "DEAD"],
  PENDING_CREATION: ["ALIVE", "DEAD"],
  ALIVE: ["RESTARTING", "DEAD"],
  RESTARTING: ["ALIVE", "DEAD"],
  DEAD: [],
} as const satisfies Record<string, readonly string[]>;

export type ActorStateName = keyof typeof actorStates;

/** Why an actor is dead. */
export interface DeathCause {
  readonly reason:
    | "KILLED"
    | "CREATION_FAILED"
    | "UNSCHEDULABLE"
    | "EXITED"
    | "OUT_OF_SCOPE"
    | "OWNER_DIED"
    | "PLACEMENT_GROUP_REMOVED"
    | "NAME_TAKEN"
    | "RUNTIME_ENV"
    | "WORKER_DIED"
    | "NODE_DIED"
    | "SHUTDOWN";
  readonly message: string;
}

/** One actor, under Ray's column names. */
export interface ActorState {
  readonly actorId: ActorId;
  readonly className: string;
  readonly state: ActorStateName;
  readonly jobId: JobId;
  readonly name: string;
  readonly nodeId: NodeId | null;
  readonly pid: number | null;
  readonly rayNamespace: string;
  readonly serializedRuntimeEnv: string;
  readonly requiredResources: Readonly<Record<string, number>>;
  readonly deathCause: DeathCause | null;
  readonly isDetached: boolean;
  readonly placementGroupId: PlacementGroupId | null;
  readonly reprName: string;
  readonly numRestarts: number;
  readonly callSite: string;
  readonly labelSelector: Readonly<Record<string, string>>;
  /** Ray has it; this runtime has no such option, so it is always null. */
  readonly fallbackStrategy: null;
  /** Not in Ray: the leased GPU ids, the calls not yet answered, why it is not placed. */
  readonly gpuIds: readonly string[];
  readonly pendingCalls: number;
  readonly pendingReason: string | null;
}

/** One node, under the names of `ray.nodes()`. */
export interface NodeInfo {
  readonly nodeId: NodeId;
  readonly alive: boolean;
  readonly nodeManagerHostname: string;
  readonly nodeManagerAddress: string;
  readonly resources: Readonly<Record<string, number>>;
  /** What is not leased now. */
  readonly available: Readonly<Record<string, number>>;
  readonly gpuIds: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

/** What waits for a place, since when, and why. */
export interface PendingReason {
  readonly kind: "actor" | "task" | "placementGroup" | "job";
  readonly id: string;
  /** Class, function or group name. */
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly sinceMs: number;
  readonly required: Readonly<Record<string, number>>;
  /** One line for each node or bundle, and what it lacks. */
  readonly reasons: readonly string[];
}

export type PlacementGroupStateName = "PENDING" | "CREATED" | "RESCHEDULING" | "REMOVED" | "INFEASIBLE";

export interface PlacementGroupState {
  readonly placementGroupId: PlacementGroupId;
  readonly name: string;
  readonly strategy: PlacementStrategy;
  readonly state: PlacementGroupStateName;
  readonly bundles: readonly {
    readonly bundleIndex: number;
    readonly resources: Bundle;
    readonly nodeId: NodeId | null;
    readonly gpuIds: readonly string[];
    readonly available: Readonly<Record<string, number>>;
  }[];
  readonly pendingReasons: readonly string[];
  /** It waits, and these nodes could not hold it even if everything on them were free: one must join that can. */
  readonly infeasible: boolean;
}

export interface RuntimeStatus {
  readonly jobId: JobId;
  readonly namespace: string;
  readonly nodes: readonly NodeInfo[];
  readonly actors: readonly ActorState[];
  readonly placementGroups: readonly PlacementGroupState[];
  readonly pending: readonly PendingReason[];
}
