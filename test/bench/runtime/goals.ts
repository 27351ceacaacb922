/** What each row is held to, as ours over Ray's. Rows that are not here are shown without a goal. */

import type { Goal } from "../bench.ts";

const rates: Readonly<Record<string, number>> = {
  "single client get calls (Plasma Store)": 10,
  "single client put calls (Plasma Store)": 30,
  "single client wait 1k refs": 25,
  "single client tasks sync": 8,
  "single client tasks async": 30,
  "1:1 actor calls sync": 8,
  "1:1 actor calls async": 30,
  "n:n actor calls async": 30,
  "n:n actor calls with arg async": 30,
  "placement group create/removal": 10,
  "20 actors at once, created and answering": 10,
  "actors one after another, created and answering": 2,
};

/** The goal of a row of rates, or of one of times: those may be no longer than Ray's best. */
export function goalOf(name: string, unit: string): Goal | undefined {
  if (unit === "ms") return { atMost: 1 };
  const atLeast = rates[name];
  return atLeast === undefined ? undefined : { atLeast };
}
