/** Runs many jobs, a bounded number at a time. */

/**
 * Calls `job` for each item, at most `limit` at once, and resolves to the results in the order of the items.
 * The first rejection, or the signal, stops further calls and rejects; running ones are waited for.
 */
export async function inParallel<I, O>(
  items: readonly I[],
  limit: number,
  job: (item: I, index: number) => Promise<O>,
  signal: AbortSignal,
): Promise<O[]> {
  const results = new Array<O>(items.length);
  let next = 0;
  let failed = false;
  const worker = async (): Promise<void> => {
    while (next < items.length && !failed) {
      signal.throwIfAborted();
      const index = next++;
      try {
        results[index] = await job(items[index] as I, index);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const workers = Array.from({ length: Math.min(limit, items.length) }, worker);
  const outcomes = await Promise.allSettled(workers);
  const rejected = outcomes.find((outcome) => outcome.status === "rejected");
  if (rejected !== undefined) throw rejected.reason;
  return results;
}
