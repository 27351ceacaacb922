// Rows under the column names of Ray's State API and Jobs API. Columns that Ray has not come last.
import {
  type AgentRegistration,
  type ClientRegistration,
  type JobInfo,
  type NodeStats,
  type ObjectFacts,
  parseAddress,
  type Row,
  type TaskRecord,
} from "../control/index.ts";
import type { ActorState, NodeInfo, PendingReason, PlacementGroupState } from "../core/index.ts";

/** What the head knows of a node beside `nodes()`. */
export interface NodeExtras {
  readonly registration: AgentRegistration;
  readonly state: string;
  readonly reason: string;
  readonly joinedMs: number;
  readonly endedMs: number | null;
  readonly actors: number;
  readonly stats: NodeStats | undefined;
}

export function nodeRow(info: NodeInfo, extras: NodeExtras): Row {
  const { registration, state, reason, joinedMs, endedMs, actors, stats } = extras;
  return {
    node_id: info.nodeId,
    node_ip: info.nodeManagerAddress,
    is_head_node: Object.hasOwn(info.resources, "node:__internal_head__"),
    state,
    state_message: reason || null,
    node_name: info.nodeManagerHostname,
    resources_total: info.resources,
    labels: info.labels,
    start_time_ms: joinedMs,
    end_time_ms: endedMs,
    resources_available: info.available,
    gpu_ids: info.gpuIds,
    pretended_gpus: registration.pretendedGpus,
    pid: registration.pid,
    actors,
    memory_total_bytes: stats?.memoryTotalBytes ?? null,
    memory_available_bytes: stats?.memoryAvailableBytes ?? null,
    shared_memory_total_bytes: stats?.sharedMemory?.totalBytes ?? null,
    shared_memory_free_bytes: stats?.sharedMemory?.freeBytes ?? null,
    object_store_total_bytes: stats?.objectStore.capacityBytes ?? null,
    object_store_used_bytes: stats?.objectStore.usedBytes ?? null,
    object_store_spilled_bytes: stats?.objectStore.spilledBytes ?? null,
    object_store_objects: stats?.objectStore.objects ?? null,
    load_average: stats?.loadAverage ?? null,
    processes: (stats?.processes ?? []).map(({ pid, kind, actorId, rssBytes, cpuSeconds }) => {
      return { pid, kind, actor_id: actorId, rss_bytes: rssBytes, cpu_seconds: cpuSeconds };
    }),
  };
}

export function actorRow(actor: ActorState): Row {
  return {
    actor_id: actor.actorId,
    class_name: actor.className,
    state: actor.state,
    job_id: actor.jobId,
    name: actor.name,
    node_id: actor.nodeId,
    pid: actor.pid,
    ray_namespace: actor.rayNamespace,
    serialized_runtime_env: actor.serializedRuntimeEnv,
    required_resources: actor.requiredResources,
    death_cause: actor.deathCause,
    is_detached: actor.isDetached,
    placement_group_id: actor.placementGroupId,
    repr_name: actor.reprName,
    num_restarts: actor.numRestarts,
    call_site: actor.callSite,
    label_selector: actor.labelSelector,
    fallback_strategy: actor.fallbackStrategy,
    gpu_ids: actor.gpuIds,
    pending_reason: actor.pendingReason,
  };
}

export function groupRow(
  group: PlacementGroupState,
  creatorJobId: string | null,
  pending: PendingReason | undefined,
): Row {
  return {
    placement_group_id: group.placementGroupId,
    name: group.name,
    creator_job_id: creatorJobId,
    state: group.state,
    strategy: group.strategy,
    bundles: group.bundles.map(({ bundleIndex, resources, nodeId, gpuIds, available }) => {
      return { bundle_index: bundleIndex, resources, node_id: nodeId, gpu_ids: gpuIds, available };
    }),
    pending_since_ms: pending?.sinceMs ?? null,
    pending_reason: group.pendingReasons.join("; ") || null,
    infeasible: group.infeasible,
  };
}

export function taskRow(task: TaskRecord): Row {
  return {
    task_id: task.taskId,
    name: task.name,
    state: task.state,
    job_id: task.jobId,
    actor_id: task.actorId,
    type: task.type,
    func_or_class_name: task.name,
    node_id: task.nodeId,
    worker_id: task.workerId,
    worker_pid: task.pid,
    error_type: task.errorType,
    error_message: task.errorMessage,
    start_time_ms: task.startMs,
    end_time_ms: task.endMs,
    required_resources: null,
    pending_since_ms: null,
    pending_reason: null,
  };
}

/** A request for a host that is not granted yet; the tasks behind it wait with whoever submitted them. */
export function pendingTaskRow({ id, name, sinceMs, required, reasons }: PendingReason): Row {
  return {
    task_id: id,
    name,
    state: "PENDING_NODE_ASSIGNMENT",
    job_id: null,
    actor_id: null,
    type: "NORMAL_TASK",
    func_or_class_name: name,
    node_id: null,
    worker_id: null,
    worker_pid: null,
    error_type: null,
    error_message: null,
    start_time_ms: null,
    end_time_ms: null,
    required_resources: required,
    pending_since_ms: sinceMs,
    pending_reason: reasons.join("; "),
  };
}

export function objectRow(object: ObjectFacts, owner: ClientRegistration): Row {
  const { tcp, nodeId } = parseAddress(owner.address);
  const status = { PENDING: "PENDING", READY: "FINISHED", FAILED: "FAILED" } as const;
  return {
    object_id: object.objectId,
    object_size: object.sizeBytes,
    task_status: status[object.state],
    reference_type: object.borrowers > 0 ? "USED_BY_PENDING_TASK" : "LOCAL_REFERENCE",
    type: owner.kind === "driver" ? "DRIVER" : "WORKER",
    pid: owner.pid,
    ip: tcp.slice(0, Math.max(0, tcp.lastIndexOf(":"))),
    node_id: nodeId || null,
    borrowers: object.borrowers,
  };
}

/** Ray's JobDetails. */
export function jobRow(job: JobInfo): Row {
  const isDriver = job.type === "DRIVER";
  return {
    job_id: job.jobId,
    submission_id: isDriver ? null : job.jobId,
    type: job.type,
    status: job.status,
    name: job.name,
    entrypoint: job.entrypoint,
    message: job.message,
    error_type: job.errorType,
    driver_info: job.driver && { id: job.driver.id, node_ip_address: job.driver.nodeIpAddress, pid: job.driver.pid },
    start_time: isDriver ? job.startMs : job.submittedMs,
    end_time: job.endMs,
    metadata: job.metadata,
    runtime_env: job.runtimeEnv,
    driver_node_id: job.nodeId,
    driver_exit_code: job.exitCode,
    user: job.user,
    required_resources: job.resources,
    actor_id: job.actorId,
    pid: job.pid,
    run_start_time: job.startMs,
    pending_reason: job.pendingReasons.join("; ") || null,
  };
}
