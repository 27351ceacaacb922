/** The form above the list: what is looked for, as a plain object of query values. */

import { byId } from "./dom.js";

const typingPauseMs = 150;

/** What the form says now, without the empty fields. */
export function readFilter() {
  const entries = [...new FormData(byId("filters"))].map(([name, value]) => [name, String(value).trim()]);
  return Object.fromEntries(entries.filter(([, value]) => value !== ""));
}

/** Puts these values into the form, empties the other fields, and tells of it. */
export function setFilter(values) {
  const form = byId("filters");
  for (const field of form.elements) field.value = values[field.name] ?? "";
  form.dispatchEvent(new Event("change"));
}

/** Calls back when the form was changed, at once for choices and after a pause for typing. */
export function filterChanged(callback) {
  const form = byId("filters");
  let timer;
  const later = (ms) => {
    clearTimeout(timer);
    timer = setTimeout(callback, ms);
  };
  form.addEventListener("input", () => later(typingPauseMs));
  form.addEventListener("change", () => later(0));
  form.addEventListener("submit", (event) => event.preventDefault());
}
