// One actor as `status()` shows it.
import type { ActorId, ActorSpec, ActorState, ActorStateName, DeathCause, JobId, NodeId } from "../core/index.ts";
import { fromUnits } from "../scheduling/index.ts";

/** What changes in an actor's life. */
export interface LivingFacts {
  readonly actorId: ActorId;
  readonly namespace: string;
  readonly state: ActorStateName;
  readonly jobId: JobId;
  readonly nodeId: NodeId | null;
  readonly death: DeathCause | undefined;
  readonly restarts: number;
  readonly callSite: string;
  readonly gpuIds: readonly string[];
  readonly pendingCalls: number;
  readonly pendingReason: string | null;
}

export function describeActor(spec: ActorSpec, facts: LivingFacts): ActorState {
  const { options, table } = spec;
  const { state, death, actorId } = facts;
  return {
    actorId,
    className: table.className,
    state,
    jobId: facts.jobId,
    name: options.name ?? "",
    nodeId: facts.nodeId,
    pid: state === "ALIVE" ? process.pid : null,
    rayNamespace: facts.namespace,
    serializedRuntimeEnv: JSON.stringify(options.runtimeEnv),
    requiredResources: fromUnits(options.request.held),
    deathCause: death ? { reason: death.reason, message: death.message } : null,
    isDetached: options.detached,
    placementGroupId: groupIdOf(spec),
    reprName: `${table.className}(${options.name ?? actorId})`,
    numRestarts: facts.restarts,
    callSite: facts.callSite,
    labelSelector: options.request.labelSelector,
    fallbackStrategy: null,
    gpuIds: facts.gpuIds,
    pendingCalls: facts.pendingCalls,
    pendingReason: facts.pendingReason,
  };
}

/** The placement group that the actor is to be in. */
export function groupIdOf({ options }: ActorSpec): ActorState["placementGroupId"] {
  const { strategy } = options.request;
  return strategy.kind === "placementGroup" ? (strategy.groupId as ActorState["placementGroupId"]) : null;
}
