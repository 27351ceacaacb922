/** One episode: how it came out, then its turns, or the training sequences token by token. */

import { fetchEpisode } from "./api.js";
import { byId, el } from "./dom.js";
import { count, duration, faultsOf, reward } from "./format.js";
import { faultTag } from "./list-row.js";
import { legend, tokenText } from "./tokens.js";
import { turnCard } from "./turn.js";

const modes = { turns: "Turns", tokens: "Training tokens" };

export class EpisodePane {
  #pane = byId("episode");
  #mode = localStorage.getItem("mode") === "tokens" ? "tokens" : "turns";
  #view;
  #place;
  #loading;

  /** Shows the episode at this place; undefined empties the pane. */
  async open(place) {
    if (place !== undefined && place === this.#place) return;
    this.#place = place;
    this.#loading?.abort();
    this.#view = undefined;
    if (place === undefined) {
      this.#pane.replaceChildren(el("p.empty", "Choose an episode. The arrow keys move from one to the next."));
      return;
    }
    this.#loading = new AbortController();
    const { signal } = this.#loading;
    try {
      const view = await fetchEpisode(place, signal);
      if (signal.aborted) return;
      this.#view = view;
      this.#draw();
      this.#pane.scrollTop = 0;
    } catch (error) {
      if (signal.aborted) return;
      this.#place = undefined;
      this.#pane.replaceChildren(el("p.empty", error.message));
    }
  }

  #draw() {
    const view = this.#view;
    const buttons = Object.entries(modes).map(([mode, name]) => this.#modeButton(mode, name));
    const body = this.#mode === "tokens" ? this.#sequences(view) : this.#turns(view);
    const bar = el("div.mode-bar", el("div.modes", ...buttons), legend());
    this.#pane.replaceChildren(outcome(view), bar, ...body);
    this.#pane.dataset.place = this.#place;
  }

  #modeButton(mode, name) {
    const button = el("button", name);
    button.type = "button";
    button.setAttribute("aria-pressed", String(mode === this.#mode));
    button.addEventListener("click", () => {
      this.#mode = mode;
      localStorage.setItem("mode", mode);
      this.#draw();
    });
    return button;
  }

  #turns(view) {
    if (view.turns.length === 0) return [el("p.empty", "This episode has no turns.")];
    return view.turns.map((turn, index) => turnCard(turn, index, view));
  }

  #sequences(view) {
    if (view.sequences.length === 0) return [el("p.empty", "This episode left nothing to train on.")];
    return view.sequences.map((tokens, index) => {
      const trained = tokens.trained.reduce((sum, mask) => sum + mask, 0);
      const title = `Sequence ${index + 1}`;
      const size = `${count(tokens.ids.length)} tokens, ${count(trained)} trained`;
      const card = el("details.card.sequence", el("summary", el("b", title), el("span.muted", size)));
      const fill = () => card.open && card.children.length === 1 && card.append(tokenText(tokens));
      card.addEventListener("toggle", fill);
      card.open = index === 0;
      fill();
      return card;
    });
  }
}

function outcome(view) {
  const { row, result } = view;
  const verdict = el("span.verdict", row.status === "failed" ? "failed" : result.isSuccess ? "right" : "wrong");
  verdict.classList.add(row.status === "failed" || !result.isSuccess ? "wrong" : "right");
  const step = row.split === "validation" ? `validation at step ${row.step}` : `step ${row.step}`;
  const facts = [
    step,
    `try ${row.repeat + 1}`,
    `${count(row.turns)} turns`,
    `${count(row.sampledTokens)} sampled tokens`,
  ];
  if (row.sampledTokens > 0) facts.push(`mean log-probability ${row.meanLogprob.toFixed(3)}`);
  facts.push(duration(row.durationMs));
  const tags = [
    ...faultsOf(row).map(faultTag),
    !row.faults.toolUse && el("span.tag", "no tool used"),
    row.status !== "finished" && el("span.tag.bad", row.status.replaceAll("_", " ")),
  ];
  const { final_answer: _answer, ...registered } = view.judgeInput;
  return el(
    "header.card.outcome",
    el(
      "div.outcome-line",
      el("h2", row.taskId || row.episodeId),
      verdict,
      el("span.points", reward(result.rawReward)),
      ...tags,
    ),
    el("p.muted.facts-line", facts.join(" · ")),
    view.error && el("p.problem", view.error),
    pairs([
      ["Question", view.question],
      ["Final answer", view.finalAnswer || "none"],
      ["Judge", result.reason ?? `reward ${reward(result.rawReward)}, no reason given`],
      ["Registered", Object.keys(registered).length > 0 ? JSON.stringify(registered) : ""],
    ]),
    view.tokenizerProblem && el("p.muted", view.tokenizerProblem),
  );
}

function pairs(entries) {
  const shown = entries.filter(([, value]) => value !== "");
  return el("dl.pairs", ...shown.flatMap(([name, value]) => [el("dt", name), el("dd", value)]));
}
