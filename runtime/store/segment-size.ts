// Segments come in a few sizes, so that a freed one fits the next object of about its length.

const smallestBytes = 128 * 1024;

/** The capacity of a segment for `bytes`: quarter steps between powers of two, at most a quarter more than asked for. */
export function segmentCapacity(bytes: number): number {
  if (bytes <= smallestBytes) return smallestBytes;
  const step = 2 ** Math.floor(Math.log2(bytes)) / 4;
  return Math.ceil(bytes / step) * step;
}
