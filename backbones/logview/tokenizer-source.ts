/**
 * Finds the tokenizer of a run: the one that was given, else that of the model which the run's `config.yaml` names
 * (a folder, or a hub id in the local cache), else that of a checkpoint. Opened when the first episode is looked at.
 */

import { readdir, readFile, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { parse } from "yaml";
import { numbersOnly, openTokenDecoder, type TokenDecoder } from "./token-text.ts";

/** A decoder, and a line for people where it is only a makeshift. */
export interface FoundTokenizer {
  readonly decoder: TokenDecoder;
  readonly problem?: string;
}

/** The tokenizer of one run; asked again until one is found, because a run writes its files one after another. */
export class TokenizerSource {
  readonly #folder: string;
  readonly #given: string | undefined;
  #found: FoundTokenizer | undefined;

  constructor(folder: string, given?: string) {
    this.#folder = folder;
    this.#given = given;
  }

  async open(): Promise<FoundTokenizer> {
    if (this.#found) return this.#found;
    const model = this.#given ?? (await modelPath(this.#folder));
    for (const path of await candidates(this.#folder, model)) {
      if (!(await exists(path))) continue;
      try {
        this.#found = { decoder: await openTokenDecoder(path) };
        return this.#found;
      } catch (error) {
        return { decoder: numbersOnly, problem: `${path} cannot be read: ${(error as Error).message}` };
      }
    }
    const where = model === undefined ? "config.yaml names no model yet" : `there is no tokenizer.json in ${model}`;
    return { decoder: numbersOnly, problem: `Tokens are shown as numbers: ${where}.` };
  }
}

async function modelPath(folder: string): Promise<string | undefined> {
  try {
    const config: unknown = parse(await readFile(join(folder, "config.yaml"), "utf8"));
    const astune = (config as { astune?: { model?: { path?: unknown } } } | null)?.astune;
    return typeof astune?.model?.path === "string" ? astune.model.path : undefined;
  } catch {
    return undefined;
  }
}

async function candidates(folder: string, model: string | undefined): Promise<readonly string[]> {
  const checkpoints = join(folder, "checkpoints");
  const kept = (await list(checkpoints)).reverse().map((name) => join(checkpoints, name, "tokenizer.json"));
  if (model === undefined) return kept;
  if (model.endsWith(".json")) return [resolve(model), ...kept];
  const hub =
    process.env["HF_HUB_CACHE"] ?? join(process.env["HF_HOME"] ?? join(homedir(), ".cache/huggingface"), "hub");
  const snapshots = join(hub, `models--${model.replaceAll("/", "--")}`, "snapshots");
  return [
    resolve(model, "tokenizer.json"),
    resolve(folder, model, "tokenizer.json"),
    ...(await list(snapshots)).map((name) => join(snapshots, name, "tokenizer.json")),
    ...kept,
  ];
}

async function list(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).sort();
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
