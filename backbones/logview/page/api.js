/** The page's way to its server: three kinds of answers and one stream of states. */

async function json(path, signal) {
  const response = await fetch(path, signal ? { signal } : {});
  const body = await response.json();
  if (!response.ok) throw new Error(body.error ?? `The page's server answered ${response.status}`);
  return body;
}

/** The metrics rows from number `from` on. */
export function fetchMetrics(from) {
  return json(`/api/metrics?from=${from}`);
}

/** A page of the list: `filter` is a plain object of query values. */
export function fetchEpisodes(filter, from, count) {
  return json(`/api/episodes?${new URLSearchParams({ ...filter, from, count })}`);
}

/** One episode, `place` being `step-000001/7`. */
export function fetchEpisode(place, signal) {
  return json(`/api/episodes/${place.split("/").map(encodeURIComponent).join("/")}`, signal);
}

/** Calls `onState` now and on each change; `onLink` tells whether the server is there. */
export function follow(onState, onLink) {
  const source = new EventSource("/api/events");
  source.addEventListener("state", (event) => onState(JSON.parse(event.data)));
  source.addEventListener("open", () => onLink(true));
  source.addEventListener("error", () => onLink(false));
}
