/** The curves of a long run as a picture. */

import { writeFileSync } from "node:fs";
import type { Series } from "./process-watch.ts";
import { type Panel, svgPlot } from "./svg-plot.ts";

/** Draws the curves of a watch to `file`, as SVG, and writes the samples beside it as JSON. */
export function savePlot(file: string, series: readonly Series[], from: number): void {
  const ending = (text: string) => series.filter(({ name }) => name.endsWith(text));
  const panels: readonly Panel[] = [
    { title: "memory of the process, MB", series: ending("RSS") },
    { title: "heap and what lies beside it, after a collection, MB", series: ending("heap") },
    { title: "open files and processes", series: [...ending("open files"), ...ending("processes")] },
    {
      title: "shared memory, and the head's store on disk, MB",
      series: [...ending("shared memory"), ...ending("store")],
    },
  ];
  writeFileSync(
    file,
    svgPlot(
      panels.filter((panel) => panel.series.length > 0),
      from,
    ),
  );
  writeFileSync(file.replace(/\.svg$/, ".json"), JSON.stringify(series));
}
