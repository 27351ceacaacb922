// Placement groups at the head: created and removed for their jobs, stored, taken up again after a restart.
import type { GroupCreation, GroupNews } from "../control/index.ts";
import type { PlacementGroupId, PlacementGroupState } from "../core/index.ts";
import { compileGroup, type GroupListener, GroupTable } from "../placement/index.ts";
import type { Lease } from "../scheduling/index.ts";
import type { HeadServices } from "./head-services.ts";
import type { StoredGroup } from "./head-store.ts";

/** Removed groups that are still shown. */
const removedKept = 1_000;

export class GroupDesk {
  readonly table = new GroupTable();
  readonly #services: HeadServices;
  readonly #creations = new Map<string, { readonly creation: GroupCreation; readonly creator: string }>();
  readonly #removed: string[] = [];

  constructor(services: HeadServices) {
    this.#services = services;
  }

  /** Answers when the group is stored; its creator is told when its bundles are reserved. */
  async create(creation: GroupCreation, creator: string): Promise<void> {
    if (this.#creations.has(creation.id)) return;
    // What cannot be read must not be stored.
    const request = requestOf(creation);
    this.#creations.set(creation.id, { creation, creator });
    // What is asked for in the group right after it must find it.
    const stored = this.#services.store.groups.put(creation.id, { creation, creator, leases: null });
    this.table.create(request, this.#services.scheduler, this.#listener(creation));
    await stored;
  }

  /** Nothing more is placed in the group. */
  close(id: string): void {
    if (this.#creations.has(id)) this.table.close(id, this.#services.scheduler);
  }

  /** Gives the bundles back; its actors must have ended. Done when that is stored. */
  async remove(id: string): Promise<void> {
    const known = this.#creations.get(id);
    if (!known || !this.table.remove(id, this.#services.scheduler)) return;
    this.#creations.delete(id);
    const stored = this.#services.store.groups.remove(id);
    this.#tell(known.creator, { id, state: "REMOVED", reasons: [] });
    this.#removed.push(id);
    const oldest = this.#removed.length > removedKept ? this.#removed.shift() : undefined;
    if (oldest !== undefined) this.table.forget(oldest);
    await stored;
  }

  /** Groups that are not detached and end with a job, or with an actor. */
  endingWith(ends: (creation: GroupCreation) => boolean): string[] {
    return [...this.#creations.values()]
      .filter(({ creation }) => !creation.detached && ends(creation))
      .map(({ creation }) => creation.id);
  }

  /** The job that made a group; null once it is removed. */
  creatorOf(id: string): string | null {
    return this.#creations.get(id)?.creation.jobId ?? null;
  }

  /** What the groups of a job have reserved. */
  leasesOf(jobId: string): Lease[] {
    const ids = [...this.#creations.values()].filter(({ creation }) => creation.jobId === jobId);
    return ids.flatMap(({ creation }) => this.table.leases(creation.id));
  }

  /** Tells a process that has come back how the groups are that it made. */
  tellAgain(processId: string): void {
    for (const [id, { creator }] of this.#creations) {
      const state = creator === processId ? this.table.get(id) : undefined;
      if (state === "CREATED" || state === "INFEASIBLE") this.#tell(creator, { id, state, reasons: [] });
    }
  }

  /** The nodes that reserved bundles are on. */
  expectedNodes(): string[] {
    return [...this.#creations.keys()].flatMap((id) => this.table.leases(id).map(({ nodeId }) => nodeId));
  }

  /** A node is back after the head was started again: what is reserved there is taken again. */
  nodeCameBack(nodeId: string): void {
    this.table.nodeCameBack(nodeId, this.#services.scheduler);
  }

  /** What was reserved on a dead node is reserved elsewhere. */
  nodeDied(nodeId: string): void {
    this.table.nodeDied(nodeId, this.#services.scheduler);
  }

  restore({ creation, creator, leases }: StoredGroup): void {
    this.#creations.set(creation.id, { creation, creator });
    const request = requestOf(creation);
    const { scheduler } = this.#services;
    if (leases) this.table.restore(request, leases, scheduler, this.#listener(creation));
    else this.table.create(request, scheduler, this.#listener(creation));
  }

  describe(): PlacementGroupState[] {
    return this.table.table();
  }

  #listener(creation: GroupCreation): GroupListener {
    const { id } = creation;
    return {
      created: () => {
        const creator = this.#creations.get(id)?.creator ?? "";
        // The creator learns of it once it is stored, as of everything.
        void this.#services.store.groups
          .put(id, { creation, creator, leases: this.table.leases(id) })
          .then(() => this.#tell(creator, { id, state: "CREATED", reasons: [] }));
      },
      infeasible: (reasons) => this.#tell(this.#creations.get(id)?.creator, { id, state: "INFEASIBLE", reasons }),
    };
  }

  #tell(creator: string | undefined, news: GroupNews): void {
    if (creator !== undefined) this.#services.clients.tell([creator], "group", news);
  }
}

function requestOf({ id, bundles, strategy, name, labelSelectors }: GroupCreation) {
  return compileGroup(id as PlacementGroupId, bundles, { strategy, name, bundleLabelSelector: labelSelectors });
}
