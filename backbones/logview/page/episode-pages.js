/** The rows of the filtered list, fetched in pages when they are asked for. */

const pageRows = 100;

export class EpisodePages {
  #fetch;
  #onRows;
  #filter = {};
  /** Changes when what is on its way is no longer wanted. */
  #query = 0;
  #rows = new Map();
  #coming = new Map();
  matched = 0;

  constructor(fetch, onRows) {
    this.#fetch = fetch;
    this.#onRows = onRows;
  }

  setFilter(filter) {
    this.#filter = filter;
    this.clear();
  }

  clear() {
    this.#query += 1;
    this.#rows.clear();
    this.#coming.clear();
    this.matched = 0;
  }

  /** Asks how long the list is now, and for the rows at its end. */
  async refresh() {
    const page = Math.floor(this.matched / pageRows);
    this.#coming.delete(page);
    await this.#load(page);
    const last = Math.floor(Math.max(0, this.matched - 1) / pageRows);
    if (last !== page) await this.#load(last);
  }

  /** The row at a position, or undefined while it is on its way. */
  at(position) {
    const row = this.#rows.get(position);
    if (!row && position >= 0 && position < this.matched) void this.#load(Math.floor(position / pageRows));
    return row;
  }

  /** The row at a position, when it is here. */
  async load(position) {
    if (!this.#rows.has(position)) await this.#load(Math.floor(position / pageRows));
    return this.#rows.get(position);
  }

  /** Where an episode is in the list; undefined where the filter leaves it out. */
  async find(place) {
    for (const [position, row] of this.#rows) if (`${row.file}/${row.line}` === place) return position;
    const query = this.#query;
    const found = await this.#fetch({ ...this.#filter, find: place }, 0, 0).catch(() => ({}));
    if (query !== this.#query || found.position === undefined) return undefined;
    this.matched = Math.max(this.matched, found.matched);
    return found.position;
  }

  #load(page) {
    const known = this.#coming.get(page);
    if (known) return known;
    const query = this.#query;
    const coming = this.#fetch(this.#filter, page * pageRows, pageRows)
      .then((found) => {
        if (query !== this.#query) return;
        found.rows.forEach((row, index) => {
          this.#rows.set(found.from + index, row);
        });
        this.matched = Math.max(this.matched, found.matched);
        this.#onRows();
      })
      .catch(() => {
        // The stream tells when the server is back, and the list is asked for again.
      })
      .finally(() => {
        if (query === this.#query) this.#coming.delete(page);
      });
    this.#coming.set(page, coming);
    return coming;
  }
}
