// The questions and events between head, node agents, hosts and drivers, with their payloads. All are plain data.
import type { CodeRef } from "../code/index.ts";
import type { ActorStateName, Bundle, DeathCause, PlacementStrategy, RuntimeEnv } from "../core/index.ts";
import type { GrantedLease } from "../placement/index.ts";
import type { ResourceRequest } from "../scheduling/index.ts";
import type { FailureData, ValueOnWire } from "../wire/index.ts";
import type { ActorInfo } from "./actor-info.ts";

/** A node agent joins: `register`. */
export interface AgentRegistration {
  readonly kind: "agent";
  readonly nodeId: string;
  readonly address: string;
  readonly hostname: string;
  readonly ip: string;
  readonly pid: number;
  readonly total: Readonly<Record<string, number>>;
  readonly gpuIds: readonly string[];
  /** GPUs that are only pretended, for trying things out. */
  readonly pretendedGpus: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly sessionFolder: string;
  /** What runs on the node already, when it joins a head that was started again. */
  readonly hosts: readonly RunningHost[];
  /** Hosts whose end the head has not acknowledged. */
  readonly exits: readonly HostExit[];
}

/** A host that is in use. */
export interface RunningHost {
  readonly hostId: string;
  readonly actorId: string | null;
  readonly restarts: number;
  /** What a host for tasks was started with. */
  readonly lease: LeaseStart | null;
  /** Its task waits for others: its CPUs are lent out. */
  readonly blocked: boolean;
  readonly address: string;
  readonly pid: number;
}

/** A driver, or code inside a host that uses the API, connects: `register`. */
export interface ClientRegistration {
  readonly kind: "driver" | "host";
  readonly jobId: string;
  readonly namespace: string;
  readonly address: string;
  readonly pid: number;
  readonly hostname: string;
  readonly entrypoint: string;
  /** For code inside a host: whose. */
  readonly actorId: string | null;
  /** For a driver: whether it is told what its job's processes print. */
  readonly logToDriver: boolean;
}

/** Event `log`: lines that a process printed. From its node agent to the head, and on to the drivers of its job. */
export interface LogLines {
  readonly jobId: string;
  /** `Counter`, or `Counter(hits)` for an actor with a name; a function's name for a task. */
  readonly source: string;
  readonly pid: number;
  readonly ip: string;
  readonly isError: boolean;
  readonly lines: readonly string[];
}

export interface ClientWelcome {
  readonly headId: string;
  readonly nodes: readonly {
    readonly nodeId: string;
    readonly hostname: string;
    readonly ip: string;
    readonly sessionFolder: string;
  }[];
}

/** `createActor`: the answer is the info and id of the actor that the handle is for. */
export interface ActorCreation {
  readonly actorId: string;
  readonly jobId: string;
  readonly code: CodeRef;
  readonly info: ActorInfo;
  readonly getIfExists: boolean;
  readonly maxRestarts: number;
  readonly maxConcurrency: number;
  readonly request: ResourceRequest;
  readonly runtimeEnv: RuntimeEnv;
  readonly callSite: string;
  /** The process that created it; a non-detached actor ends with it. */
  readonly owner: string;
  /** The actor in which it was created, if any. */
  readonly ownerActorId: string | null;
  /** The constructor's arguments; null while references among them are not ready: `placeActor` brings them. */
  readonly args: readonly ValueOnWire[] | null;
}

/** Event `actor`: how an actor is. */
export interface ActorNews {
  readonly actorId: string;
  readonly state: ActorStateName;
  readonly restarts: number;
  /** Where it lives, while ALIVE. */
  readonly address: string;
  readonly hostId: string;
  readonly death: ActorDeath | null;
}

export interface ActorDeath extends DeathCause {
  /** The error that callers see as cause: the constructor's, say. */
  readonly failure: FailureData | null;
  /** The reasons of a refusal, one line each. */
  readonly reasons: readonly string[];
}

/** What a node has made of a runtime environment: folders and an interpreter of its own. */
export interface PreparedEnvironment {
  readonly workingDir?: string;
  readonly python?: string;
  /** Has `node_modules`. */
  readonly packages?: string;
}

/** `startActor`, head to node agent and node agent to host. */
export interface ActorStart {
  readonly hostId: string;
  readonly actorId: string;
  readonly restarts: number;
  readonly jobId: string;
  readonly code: CodeRef;
  readonly info: ActorInfo;
  readonly maxConcurrency: number;
  readonly runtimeEnv: RuntimeEnv;
  /** Added by the node agent, where there was something to be made. */
  readonly prepared?: PreparedEnvironment;
  readonly args: readonly ValueOnWire[];
  readonly gpuIds: readonly string[];
  readonly resources: Readonly<Record<string, number>>;
  readonly placementGroupId: string | null;
}

/** The answer to `startActor` and `startLease`. */
export interface Started {
  readonly address: string;
  readonly pid: number;
}

/** `startLease`: a host for tasks. */
export interface LeaseStart {
  /** Absent for a TypeScript host. */
  readonly language?: "python";
  readonly leaseId: string;
  /** The process that asked for it, and what it is given: a head that is started again learns both from the node. */
  readonly holder: string;
  readonly taken: GrantedLease;
  readonly jobId: string;
  /** Of the function that it is for. */
  readonly name: string;
  readonly namespace: string;
  readonly runtimeEnv: RuntimeEnv;
  /** As of an actor. */
  readonly prepared?: PreparedEnvironment;
  readonly gpuIds: readonly string[];
  readonly resources: Readonly<Record<string, number>>;
  readonly placementGroupId: string | null;
}

/** `hostExited`, node agent to head; a node keeps it until it is answered. */
export interface HostExit {
  readonly nodeId: string;
  readonly hostId: string;
  readonly actorId: string | null;
  readonly leaseId: string | null;
  readonly restarts: number;
  /** It ended itself: `exitActor()` or `__ray_terminate__`. */
  readonly intended: boolean;
  /** One line: exit code or signal, and the last output. */
  readonly message: string;
}

/** `lease`: a place to run tasks of one kind. The answer is a `LeaseGrant`, as soon as there is one. */
export interface LeaseRequest {
  /** Absent for a TypeScript host. */
  readonly language?: "python";
  readonly leaseId: string;
  readonly jobId: string;
  readonly name: string;
  readonly namespace: string;
  readonly request: ResourceRequest;
  readonly runtimeEnv: RuntimeEnv;
}

/** Event `leases`: all leases that a process has, or waits for (`nodeId` null), for a head that was started again. */
export type LeaseClaims = readonly { readonly leaseId: string; readonly nodeId: string | null }[];

export interface LeaseGrant {
  readonly leaseId: string;
  readonly address: string;
  readonly nodeId: string;
}

/** `createGroup`. Its end of waiting is told by the event `group`. */
export interface GroupCreation {
  readonly id: string;
  readonly jobId: string;
  readonly name: string;
  readonly strategy: PlacementStrategy;
  readonly bundles: readonly Bundle[];
  /** The actor in which it was created, if any. */
  readonly ownerActorId: string | null;
  readonly labelSelectors: readonly Readonly<Record<string, string>>[];
  readonly detached: boolean;
}

export interface GroupNews {
  readonly id: string;
  readonly state: "CREATED" | "INFEASIBLE" | "REMOVED";
  readonly reasons: readonly string[];
}

/** What a node agent or host answers to `startActor`. */
export type StartAnswer =
  | Started
  | {
      readonly failed: {
        readonly reason: DeathCause["reason"];
        readonly message: string;
        readonly failure: FailureData | null;
      };
    };
