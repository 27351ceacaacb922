/** Asks a server for its health now and then, and tells when it hangs or says that it is broken. */

import { EngineTimeoutError } from "./errors.ts";
import type { RunningServer } from "./running-server.ts";

const FAILURES = 3;

/** Calls `onHang` once, after three bad answers in a row. Returns the way to stop. Its timer keeps no process alive. */
export function watchHealth(
  server: RunningServer,
  times: { readonly healthEveryMs: number; readonly healthMs: number },
  onHang: (why: string) => void,
): () => void {
  let failures = 0;
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;
  const ask = async (): Promise<void> => {
    try {
      await server.http.json({ method: "GET", path: "/health", timeoutMs: times.healthMs });
      failures = 0;
    } catch (error) {
      failures++;
      if (failures >= FAILURES && !isStopped) {
        isStopped = true;
        onHang(error instanceof EngineTimeoutError ? "hangs" : `is not healthy (${(error as Error).message})`);
      }
    }
    next();
  };
  const next = (): void => {
    if (!isStopped) timer = setTimeout(() => void ask(), times.healthEveryMs).unref();
  };
  next();
  return () => {
    isStopped = true;
    clearTimeout(timer);
  };
}
