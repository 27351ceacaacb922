// Equal values of many records, kept once: a hundred thousand actors are of a few classes.

/** So many are kept; the one that was used longest ago gives way. */
const mostKept = 1_000;

export class SharedValues {
  readonly #values = new Map<string, unknown>();

  /** A value that equals this one, which is plain data that nobody changes. */
  one<Value>(value: Value): Value {
    const key = JSON.stringify(value);
    const known = this.#values.get(key);
    if (known !== undefined) this.#values.delete(key);
    const kept = known ?? value;
    this.#values.set(key, kept);
    const [oldest] = this.#values.size > mostKept ? this.#values.keys() : [];
    if (oldest !== undefined) this.#values.delete(oldest);
    return kept as Value;
  }
}
