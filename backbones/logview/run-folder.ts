/**
 * An experiment folder as it is and as it grows: its metrics, its episodes as rows, its state. It is read only when
 * somebody asks (`refresh`), so a page that nobody looks at costs the run nothing. The folder may appear later.
 */

import { readdir, readFile, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { EpisodeList } from "./episode-list.ts";
import { type EpisodeRow, episodeRow, type FoundEpisode } from "./episode-row.ts";
import { JsonlTail, readLineAt } from "./jsonl-tail.ts";
import { type RunState, runState } from "./run-state.ts";

/** Files whose turn it is only now and then: an episode file is rarely touched once newer ones are there. */
const freshFiles = 4;
const fullSweepEvery = 10;

/** Everything that changes while a run goes on, small enough to send on every change. */
export interface FolderState extends RunState {
  /** Changes when what was read before is void, for example after a resume. */
  readonly generation: number;
  readonly metrics: number;
  readonly episodes: number;
  readonly unreadableLines: number;
  readonly reading: boolean;
}

/** One line of `metrics.jsonl`. */
export type MetricsRow = Readonly<Record<string, unknown>>;

/** A run, read from its folder. */
export class RunFolder {
  readonly folder: string;
  readonly episodes = new EpisodeList();
  readonly metrics: MetricsRow[] = [];
  #generation = 1;
  #metricsTail: JsonlTail;
  #episodeTails = new Map<string, { readonly tail: JsonlTail; lines: number }>();
  #unreadableLines = 0;
  #sweeps = 0;
  #reading = false;
  #refreshing: Promise<void> | undefined;
  #state: RunState;

  constructor(folder: string) {
    this.folder = resolve(folder);
    this.#metricsTail = new JsonlTail(join(this.folder, "metrics.jsonl"));
    this.#state = runState({ name: basename(this.folder), exists: false });
  }

  get state(): FolderState {
    return {
      ...this.#state,
      generation: this.#generation,
      metrics: this.metrics.length,
      episodes: this.episodes.size,
      unreadableLines: this.#unreadableLines,
      reading: this.#reading,
    };
  }

  /** Reads what was written since the last time. Calls at the same time share one reading. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#read().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** Reads one episode from disk. Undefined where there is none at this place, or no longer. */
  async episode(file: string, line: number): Promise<{ row: EpisodeRow; episode: FoundEpisode } | undefined> {
    const row = this.episodes.find(file, line);
    if (row === undefined) return undefined;
    try {
      const text = await readLineAt(join(this.folder, "episodes", `${file}.jsonl`), row.offset, row.length);
      const episode = JSON.parse(text) as FoundEpisode;
      return episode.episodeId === row.episodeId ? { row, episode } : undefined;
    } catch {
      return undefined;
    }
  }

  async #read(): Promise<void> {
    this.#sweeps += 1;
    if (!(await this.#readMetrics())) this.#restart();
    await this.#readState();
    this.#reading = true;
    try {
      if (!(await this.#readEpisodes())) this.#restart();
    } finally {
      this.#reading = false;
    }
    await this.#readState();
  }

  /** False where the file was rewritten, and everything is to be read anew. */
  async #readMetrics(): Promise<boolean> {
    const outcome = await this.#metricsTail.read(({ text }) => {
      const row = parseObject(text);
      if (row) this.metrics.push(row);
      else if (text.trim() !== "") this.#unreadableLines += 1;
    });
    return outcome !== "rewritten";
  }

  async #readEpisodes(): Promise<boolean> {
    const names = await episodeFiles(join(this.folder, "episodes"));
    const gone = [...this.#episodeTails.keys()].some((name) => !names.includes(name));
    if (gone) return false;
    const isFullSweep = this.#sweeps % fullSweepEvery === 1;
    for (const [index, name] of names.entries()) {
      const known = this.#episodeTails.get(name);
      if (known && !isFullSweep && index < names.length - freshFiles) continue;
      const file = known ?? { tail: new JsonlTail(join(this.folder, "episodes", name)), lines: 0 };
      this.#episodeTails.set(name, file);
      const outcome = await file.tail.read(({ text, offset, length }) => {
        const place = { file: name.slice(0, -".jsonl".length), line: file.lines, offset, length };
        file.lines += 1;
        const row = episodeRow(text, place);
        if (row) this.episodes.add(row);
        else if (text.trim() !== "") this.#unreadableLines += 1;
      });
      if (outcome === "rewritten") return false;
    }
    return true;
  }

  #restart(): void {
    this.#generation += 1;
    this.#unreadableLines = 0;
    this.#sweeps = 0;
    this.metrics.length = 0;
    this.episodes.clear();
    this.#metricsTail = new JsonlTail(this.#metricsTail.path);
    this.#episodeTails = new Map();
  }

  async #readState(): Promise<void> {
    const [folder, config, metrics, summary] = await Promise.all([
      modifiedMs(this.folder),
      modifiedMs(join(this.folder, "config.yaml")),
      modifiedMs(this.#metricsTail.path),
      modifiedMs(join(this.folder, "summary.json")),
    ]);
    const episodes = [...this.#episodeTails.values()].reduce((last, { tail }) => Math.max(last, tail.modifiedMs), 0);
    const first = this.metrics[0];
    const last = this.metrics.at(-1);
    this.#state = runState({
      name: basename(this.folder),
      exists: folder !== undefined,
      run: await readJson(join(this.folder, "run.json")),
      ...(summary === undefined
        ? {}
        : { summary: await readJson(join(this.folder, "summary.json")), summaryWrittenMs: summary }),
      ...(config === undefined ? {} : { configWrittenMs: config }),
      ...(metrics === undefined ? {} : { metricsWrittenMs: metrics }),
      ...(episodes === 0 ? {} : { episodesWrittenMs: episodes }),
      ...(first === undefined ? {} : { firstMetrics: first }),
      ...(last === undefined ? {} : { lastMetrics: last }),
    });
  }
}

/** The names of the episode files, by step; of one step, training comes first. */
async function episodeFiles(folder: string): Promise<readonly string[]> {
  const found = await readdir(folder).catch(() => []);
  const step = (name: string) => Number(/(\d+)\.jsonl$/.exec(name)?.[1] ?? 0);
  return found
    .filter((name) => name.endsWith(".jsonl"))
    .sort((a, b) => step(a) - step(b) || Number(a.startsWith("validation")) - Number(b.startsWith("validation")));
}

async function modifiedMs(path: string): Promise<number | undefined> {
  return stat(path).then(
    (found) => found.mtimeMs,
    () => undefined,
  );
}

async function readJson(path: string): Promise<unknown> {
  return parseObject(await readFile(path, "utf8").catch(() => ""));
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
