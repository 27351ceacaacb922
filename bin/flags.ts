/** Values of command-line flags, checked. */

import { InvalidArgumentError } from "commander";

/** A whole number from 0. */
export function count(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("expected a whole number.");
  return Number(text);
}

/** Seconds above 0, fractions too. */
export function seconds(text: string): number {
  const number = Number(text);
  if (!(number > 0 && number < 1e6)) throw new InvalidArgumentError("expected seconds, above 0.");
  return number;
}

/** A port; 0 is any. */
export function port(text: string): number {
  const number = count(text);
  if (number > 65_535) throw new InvalidArgumentError("expected a port, from 0 to 65535.");
  return number;
}

const units: Readonly<Record<string, number>> = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** Bytes: `1024`, `512MiB`, `16GiB`. */
export function bytes(text: string): number {
  const match = text.match(/^(\d+(?:\.\d+)?)([KMGT]?)(?:i?B)?$/);
  if (!match) throw new InvalidArgumentError("expected bytes, as 1073741824 or 16GiB.");
  return Math.round(Number(match[1]) * (units[match[2] ?? ""] ?? 1));
}

/** A JSON object of amounts by name. */
export function resources(text: string): Record<string, number> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InvalidArgumentError('expected JSON, as {"tpu": 2}.');
  }
  const good = typeof value === "object" && value !== null && Object.values(value).every((n) => typeof n === "number");
  if (!good) throw new InvalidArgumentError('expected numbers by name, as {"tpu": 2}.');
  return value as Record<string, number>;
}

/** `name=value` pairs with commas between. */
export function labels(text: string): Record<string, string> {
  const pairs = text.split(",").map((pair) => {
    const at = pair.indexOf("=");
    if (at < 1) throw new InvalidArgumentError("expected name=value pairs with commas between.");
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
  return Object.fromEntries(pairs) as Record<string, string>;
}
