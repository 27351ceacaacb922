/** The run's numbers by step. Rows of one step are merged and the later one wins, as after a resume. */

export class Metrics {
  #byStep = new Map();
  #keys = new Set();
  /** How many rows of the file are in here. */
  rows = 0;

  clear() {
    this.#byStep.clear();
    this.#keys.clear();
    this.rows = 0;
  }

  add(rows) {
    for (const row of rows) {
      const step = Number(row.step ?? 0);
      this.#byStep.set(step, { ...this.#byStep.get(step), ...row });
      for (const [key, value] of Object.entries(row)) if (typeof value === "number") this.#keys.add(key);
    }
    this.rows += rows.length;
  }

  /** All steps, ascending. */
  get steps() {
    return [...this.#byStep.keys()].sort((a, b) => a - b);
  }

  /** Names of all numbers seen, without the step and the time. */
  get keys() {
    return [...this.#keys].filter((key) => key !== "step" && key !== "time").sort();
  }

  /** The values of a number at all steps; null where a step has none. */
  column(key) {
    return this.steps.map((step) => numberOrNull(this.#byStep.get(step)?.[key]));
  }

  /** First and last value of a number, or undefined. */
  ends(key) {
    const values = this.column(key).filter((value) => value !== null);
    return values.length === 0 ? undefined : { first: values[0], last: values.at(-1) };
  }

  /** The first of these names (or patterns) that the run has. */
  find(...candidates) {
    for (const candidate of candidates) {
      const found = this.keys.find((key) => (candidate instanceof RegExp ? candidate.test(key) : key === candidate));
      if (found) return found;
    }
    return undefined;
  }
}

function numberOrNull(value) {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}
