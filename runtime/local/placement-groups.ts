// The local runtime's placement groups: those of the table, with a reference that is ready when their waiting ends.
import { type Carrier, ObjectEntry } from "../calls/index.ts";
import {
  type Bundle,
  newId,
  type PlacementGroup,
  type PlacementGroupId,
  type PlacementGroupOptions,
  type PlacementGroupState,
} from "../core/index.ts";
import { RaySystemError } from "../errors/index.ts";
import {
  compileGroup,
  type GroupRequest,
  GroupTable,
  type GroupView,
  groupOf,
  nameOf,
  type Scheduler,
  unschedulable,
} from "../placement/index.ts";

export class PlacementGroups {
  readonly #table = new GroupTable();
  readonly #entries = new Map<string, { readonly entry: ObjectEntry; readonly request: GroupRequest }>();
  readonly #carrier: Carrier;

  constructor(carrier: Carrier) {
    this.#carrier = carrier;
  }

  create(bundles: readonly Bundle[], options: PlacementGroupOptions, scheduler: Scheduler): PlacementGroup {
    const request = compileGroup(newId<PlacementGroupId>(), bundles, options);
    const entry = new ObjectEntry(this.#carrier);
    this.#entries.set(request.id, { entry, request });
    this.#table.create(request, scheduler, {
      created: () => entry.fulfil(this.#carrier.pack(true, "ready")),
      infeasible: (reasons) => entry.fail(unschedulable(request, reasons)),
    });
    return groupOf(request, entry);
  }

  /** Nothing more is placed in the group. */
  close(id: PlacementGroupId, scheduler: Scheduler): void {
    this.#table.close(id, scheduler);
  }

  /** Gives the bundles back. Its actors must have ended. */
  remove(id: PlacementGroupId, scheduler: Scheduler): void {
    const known = this.#entries.get(id);
    if (known && this.#table.remove(id, scheduler)) {
      known.entry.fail(new RaySystemError(`placement group ${nameOf(known.request)} was removed`));
    }
  }

  view(id: string): GroupView {
    return this.#table.view(id);
  }

  table(): PlacementGroupState[] {
    return this.#table.table();
  }
}
