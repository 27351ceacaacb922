/** One chart: a title, a legend that follows the cursor, and curves over the steps drawn by uPlot. */

import uPlot from "/uplot/uPlot.esm.js";
import { el, withAttributes } from "./dom.js";
import { number, percent } from "./format.js";

const cursors = uPlot.sync("steps");

const doubleClickMs = 220;
const draggedPixels = 4;

function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** A chart of one entry of the plan. `onStep` is called with the step that was clicked. */
export class Chart {
  #spec;
  #plot;
  #body = el("div.chart-body");
  #legend = el("div.legend");
  #values = [];
  #onStep;
  #data = [[]];
  #clicked;
  #pressedAt = 0;
  element;

  constructor(spec, height, onStep) {
    this.#spec = spec;
    this.#onStep = onStep;
    this.element = el("figure.chart", el("figcaption", el("h2", spec.title), this.#legend), this.#body);
    this.element.dataset.chart = spec.id;
    this.#body.style.height = `${height}px`;
    let entry;
    for (const line of spec.lines) {
      const value = el("b", "–");
      const swatch = el(line.isValidation ? "i.swatch.point" : "i.swatch");
      swatch.style.setProperty("--swatch", `var(${line.color})`);
      this.#values.push(value);
      if (!(entry && line.label === "validation")) {
        entry = el("span.legend-entry", swatch, line.label, value);
        this.#legend.append(entry);
      } else entry.append(withAttributes(swatch, { title: "validation" }), value);
    }
    new ResizeObserver(() => this.#fit()).observe(this.#body);
  }

  /** Shows these metrics. */
  update(metrics) {
    const isZoomed = this.#isZoomed();
    this.#data = [metrics.steps, ...this.#spec.lines.map((line) => metrics.column(line.key))];
    if (this.#plot) {
      this.#plot.setData(this.#data, !isZoomed);
      if (isZoomed) this.#plot.redraw();
    } else this.#fit();
    this.#tell(undefined);
  }

  /** Draws anew, in the colours of the page as they are now. */
  recolor() {
    this.#plot?.destroy();
    this.#plot = undefined;
    this.#fit();
  }

  /** Whether the reader looks at a part of the steps, which new data must not take away. */
  #isZoomed() {
    const { min, max } = this.#plot?.scales.x ?? {};
    const steps = this.#data[0];
    return this.#plot !== undefined && (min > steps[0] || max < steps.at(-1));
  }

  #fit() {
    const { clientWidth: width, clientHeight: height } = this.#body;
    if (width === 0 || height === 0 || this.#data[0].length === 0) return;
    if (this.#plot) {
      this.#plot.setSize({ width, height });
      this.#plot.syncRect(true);
      return;
    }
    this.#plot = new uPlot(this.#options(width, height), this.#data, this.#body);
    this.#plot.over.addEventListener("click", (event) => this.#click(event));
    this.#plot.over.addEventListener("pointerdown", (event) => {
      this.#pressedAt = event.clientX;
    });
  }

  /** Writes the values at a place of the data, or the last ones. */
  #tell(index) {
    const format = this.#spec.kind !== "number" ? percent : number;
    this.#values.forEach((node, line) => {
      const column = this.#data[line + 1] ?? [];
      const value = index === undefined ? column.filter((found) => found !== null).at(-1) : column[index];
      node.textContent = value === null || value === undefined ? "–" : format(value);
    });
  }

  #options(width, height) {
    const { kind, lines } = this.#spec;
    const isShare = kind !== "number";
    const axis = {
      stroke: color("--muted"),
      font: "11px system-ui, sans-serif",
      grid: { stroke: color("--grid"), width: 1 },
    };
    return {
      width,
      height,
      padding: [8, 10, 0, 0],
      legend: { show: false },
      cursor: {
        sync: { key: cursors.key, setSeries: false },
        drag: { x: true, y: false, click: () => {} },
        y: false,
        points: { size: 7 },
      },
      scales: { x: { time: false }, y: { range: ranges[kind] } },
      axes: [
        {
          ...axis,
          ticks: { show: false },
          size: 26,
          gap: 4,
          incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000],
        },
        {
          ...axis,
          ticks: { show: false },
          size: 48,
          gap: 6,
          values: (_plot, ticks) => ticks.map(isShare ? (tick) => `${Math.round(tick * 100)}%` : number),
        },
      ],
      series: [{}, ...lines.map((line) => this.#series(line))],
      hooks: { setCursor: [(plot) => this.#tell(plot.cursor.idx ?? undefined)] },
    };
  }

  #series(line) {
    const stroke = color(line.color);
    const points = {
      show: true,
      size: line.isValidation ? 8 : 4,
      stroke,
      fill: line.isValidation ? color("--surface") : stroke,
    };
    if (line.isValidation) return { stroke, width: 1, dash: [3, 4], spanGaps: true, points: { ...points, width: 2 } };
    return { stroke, width: 2, spanGaps: true, points: { ...points, show: this.#data[0].length <= 40 } };
  }

  /** A click opens its step, unless it ends a drag or is half of a double click. */
  #click(event) {
    clearTimeout(this.#clicked);
    const isDrag = Math.abs(event.clientX - this.#pressedAt) > draggedPixels;
    const step = this.#data[0][this.#plot.posToIdx(event.offsetX)];
    if (step !== undefined && !isDrag && event.detail === 1)
      this.#clicked = setTimeout(() => this.#onStep(step), doubleClickMs);
  }
}

/** The y axis: whole for shares, from 0 for rare shares, with room above and below for other numbers. */
const ranges = {
  share: () => [0, 1],
  rare: (_plot, _min, max) => [0, Math.min(1, Math.max(0.05, (max ?? 0) * 1.15))],
  number: (_plot, min, max) => {
    if (min === null || max === null) return [0, 1];
    const room = max === min ? Math.abs(max) * 0.1 || 0.1 : (max - min) * 0.08;
    return [min - room, max + room];
  },
};
