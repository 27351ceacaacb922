// What the running code can ask about itself and its place.
import {
  type ActorId,
  currentContext,
  type JobId,
  type NodeId,
  type PlacementGroupId,
  type TaskId,
} from "./core/index.ts";
import { runtime } from "./current.ts";

/** Facts about the running call; in the driver there is no actor and no task. */
export interface RuntimeContext {
  readonly namespace: string;
  /** Aborted when this call is cancelled or its actor ends. Never in the driver. */
  readonly signal: AbortSignal;
  /**
   * Aborted when the actor (or task) ends, however it does. What the end of a process would end, such as a child process,
   * is ended here where actors share a process.
   */
  readonly actorSignal: AbortSignal;
  getJobId(): JobId;
  getNodeId(): Promise<NodeId>;
  getTaskId(): TaskId | undefined;
  getActorId(): ActorId | undefined;
  getActorName(): string | undefined;
  getPlacementGroupId(): PlacementGroupId | undefined;
  /** Whether the actor has been made again after it died. */
  wasCurrentActorReconstructed(): boolean;
  getAcceleratorIds(): { readonly GPU: readonly string[] };
  /** What is held by the running task or actor. */
  getAssignedResources(): Readonly<Record<string, number>>;
}

const never = new AbortController().signal;

export function getRuntimeContext(): RuntimeContext {
  const context = currentContext();
  const backend = runtime();
  return {
    namespace: context?.namespace ?? backend.namespace,
    get signal() {
      return context?.signal ?? never;
    },
    get actorSignal() {
      return context?.actorSignal ?? never;
    },
    getJobId: () => backend.jobId,
    getNodeId: async () => context?.nodeId ?? ((await backend.nodes())[0]?.nodeId as NodeId),
    getTaskId: () => context?.taskId,
    getActorId: () => context?.actorId,
    getActorName: () => context?.actorName,
    getPlacementGroupId: () => context?.placementGroupId,
    wasCurrentActorReconstructed: () => (context?.restarts ?? 0) > 0,
    getAcceleratorIds: () => ({ GPU: context?.gpuIds ?? [] }),
    getAssignedResources: () => context?.resources ?? {},
  };
}

/** The GPU ids leased to the running task or actor, as CUDA_VISIBLE_DEVICES would name them. */
export function getGpuIds(): readonly string[] {
  return currentContext()?.gpuIds ?? [];
}
