/** Numbers and times as text for people. */

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export function count(value) {
  return whole.format(value);
}

/** A share of 1 as a percentage: 1 decimal below 10%, where small shares matter. */
export function percent(share) {
  if (!Number.isFinite(share)) return "–";
  const value = share * 100;
  return `${Math.abs(value) < 10 && value !== 0 ? value.toFixed(1) : value.toFixed(0)}%`;
}

/** A number with about four digits. */
export function number(value) {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(2);
  if (size >= 1000) return whole.format(value);
  return String(Number(value.toPrecision(4)));
}

/** A reward: two decimals, as tables want. */
export function reward(value) {
  return Number.isFinite(value) ? value.toFixed(2) : "–";
}

/** A length of time: `8 s`, `3 min 20 s`, `2 h 05 min`. */
export function duration(ms) {
  if (!Number.isFinite(ms)) return "–";
  if (ms < 1_000) return `${Math.round(ms)}\u00a0ms`;
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 10) return `${(ms / 1_000).toFixed(1)}\u00a0s`;
  if (seconds < 60) return `${seconds}\u00a0s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}\u00a0min ${seconds % 60}\u00a0s`;
  return `${Math.floor(minutes / 60)}\u00a0h ${String(minutes % 60).padStart(2, "0")}\u00a0min`;
}

/** The names of the three faults, as the page says them. */
export const faultNames = {
  malformed_call: "malformed call",
  no_print: "printed nothing",
  early_answer: "early answer",
};

/** The faults of a list row, by name. */
export function faultsOf(row) {
  const { malformedCall, noPrint, earlyAnswer } = row.faults;
  return [malformedCall && "malformed_call", noPrint && "no_print", earlyAnswer && "early_answer"].filter(Boolean);
}
