/** Curves over time as an SVG picture: one panel for each group of series. */

import type { Series } from "./process-watch.ts";

export interface Panel {
  readonly title: string;
  readonly series: readonly Series[];
}

const [width, height, left, right, top, bottom] = [860, 220, 60, 190, 30, 30] as const;
const colours = ["#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b", "#17becf", "#7f7f7f"];

/** The picture's text. The panels lie one below the other; what came before `fromSeconds` is shaded. */
export function svgPlot(panels: readonly Panel[], fromSeconds: number): string {
  const parts = panels.map(
    (panel, i) => `<g transform="translate(0 ${i * height})">${panelOf(panel, fromSeconds)}</g>`,
  );
  const size = `width="${width}" height="${panels.length * height}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="sans-serif" font-size="11">
<rect width="100%" height="100%" fill="white"/>
${parts.join("\n")}
</svg>
`;
}

function panelOf({ title, series }: Panel, fromSeconds: number): string {
  const samples = series.flatMap((one) => one.samples);
  const end = Math.max(1, ...samples.map(({ seconds }) => seconds));
  const most = Math.max(1e-9, ...samples.map(({ value }) => value)) * 1.05;
  const x = (seconds: number): number => left + (seconds / end) * (width - left - right);
  const y = (value: number): number => height - bottom - (value / most) * (height - top - bottom);
  const text = (at: string, words: string, more = ""): string => `<text ${at} ${more}>${escaped(words)}</text>`;
  const parts = [
    `<rect x="${left}" y="${top}" width="${x(fromSeconds) - left}" height="${height - top - bottom}" fill="#eee"/>`,
    text(`x="${left}" y="18"`, title, 'font-weight="bold"'),
  ];
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    const value = share * most;
    parts.push(`<path d="M${left} ${y(value)}H${width - right}" stroke="#ddd"/>`);
    parts.push(text(`x="${left - 6}" y="${y(value) + 4}"`, String(Number(value.toPrecision(3))), 'text-anchor="end"'));
    const minutes = (share * end) / 60;
    parts.push(
      text(
        `x="${x(share * end)}" y="${height - 12}"`,
        `${Number(minutes.toPrecision(2))}${share === 1 ? " min" : ""}`,
        'text-anchor="middle"',
      ),
    );
  }
  for (const [i, one] of series.entries()) {
    const colour = colours[i % colours.length];
    const line = one.samples.map(({ seconds, value }) => `${x(seconds).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
    parts.push(`<polyline points="${line}" fill="none" stroke="${colour}" stroke-width="1.2"/>`);
    parts.push(text(`x="${width - right + 10}" y="${top + 12 + 15 * i}"`, one.name, `fill="${colour}"`));
  }
  return parts.join("\n");
}

function escaped(words: string): string {
  return words.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
