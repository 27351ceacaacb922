// A session with the head, for questions only.
import { newId } from "../core/index.ts";
import { RaySystemError } from "../errors/index.ts";
import { dial, Peer, type Session } from "../transport/index.ts";
import type { HeadTarget } from "./head-target.ts";

/** Whoever can ask the head. */
export interface HeadAccess {
  /** Rejects with what the head threw. A question may be asked twice where the head is started again meanwhile. */
  ask(method: string, payload: unknown): Promise<unknown>;
}

export interface HeadConnection extends HeadAccess {
  readonly address: string;
  close(): void;
}

export interface ConnectHeadOptions extends Omit<HeadTarget, "tls">, Partial<Pick<HeadTarget, "tls">> {
  /** Gives up when the head does not answer for so long. Default 5,000. */
  readonly timeoutMs?: number;
}

/** Opens the session. Rejects with AuthenticationError, or with RaySystemError where no head answers in time. */
export async function connectHead({
  address,
  token,
  tls,
  timeoutMs = 5_000,
}: ConnectHeadOptions): Promise<HeadConnection> {
  let opened: (() => void) | undefined;
  let refused: ((error: Error) => void) | undefined;
  const peer: Peer = new Peer(
    "head",
    {
      up: () => opened?.(),
      ended: (_peer, error) => refused?.(error),
    },
    () => session,
  );
  const session: Session = dial({ address, token, tls, processId: newId() }, peer);
  const close = (): void => peer.end(new RaySystemError("the connection to the head was closed"));
  let timer: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      opened = resolve;
      refused = reject;
      const late = `no head answers at ${address} within ${timeoutMs / 1000} s: is astune-head running there?`;
      timer = setTimeout(() => reject(new RaySystemError(late)), timeoutMs);
      if (peer.connected) resolve();
    });
  } catch (error) {
    close();
    throw error;
  } finally {
    clearTimeout(timer);
  }
  return { address, ask: (method, payload) => peer.ask(method, payload), close };
}
