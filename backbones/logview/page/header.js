/** The header: which run, how it stands, how long it has been going, and the numbers that matter. */

import { byId, el } from "./dom.js";
import { count, duration, faultNames, number, percent, reward } from "./format.js";

const phaseNames = { waiting: "waiting", running: "running", finished: "finished", failed: "failed" };
/** A run that has written nothing for this long is said to be silent. */
const silentMs = 600_000;

export class Header {
  #metrics;
  #state;
  #isLinked = true;

  constructor(metrics) {
    this.#metrics = metrics;
    setInterval(() => this.#tick(), 1_000);
  }

  link(isLinked) {
    this.#isLinked = isLinked;
    this.#tick();
  }

  update(state) {
    this.#state = state;
    document.title = `${state.name} – astune`;
    byId("name").textContent = state.name;
    byId("phase").textContent = phaseNames[state.phase];
    byId("phase").className = `phase ${state.phase}`;
    byId("facts").replaceChildren(
      ...this.#facts().map(([name, ...value]) => el("div", el("dt", name), el("dd", ...value))),
    );
    this.#tick();
  }

  #facts() {
    const state = this.#state;
    const facts = [
      ["Step", count(state.step), state.totalSteps !== undefined && el("small", ` of ${count(state.totalSteps)}`)],
      ["Elapsed", el("span.elapsed")],
      ["Episodes", count(state.episodes), state.reading && el("small", " reading…")],
    ];
    this.#trend(facts, "Reward", reward, "reward/mean");
    this.#trend(facts, "Success", percent, "reward/success");
    if (state.before && state.after) this.#beforeAfter(facts);
    else this.#trend(facts, "Validation", percent, "validation/reward/success", "validation/success");
    for (const [name, label] of Object.entries(faultNames)) this.#trend(facts, label, percent, `fault/${name}`);
    this.#trend(facts, "Tool use", percent, "tool/use");
    const speed = this.#metrics.find(/rollout.*tokens_per_second$/, /tokens_per_second$/, /tokens\/s$/);
    if (speed) facts.push(["Tokens/s", number(this.#metrics.ends(speed)?.last)]);
    return facts;
  }

  #trend(facts, label, format, ...keys) {
    const ends = this.#metrics.ends(this.#metrics.find(...keys));
    if (!ends) return;
    const hasMoved = format(ends.first) !== format(ends.last);
    facts.push([label, hasMoved && el("small", `${format(ends.first)} → `), format(ends.last)]);
  }

  #beforeAfter(facts) {
    const { before, after } = this.#state;
    if (before.success === undefined || after.success === undefined) return;
    facts.push(["Held out", el("small", `${percent(before.success)} → `), percent(after.success)]);
  }

  /** What changes with time alone. */
  #tick() {
    const state = this.#state;
    if (!state) return;
    const isRunning = state.phase === "running";
    for (const node of document.querySelectorAll(".elapsed")) node.textContent = duration(elapsedMs(state));
    byId("note").textContent = this.#note(isRunning);
    byId("note").classList.toggle("bad", !this.#isLinked || state.phase === "failed");
  }

  #note(isRunning) {
    const { phase, error, lastWriteMs, unreadableLines } = this.#state;
    if (!this.#isLinked) return "The page's server is gone; trying again.";
    if (phase === "waiting") return "The experiment folder is not there yet.";
    if (error) return error;
    const silent = Date.now() - lastWriteMs;
    if (isRunning && silent > silentMs) return `Nothing written for ${duration(silent)}.`;
    return unreadableLines > 0 ? `${count(unreadableLines)} lines could not be read.` : "";
  }
}

/** The run's own count goes first, which knows of the parts before a resume; a silent run's time stands still. */
function elapsedMs({ phase, seconds, worked, startedMs, lastWriteMs }) {
  if (seconds !== undefined) return seconds * 1_000;
  const isAlive = phase === "running" && Date.now() - (lastWriteMs ?? Date.now()) < silentMs;
  if (worked) return worked.seconds * 1_000 + (isAlive ? Date.now() - worked.atMs : 0);
  return (isAlive ? Date.now() : (lastWriteMs ?? Number.NaN)) - startedMs;
}
