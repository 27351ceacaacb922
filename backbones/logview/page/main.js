/** Ties the page together: the stream of states feeds the header, the curves and the list; the address names the view. */

import { fetchMetrics, follow } from "./api.js";
import { Curves } from "./curves.js";
import { byId } from "./dom.js";
import { EpisodePane } from "./episode.js";
import { EpisodeList } from "./episode-list.js";
import { filterChanged, readFilter, setFilter } from "./filters.js";
import { Header } from "./header.js";
import { Metrics } from "./metrics.js";

const metrics = new Metrics();
const header = new Header(metrics);
const pane = new EpisodePane();
const list = new EpisodeList((place) => {
  location.hash = `#/episodes/${place}`;
});
const curves = new Curves(metrics, (step) => {
  setFilter({ step: String(step) });
  location.hash = "#/episodes";
});

let generation = 0;
let latest;
let isUpdating = false;

async function update(state) {
  latest = state;
  if (isUpdating) return;
  isUpdating = true;
  try {
    while (latest) {
      const now = latest;
      latest = undefined;
      await show(now);
    }
  } finally {
    isUpdating = false;
  }
}

async function show(state) {
  const isNew = generation !== 0 && state.generation !== generation;
  generation = state.generation;
  if (isNew) metrics.clear();
  if (state.metrics > metrics.rows) {
    const found = await fetchMetrics(metrics.rows);
    if (found.generation === generation && found.from === metrics.rows) metrics.add(found.rows);
  }
  header.update(state);
  curves.update();
  await list.update(state.episodes, isNew);
}

/** `#/curves`, `#/episodes` or `#/episodes/step-000001/7`. */
function route() {
  const [view = "curves", ...rest] = location.hash.replace(/^#\//, "").split("/");
  const shown = view === "episodes" ? "episodes" : "curves";
  for (const id of ["curves", "episodes"]) byId(id).hidden = id !== shown;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.dataset.view === shown) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (shown === "curves") return;
  list.show();
  const place = rest.length === 2 ? rest.map(decodeURIComponent).join("/") : undefined;
  void list.select(place);
  void pane.open(place);
}

addEventListener("hashchange", route);
filterChanged(() => void list.setFilter(readFilter()));
void list.setFilter(readFilter());
route();
follow(
  (state) => {
    update(state).catch(() => header.link(false));
  },
  (isLinked) => header.link(isLinked),
);
