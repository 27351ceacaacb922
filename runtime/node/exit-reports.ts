// Ends of hosts that the head has not acknowledged: a head that is started again is told of them when the node joins it.
import type { HostExit } from "../control/index.ts";
import type { Peer } from "../transport/index.ts";

export class ExitReports {
  readonly #open = new Map<string, HostExit>();

  get open(): readonly HostExit[] {
    return [...this.#open.values()];
  }

  send(exit: HostExit, head: Peer | undefined): void {
    this.#open.set(exit.hostId, exit);
    const acknowledged = () => void this.#open.delete(exit.hostId);
    head?.ask("hostExited", exit).then(acknowledged, () => {});
  }
}
