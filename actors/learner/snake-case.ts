/** Names and numbers as the kernel's JSON has them. */

/** A copy of plain data with every key in snake_case; arrays and strings stay as they are. */
export function snakeCase(value: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .map(([key, item]) => [
        key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
        isPlain(item) ? snakeCase(item) : item,
      ]),
  );
}

function isPlain(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A number of a reply. JSON has no NaN or infinity: the kernel sends null for them. */
export function numberOf(value: unknown): number {
  return typeof value === "number" ? value : Number.NaN;
}
