/** What the programs share that run until they are stopped. */

import { pino } from "pino";

/** A logger of facts as JSON lines on standard error. */
export function logger(name: string): (facts: Readonly<Record<string, unknown>>, message: string) => void {
  const log = pino({ name, base: { pid: process.pid } }, pino.destination({ fd: 2, sync: true }));
  return (facts, message) => log.info(facts, message);
}

/** Done at SIGINT or SIGTERM; rejects with the signal's reason when it is aborted. A second signal ends at once. */
export function untilStopped(signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    let asked = 0;
    const stop = (): void => {
      if (++asked > 1) process.exit(130);
      resolve();
    };
    process.on("SIGINT", stop).on("SIGTERM", stop);
    signal?.addEventListener("abort", () => reject(signal.reason));
  });
}
