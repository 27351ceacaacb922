/** What processes take, sampled over time: memory after a collection, memory of the whole process, open files, CPU time. */

import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { countOf, factsOf, memoryOf } from "./proc.ts";
import { type Sample, type Trend, trendOf } from "./trend.ts";

const probe = fileURLToPath(new URL("probe.js", import.meta.url));
const mib = 2 ** 20;

/** What a watched process needs in its environment: it then says how large its heap is. `hosts`: actor hosts do so too. */
export function watchedEnvironment(folder: string, everySeconds: number, hosts = false): NodeJS.ProcessEnv {
  return {
    NODE_OPTIONS: `--import ${pathToFileURL(probe).href}`,
    ASTUNE_PROBE_FOLDER: folder,
    ASTUNE_PROBE_SECONDS: String(everySeconds),
    ASTUNE_PROBE_HOSTS: hosts ? "1" : "",
  };
}

/** One figure of one process, or of the machine. */
export class Series {
  readonly name: string;
  readonly unit: string;
  readonly samples: Sample[] = [];

  constructor(name: string, unit: string) {
    this.name = name;
    this.unit = unit;
  }

  /** Of what was sampled from `fromSeconds` on. */
  trend(fromSeconds: number): Trend {
    return trendOf(this.samples.filter(({ seconds }) => seconds >= fromSeconds));
  }
}

export class ProcessWatch {
  readonly #folder: string;
  readonly #start = performance.now();
  readonly #series = new Map<string, Series>();
  readonly #pids = new Map<string, number>();

  /** `folder`: where the watched processes write. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  get seconds(): number {
    return (performance.now() - this.#start) / 1000;
  }

  get series(): readonly Series[] {
    return [...this.#series.values()];
  }

  add(name: string, pid: number): void {
    this.#pids.set(name, pid);
  }

  get names(): readonly string[] {
    return [...this.#pids.keys()];
  }

  /** Whether it runs, as itself and not as what its parent has not collected yet. */
  isAlive(name: string): boolean {
    const facts = factsOf(this.#pids.get(name) ?? 0);
    return facts !== undefined && facts.state !== "Z";
  }

  /** Takes one sample of everything, and of `others`. */
  sample(others: Readonly<Record<string, readonly [value: number, unit: string]>> = {}): void {
    for (const [name, pid] of this.#pids) {
      const [memory, files] = [memoryOf(pid), countOf(pid, "fd")];
      if (memory === undefined || files === undefined) continue;
      this.put(`${name}, RSS`, memory.rssBytes / mib, "MB");
      this.put(`${name}, open files`, files, "");
      const heap = this.#heapOf(pid);
      if (heap !== undefined) this.put(`${name}, heap`, heap, "MB");
    }
    for (const [name, [value, unit]] of Object.entries(others)) this.put(name, value, unit);
  }

  put(name: string, value: number, unit: string): void {
    let series = this.#series.get(name);
    if (!series) {
      series = new Series(name, unit);
      this.#series.set(name, series);
    }
    series.samples.push({ seconds: this.seconds, value });
  }

  /** CPU seconds of these processes and of those that ended under them. */
  cpuSeconds(): number {
    return [...this.#pids.values()].reduce((sum, pid) => {
      const facts = factsOf(pid);
      return sum + (facts === undefined ? 0 : facts.cpuSeconds + facts.endedChildrenCpuSeconds);
    }, 0);
  }

  /** Heap and what lies beside it, after the last collection. */
  #heapOf(pid: number): number | undefined {
    const last = lastLine(join(this.#folder, `${pid}.jsonl`));
    if (last === undefined) return undefined;
    const { heapUsed, external } = JSON.parse(last) as { heapUsed: number; external: number };
    return (heapUsed + external) / mib;
  }
}

function lastLine(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8").trimEnd().split("\n").at(-1);
  } catch {
    return undefined;
  }
}

/** Bytes of all files in a folder and below it. */
export function folderMib(folder: string, wanted: (name: string) => boolean = () => true): number {
  let bytes = 0;
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (!wanted(name)) continue;
    bytes += statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0;
  }
  return bytes / mib;
}
