// A host that is leased for tasks of one kind: what it has been given, and how much more it may be given ahead of time.
import type { Channel, PendingCall } from "../calls/index.ts";
import type { LeaseGrant } from "../control/index.ts";

/** Tasks given ahead should not keep a host busy for longer than this, so that another host can have them. */
const aheadMs = 5;
const mostAhead = 512;

export class LeasedHost {
  readonly grant: LeaseGrant;
  readonly channel: Channel;
  readonly #idleMs: number;
  readonly #idle: () => void;
  readonly #calls = new Set<PendingCall>();
  #timer: NodeJS.Timeout | undefined;
  /** What a task has taken of late; unknown at first. */
  #taskMs: number | undefined;
  #busySince = 0;
  #idleSince = 0;
  #blocked = false;
  /** The cancelled call that still runs. */
  #cancelled: number | undefined;

  constructor(grant: LeaseGrant, channel: Channel, idleMs: number, idle: () => void) {
    this.grant = grant;
    this.channel = channel;
    this.#idleMs = idleMs;
    this.#idle = idle;
  }

  get leaseId(): string {
    return this.grant.leaseId;
  }

  get load(): number {
    return this.#calls.size;
  }

  get calls(): readonly PendingCall[] {
    return [...this.#calls];
  }

  get hasRoom(): boolean {
    if (this.#blocked || this.#cancelled !== undefined) return false;
    const ahead = this.#taskMs === undefined ? 1 : Math.min(mostAhead, Math.ceil(aheadMs / this.#taskMs));
    return this.#calls.size < ahead;
  }

  take(call: PendingCall): void {
    if (this.#calls.size === 0) this.#busySince = performance.now();
    this.#calls.add(call);
    call.send(this.leaseId);
  }

  /** The host runs them in order: the first is running, the others wait. */
  hasBegun(call: PendingCall): boolean {
    return this.#cancelled === undefined && this.#calls.values().next().value === call;
  }

  /** The running task waits for others; what was to come after it has been given back. */
  block(returned: readonly PendingCall[]): void {
    for (const call of returned) this.#calls.delete(call);
    this.#blocked = true;
  }

  leave(call: PendingCall): void {
    const begun = this.hasBegun(call);
    if (!this.#calls.delete(call)) return;
    if (begun && call.cancelled) {
      this.#cancelled = call.callId;
      return;
    }
    this.#blocked = false;
    const now = performance.now();
    const took = Math.max(0.005, now - this.#busySince);
    // Answers that come together say that each took a part of the time: the mean goes down with each of them.
    this.#taskMs = this.#taskMs === undefined ? took : this.#taskMs * 0.8 + took * 0.2;
    this.#busySince = now;
    this.restIfIdle();
  }

  /** The host says that a cancelled call has ended there. */
  ended(callId: number): void {
    if (this.#cancelled !== callId) return;
    this.#cancelled = undefined;
    this.#blocked = false;
    this.#busySince = performance.now();
    this.restIfIdle();
  }

  restIfIdle(): void {
    if (!this.#isIdle) return;
    this.#idleSince = performance.now();
    // The timer stays while tasks come and go: none of them pays for setting and clearing it.
    this.#timer ??= setTimeout(this.#look, this.#idleMs);
  }

  get #isIdle(): boolean {
    return this.#calls.size === 0 && this.#cancelled === undefined;
  }

  /** Gives the host back if it has been idle for long enough. */
  readonly #look = (): void => {
    this.#timer = undefined;
    if (!this.#isIdle) return;
    const left = this.#idleSince + this.#idleMs - performance.now();
    if (left <= 0) this.#idle();
    else this.#timer = setTimeout(this.#look, Math.ceil(left));
  };

  close(): void {
    clearTimeout(this.#timer);
  }
}
