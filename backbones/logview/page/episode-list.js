/**
 * The list of episodes, drawn only where it is looked at. Positions count in the order in which the run wrote the
 * episodes, so they stay valid while it goes on; newest first only turns them round on the screen.
 */

import { fetchEpisodes } from "./api.js";
import { byId, el } from "./dom.js";
import { EpisodePages } from "./episode-pages.js";
import { count } from "./format.js";
import { fillRow, rowElement, rowHeight } from "./list-row.js";

const spareRows = 8;

export class EpisodeList {
  #onOpen;
  #view = byId("list");
  #sheet = el("div.sheet");
  #nodes = new Map();
  #free = [];
  #pages = new EpisodePages(fetchEpisodes, () => this.#draw());
  #isNewestFirst = true;
  #selected;
  /** Where in the list the selected episode is, once it was seen there. */
  #selectedAt;
  #total = 0;
  #frame = 0;
  #moves = 0;

  constructor(onOpen) {
    this.#onOpen = onOpen;
    this.#view.append(this.#sheet);
    this.#view.addEventListener("scroll", () => this.#drawSoon(), { passive: true });
    new ResizeObserver(() => this.#drawSoon()).observe(this.#view);
    this.#sheet.addEventListener("click", (event) => this.#click(event));
    document.addEventListener("keydown", (event) => this.#key(event));
    byId("order").addEventListener("click", () => this.#turn());
  }

  async setFilter(filter) {
    this.#pages.setFilter(filter);
    this.#selectedAt = undefined;
    this.#view.scrollTop = 0;
    await this.#pages.refresh();
    await this.#locate();
  }

  /** Takes note that the run now has `total` episodes; `isNew` says that those before are void. */
  async update(total, isNew) {
    const before = isNew ? 0 : this.#pages.matched;
    if (isNew) this.#pages.clear();
    if (isNew) this.#selectedAt = undefined;
    this.#total = total;
    await this.#pages.refresh();
    const added = this.#pages.matched - before;
    const isPushedDown = this.#isNewestFirst && before > 0 && this.#view.scrollTop > 0;
    if (isPushedDown) this.#view.scrollTop += added * rowHeight;
    if (this.#selected !== undefined && this.#selectedAt === undefined) {
      await this.#locate();
      if (this.#selectedAt !== undefined) this.#reveal(this.#turned(this.#selectedAt));
    }
    this.#draw();
  }

  /** The list has become visible. */
  show() {
    this.#drawSoon();
  }

  /** Marks this episode, and shows where it is in the list. */
  async select(place) {
    if (place === this.#selected) return;
    this.#selected = place;
    this.#selectedAt = undefined;
    this.#draw();
    await this.#locate();
    if (this.#selectedAt !== undefined) this.#reveal(this.#turned(this.#selectedAt));
    this.#draw();
  }

  /** Finds out where the selected episode is, if the list holds it. */
  async #locate() {
    const place = this.#selected;
    if (place === undefined || this.#selectedAt !== undefined) return;
    const at = await this.#pages.find(place);
    if (place === this.#selected) this.#selectedAt ??= at;
  }

  #drawSoon() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  #draw() {
    const { matched } = this.#pages;
    const shown = matched === this.#total ? count(matched) : `${count(matched)} of ${count(this.#total)}`;
    byId("matched").textContent = `${shown} ${this.#total === 1 ? "episode" : "episodes"}`;
    this.#sheet.style.height = `${matched * rowHeight}px`;
    this.#view.dataset.empty = String(matched === 0);
    const height = this.#view.clientHeight;
    if (height === 0) return;
    const first = Math.max(0, Math.floor(this.#view.scrollTop / rowHeight) - spareRows);
    const last = Math.min(matched, Math.ceil((this.#view.scrollTop + height) / rowHeight) + spareRows);
    for (const [index, node] of this.#nodes) {
      if (index >= first && index < last) continue;
      node.remove();
      this.#free.push(node);
      this.#nodes.delete(index);
    }
    for (let index = first; index < last; index += 1) this.#drawRow(index, matched);
  }

  #drawRow(index, matched) {
    let node = this.#nodes.get(index);
    if (!node) {
      node = this.#free.pop() ?? rowElement();
      this.#nodes.set(index, node);
      node.style.transform = `translateY(${index * rowHeight}px)`;
      this.#sheet.append(node);
    }
    const at = this.#turned(index);
    const row = this.#pages.at(at);
    const place = row && `${row.file}/${row.line}`;
    if (place !== undefined && place === this.#selected) this.#selectedAt = at;
    fillRow(node, row, { index, matched, isSelected: place !== undefined && place === this.#selected });
  }

  /** Position on the screen to position in the list, and back. */
  #turned(index) {
    return this.#isNewestFirst ? this.#pages.matched - 1 - index : index;
  }

  #turn() {
    this.#isNewestFirst = !this.#isNewestFirst;
    byId("order").textContent = this.#isNewestFirst ? "Newest first" : "Oldest first";
    byId("order").setAttribute("aria-pressed", String(!this.#isNewestFirst));
    this.#view.scrollTop = 0;
    this.#draw();
  }

  #click(event) {
    const { place } = event.target.closest(".row")?.dataset ?? {};
    if (place) this.#onOpen(place);
  }

  #key(event) {
    if (byId("episodes").hidden || event.altKey || event.ctrlKey || event.metaKey || event.target.closest("select"))
      return;
    const isTyping = event.target.closest("input") !== null;
    const moves = { ArrowDown: 1, ArrowUp: -1, ...(isTyping ? {} : { ArrowRight: 1, ArrowLeft: -1 }) };
    const move = moves[event.key];
    if (move === undefined) return;
    event.preventDefault();
    void this.#move(move);
  }

  /** Opens the neighbour of the selected episode, or the first one. A later key overtakes one that still waits. */
  async #move(by) {
    this.#moves += 1;
    const move = this.#moves;
    await this.#locate();
    const from = this.#selectedAt === undefined ? -1 : this.#turned(this.#selectedAt);
    const index = Math.min(Math.max(from + (from < 0 ? 1 : by), 0), this.#pages.matched - 1);
    if (index < 0 || move !== this.#moves) return;
    const at = this.#turned(index);
    const row = await this.#pages.load(at);
    if (!row || move !== this.#moves) return;
    this.#selected = `${row.file}/${row.line}`;
    this.#selectedAt = at;
    this.#reveal(index);
    this.#draw();
    this.#onOpen(this.#selected);
  }

  /** Scrolls no further than it takes to see a row. */
  #reveal(index) {
    const top = index * rowHeight;
    const { scrollTop, clientHeight } = this.#view;
    if (this.#sheet.clientHeight < top + rowHeight) this.#sheet.style.height = `${this.#pages.matched * rowHeight}px`;
    if (top < scrollTop) this.#view.scrollTop = top;
    else if (top + rowHeight > scrollTop + clientHeight) this.#view.scrollTop = top + rowHeight - clientHeight;
  }
}
