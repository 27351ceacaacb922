/** The view of all charts: made when their numbers first appear, then only fed. */

import { Chart } from "./chart.js";
import { chartsFor } from "./curve-plan.js";
import { byId } from "./dom.js";

const mainHeight = 190;
const smallHeight = 110;

export class Curves {
  #charts = new Map();
  #metrics;
  #onStep;

  constructor(metrics, onStep) {
    this.#metrics = metrics;
    this.#onStep = onStep;
    byId("more").addEventListener("toggle", () => this.update());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      for (const { chart } of this.#charts.values()) chart.recolor();
    });
  }

  /** Shows what the metrics now hold. */
  update() {
    const { main, more } = chartsFor(this.#metrics);
    byId("no-curves").hidden = main.length + more.length > 0;
    byId("hint").hidden = main.length === 0;
    byId("more").hidden = more.length === 0;
    byId("more-count").textContent = String(more.length);
    const wanted = byId("more").open ? [...main, ...more] : main;
    const names = new Set([...main, ...more].map((spec) => spec.id));
    for (const [id, { chart }] of this.#charts) {
      if (names.has(id)) continue;
      chart.element.remove();
      this.#charts.delete(id);
    }
    for (const spec of wanted) this.#chart(spec, main.includes(spec)).update(this.#metrics);
  }

  #chart(spec, isMain) {
    const shape = JSON.stringify(spec.lines);
    const known = this.#charts.get(spec.id);
    if (known?.shape === shape) return known.chart;
    const chart = new Chart(spec, isMain ? mainHeight : smallHeight, this.#onStep);
    if (known) known.chart.element.replaceWith(chart.element);
    else byId(isMain ? "main-charts" : "more-charts").append(chart.element);
    this.#charts.set(spec.id, { chart, shape });
    return chart;
  }
}
