// The decision of `place` for one shape of request, kept up to date while nodes change one at a time: what `place` finds by
// looking at every node, this finds in the logarithm of their number.
import { BestTree } from "./best-tree.ts";
import type { NodeView } from "./node-view.ts";
import { isPackable, type ResourceRequest, rankOf, ranks, refusalOf, usedShare } from "./place.ts";

/** What decides where a request goes, but for a node that it names. */
export type Shape = Pick<ResourceRequest, "placement" | "labelSelector" | "strategy">;

export class PlaceIndex {
  readonly #request: ResourceRequest;
  /** By rank: nodes of a better rank are taken before others. */
  readonly #trees = Array.from({ length: ranks }, () => new BestTree());
  readonly #rankAt: (number | undefined)[] = [];

  /** The strategy must not be of a placement group, nor name a node. */
  constructor({ placement, labelSelector, strategy }: Shape) {
    this.#request = { held: placement, placement, labelSelector, strategy };
  }

  /** The node at a place is now like this; undefined: there is none. */
  set(place: number, view: NodeView | undefined): void {
    const fits = view !== undefined && refusalOf(this.#request, view) === undefined;
    const rank = fits ? rankOf(this.#request, view) : undefined;
    const before = this.#rankAt[place];
    if (before !== undefined && before !== rank) this.#trees[before]?.set(place, undefined, false);
    this.#rankAt[place] = rank;
    if (fits && rank !== undefined) {
      this.#trees[rank]?.set(place, usedShare(view, {}), isPackable(this.#request, view));
    }
  }

  /** The place of the node that `place` would choose; undefined where none fits. */
  choose(): number | undefined {
    const tree = this.#trees.find(({ isEmpty }) => !isEmpty);
    if (this.#request.strategy.kind === "spread") return tree?.least();
    return tree?.firstPackable() ?? tree?.least();
  }
}
