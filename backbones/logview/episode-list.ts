/**
 * All episodes of a run as rows, in the order in which they were found, and what a filter leaves of them. Rows are only
 * appended, so a position in a filtered list stays valid while the run goes on; `clear` begins a new generation.
 */

import { type EpisodeFilter, matches } from "./episode-filter.ts";
import type { EpisodeRow } from "./episode-row.ts";

const keptFilters = 8;

interface FilteredRows {
  readonly rows: EpisodeRow[];
  seen: number;
}

/** The rows of a run. */
export class EpisodeList {
  #rows: EpisodeRow[] = [];
  #byPlace = new Map<string, EpisodeRow>();
  #filtered = new Map<string, FilteredRows>();

  get size(): number {
    return this.#rows.length;
  }

  add(row: EpisodeRow): void {
    this.#rows.push(row);
    this.#byPlace.set(`${row.file}/${row.line}`, row);
  }

  clear(): void {
    this.#rows = [];
    this.#byPlace = new Map();
    this.#filtered = new Map();
  }

  find(file: string, line: number): EpisodeRow | undefined {
    return this.#byPlace.get(`${file}/${line}`);
  }

  /** The rows that the filter leaves. Each row is looked at once per filter, however often the list is paged. */
  filter(filter: EpisodeFilter): readonly EpisodeRow[] {
    const key = JSON.stringify(filter);
    const kept = this.#filtered.get(key) ?? { rows: [], seen: 0 };
    this.#filtered.delete(key);
    this.#filtered.set(key, kept);
    for (const oldest of this.#filtered.keys()) {
      if (this.#filtered.size <= keptFilters) break;
      this.#filtered.delete(oldest);
    }
    for (; kept.seen < this.#rows.length; kept.seen += 1) {
      const row = this.#rows[kept.seen];
      if (row !== undefined && matches(row, filter)) kept.rows.push(row);
    }
    return kept.rows;
  }
}
