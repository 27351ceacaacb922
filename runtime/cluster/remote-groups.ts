// Placement groups of the cluster as their creator sees them.
import { byWire, ObjectEntry } from "../calls/index.ts";
import type { GroupCreation, GroupNews } from "../control/index.ts";
import {
  type Bundle,
  currentContext,
  newId,
  type PlacementGroup,
  type PlacementGroupId,
  type PlacementGroupOptions,
} from "../core/index.ts";
import { RaySystemError } from "../errors/index.ts";
import { compileGroup, type GroupRequest, groupOf, nameOf, unschedulable } from "../placement/index.ts";

export class RemoteGroups {
  readonly #jobId: string;
  readonly #create: (creation: GroupCreation) => Promise<unknown>;
  readonly #waiting = new Map<string, { readonly entry: ObjectEntry; readonly request: GroupRequest }>();

  constructor(jobId: string, create: (creation: GroupCreation) => Promise<unknown>) {
    this.#jobId = jobId;
    this.#create = create;
  }

  create(bundles: readonly Bundle[], options: PlacementGroupOptions): PlacementGroup {
    const request = compileGroup(newId<PlacementGroupId>(), bundles, options);
    const entry = new ObjectEntry(byWire);
    this.#waiting.set(request.id, { entry, request });
    const { id, name, strategy, requests } = request;
    const creation: GroupCreation = {
      id,
      name,
      strategy,
      bundles,
      ownerActorId: currentContext()?.actorId ?? null,
      jobId: this.#jobId,
      labelSelectors: requests.map(({ labelSelector }) => labelSelector),
      detached: options.lifetime === "detached",
    };
    this.#create(creation).catch((error: unknown) => {
      this.#waiting.delete(id);
      entry.fail(error);
    });
    return groupOf(request, entry);
  }

  news({ id, state, reasons }: GroupNews): void {
    const known = this.#waiting.get(id);
    if (!known) return;
    const { entry, request } = known;
    if (state === "CREATED") entry.fulfil(byWire.pack(true, "ready"));
    else if (state === "INFEASIBLE") entry.fail(unschedulable(request, reasons));
    else entry.fail(new RaySystemError(`placement group ${nameOf(request)} was removed`));
    if (state !== "CREATED") this.#waiting.delete(id);
  }

  /** No group will be heard of any more. */
  failAll(error: Error): void {
    for (const { entry } of this.#waiting.values()) entry.fail(error);
    this.#waiting.clear();
  }

  /** The group was removed here. */
  removed(id: string): void {
    this.news({ id: id as PlacementGroupId, state: "REMOVED", reasons: [] });
  }
}
