// The context of one running call. Its abort signal is only made when somebody asks for it.
import type { ActorId, ExecutionContext, NodeId, PlacementGroupId, TaskId } from "../core/index.ts";

/** What all calls of one host share. */
export interface HostFacts {
  readonly nodeId: NodeId;
  readonly namespace: string;
  readonly actorId?: ActorId;
  readonly actorName?: string | undefined;
  readonly restarts: number;
  readonly gpuIds: readonly string[];
  readonly resources: Readonly<Record<string, number>>;
  readonly placementGroupId?: PlacementGroupId | undefined;
  readonly actorSignal: AbortSignal;
  exit?(): void;
  block?(): () => void;
}

export class CallContext implements ExecutionContext {
  readonly #task: { readonly taskId: TaskId };
  readonly functionName: string;
  readonly #host: HostFacts;
  #controller: AbortController | undefined;
  #aborted: { readonly reason: unknown } | undefined;
  #children: ExecutionContext["children"] | undefined;

  constructor(host: HostFacts, task: { readonly taskId: TaskId }, functionName: string) {
    this.#host = host;
    this.#task = task;
    this.functionName = functionName;
  }

  get taskId(): TaskId {
    return this.#task.taskId;
  }
  get children(): ExecutionContext["children"] {
    this.#children ??= new Set();
    return this.#children;
  }
  get nodeId() {
    return this.#host.nodeId;
  }
  get namespace() {
    return this.#host.namespace;
  }
  get actorId(): ActorId {
    return this.#host.actorId as ActorId;
  }
  get actorName() {
    return this.#host.actorName;
  }
  get restarts() {
    return this.#host.restarts;
  }
  get gpuIds() {
    return this.#host.gpuIds;
  }
  get resources() {
    return this.#host.resources;
  }
  get placementGroupId() {
    return this.#host.placementGroupId;
  }
  get actorSignal() {
    return this.#host.actorSignal;
  }
  get submitter(): string {
    return this.#host.actorId ?? this.taskId;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#aborted && !this.#controller.signal.aborted) this.#controller.abort(this.#aborted.reason);
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    this.#aborted ??= { reason };
    this.#controller?.abort(reason);
  }

  /** Tells the running code that its call is cancelled; `recursive`: cancels also what it has called. */
  cancel(recursive: boolean): void {
    this.abort(new DOMException("the call was cancelled", "AbortError"));
    if (recursive) for (const child of [...(this.#children ?? [])]) child.cancel({ recursive });
  }

  exit(): void {
    this.#host.exit?.();
  }

  block(): () => void {
    return this.#host.block?.() ?? (() => {});
  }
}
