/** What the processes of a run use while it runs: the peak of their memory and their CPU time, by part. */

import { memoryOf, type ProcessFacts, processesBelow } from "../watch/proc.ts";

/** What one part of the run has used. */
export interface PartUsage {
  readonly part: string;
  readonly processes: number;
  readonly peakBytes: number;
  readonly cpuSeconds: number;
}

/** Samples from the call to `end`, which gives the parts and the peak of all together. */
export class Usage {
  readonly #partOf: (pid: number) => string | undefined;
  readonly #before = new Map<number, number>();
  readonly #peaks = new Map<string, { bytes: number; processes: number }>();
  readonly #timer: NodeJS.Timeout;
  #peakBytes = 0;

  /** `actors`: the parts that are known by process id. */
  constructor(actors: ReadonlyMap<number, string>, intervalMs = 1000) {
    this.#partOf = (pid) => actors.get(pid);
    for (const each of processesBelow([process.pid])) this.#before.set(each.pid, cpuSecondsOf(each));
    this.#sample();
    this.#timer = setInterval(() => this.#sample(), intervalMs);
  }

  end(): { readonly parts: readonly PartUsage[]; readonly peakBytes: number } {
    clearInterval(this.#timer);
    const tree = this.#sample();
    const cpu = new Map<string, number>();
    for (const each of tree) {
      const part = this.#part(each, tree);
      cpu.set(part, (cpu.get(part) ?? 0) + cpuSecondsOf(each) - (this.#before.get(each.pid) ?? 0));
    }
    const parts = [...this.#peaks].map(([part, { bytes, processes }]) => ({
      part,
      processes,
      peakBytes: bytes,
      cpuSeconds: cpu.get(part) ?? 0,
    }));
    return { parts, peakBytes: this.#peakBytes };
  }

  #sample(): readonly ProcessFacts[] {
    const tree = processesBelow([process.pid]);
    const now = new Map<string, { bytes: number; processes: number }>();
    for (const each of tree) {
      const part = this.#part(each, tree);
      const sum = now.get(part) ?? { bytes: 0, processes: 0 };
      now.set(part, { bytes: sum.bytes + (memoryOf(each.pid)?.pssBytes ?? 0), processes: sum.processes + 1 });
    }
    for (const [part, { bytes, processes }] of now) {
      const peak = this.#peaks.get(part);
      const most = Math.max(processes, peak?.processes ?? 0);
      this.#peaks.set(part, { bytes: Math.max(bytes, peak?.bytes ?? 0), processes: most });
    }
    this.#peakBytes = Math.max(
      this.#peakBytes,
      [...now.values()].reduce((sum, { bytes }) => sum + bytes, 0),
    );
    return tree;
  }

  /** An actor's own name, or what the command says; a sandbox's processes are those below it. */
  #part(each: ProcessFacts, tree: readonly ProcessFacts[]): string {
    const known = this.#partOf(each.pid);
    if (known !== undefined) return known;
    if (each.pid === process.pid) return "this benchmark";
    if (each.command.includes("standalone")) return "head and node";
    if (each.command.includes("astune_runtime")) return "Python hosts, idle";
    for (let at: ProcessFacts | undefined = each; at; at = tree.find(({ pid }) => pid === at?.parent)) {
      if (at.command.includes("bwrap")) return "sandbox";
    }
    return "other processes";
  }
}

/** The sandboxes of a run come and go: their time is with whoever started them. */
function cpuSecondsOf({ cpuSeconds, endedChildrenCpuSeconds }: ProcessFacts): number {
  return cpuSeconds + endedChildrenCpuSeconds;
}
