// Amounts of resources as whole numbers: ten-thousandths of everything but memory, which is in bytes. So 0.1 + 0.2 is
// 0.3, and nothing is ever over-committed by rounding.

/** Whole units by resource name. A name that is absent is zero. */
export type Units = Readonly<Record<string, number>>;

export const unitsPerOne = 10_000;

function scale(name: string): number {
  return name === "memory" ? 1 : unitsPerOne;
}

/** The amount in units, or undefined if it is negative, not finite or finer than 0.0001 (memory: not whole bytes). */
export function toUnits(name: string, amount: number): number | undefined {
  const scaled = amount * scale(name);
  const units = Math.round(scaled);
  const exact = Math.abs(scaled - units) <= Math.max(1e-6, Math.abs(units) * 1e-12);
  return Number.isSafeInteger(units) && units >= 0 && exact ? units : undefined;
}

/** One amount as users write it. */
export function toAmount(name: string, units: number): number {
  return units / scale(name);
}

/** Amounts as users write them. */
export function fromUnits(units: Units): Record<string, number> {
  return Object.fromEntries(Object.entries(units).map(([name, n]) => [name, toAmount(name, n)]));
}

export function plus(a: Units, b: Units): Units {
  const sum: Record<string, number> = { ...a };
  for (const [name, n] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + n;
  return sum;
}

export function minus(a: Units, b: Units): Units {
  const rest: Record<string, number> = { ...a };
  for (const [name, n] of Object.entries(b)) rest[name] = (rest[name] ?? 0) - n;
  return rest;
}
