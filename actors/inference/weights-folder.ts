/** Looks at a weights folder before an engine does: vLLM dies on a bad one, and serves values that are not finite. */

import { type FileHandle, open, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { BadWeightsError } from "./errors.ts";

const HEADER_LIMIT_BYTES = 100 << 20;
const CHUNK_BYTES = 4 << 20;

interface TensorEntry {
  readonly dtype: string;
  readonly data_offsets: readonly [number, number];
}

export interface WeightsFolder {
  readonly files: readonly string[];
  readonly bytes: number;
  readonly tensors: number;
}

/**
 * Reads the header of each safetensors file in `dir`, compares the length, and with `values` scans every float for NaN
 * and infinity. Throws `BadWeightsError` that names the file and, where it can, the tensor.
 */
export async function checkWeightsFolder(dir: string, options: { values: boolean }): Promise<WeightsFolder> {
  let names: string[];
  try {
    names = await readdir(dir);
  } catch (cause) {
    throw new BadWeightsError({ dir, why: "there is no such folder" }, { cause });
  }
  if (!names.includes("config.json")) throw new BadWeightsError({ dir, why: "config.json is missing" });
  const files = names.filter((name) => name.endsWith(".safetensors")).sort();
  const wanted = names.includes("model.safetensors.index.json") ? await indexedFiles(dir) : [];
  const missing = wanted.find((name) => !files.includes(name));
  if (missing !== undefined) throw new BadWeightsError({ dir, why: `${missing} is missing` });
  if (files.length === 0) throw new BadWeightsError({ dir, why: "it has no safetensors file" });
  let bytes = 0;
  let tensors = 0;
  for (const file of files) {
    const checked = await checkFile(dir, file, options.values);
    bytes += checked.bytes;
    tensors += checked.tensors;
  }
  if (tensors === 0) throw new BadWeightsError({ dir, why: "its files hold no tensor" });
  return { files, bytes, tensors };
}

async function indexedFiles(dir: string): Promise<string[]> {
  try {
    const index = JSON.parse(await readFile(join(dir, "model.safetensors.index.json"), "utf8")) as {
      weight_map: Record<string, string>;
    };
    return [...new Set(Object.values(index.weight_map))];
  } catch (cause) {
    throw new BadWeightsError({ dir, why: "model.safetensors.index.json cannot be read" }, { cause });
  }
}

async function checkFile(dir: string, name: string, values: boolean): Promise<{ bytes: number; tensors: number }> {
  const path = join(dir, name);
  const bad: Complain = (why, cause) => new BadWeightsError({ dir, why: `${name} ${why}` }, { cause });
  const { size } = await stat(path);
  const file = await open(path, "r");
  try {
    const start = 8 + (await headerBytes(file, size, bad));
    const entries = await readEntries(file, start, bad);
    const end = entries.reduce((most, [, entry]) => Math.max(most, entry.data_offsets[1]), 0);
    if (start + end !== size) throw bad(`should have ${start + end} bytes and has ${size}`);
    if (values) {
      for (const [tensor, entry] of entries) {
        if (!(await allFinite(file, start, entry))) throw bad(`has values in ${tensor} that are not finite`);
      }
    }
    return { bytes: size, tensors: entries.length };
  } finally {
    await file.close();
  }
}

type Complain = (why: string, cause?: unknown) => BadWeightsError;

async function headerBytes(file: FileHandle, size: number, bad: Complain): Promise<number> {
  const prefix = Buffer.alloc(8);
  if ((await file.read(prefix, 0, 8, 0)).bytesRead < 8) throw bad("is cut off");
  const length = Number(prefix.readBigUInt64LE());
  if (length > HEADER_LIMIT_BYTES || length + 8 > size) throw bad("is cut off or no safetensors file");
  return length;
}

async function readEntries(file: FileHandle, start: number, bad: Complain): Promise<[string, TensorEntry][]> {
  const header = Buffer.alloc(start - 8);
  await file.read(header, 0, header.length, 8);
  try {
    const parsed = JSON.parse(header.toString("utf8")) as Record<string, TensorEntry>;
    return Object.entries(parsed).filter(([key]) => key !== "__metadata__");
  } catch (cause) {
    throw bad("has a header that cannot be read", cause);
  }
}

async function allFinite(file: FileHandle, start: number, entry: TensorEntry): Promise<boolean> {
  const isBad = finders[entry.dtype];
  if (isBad === undefined) return true;
  const [from, to] = entry.data_offsets;
  const buffer = Buffer.alloc(Math.min(CHUNK_BYTES, to - from));
  for (let at = from; at < to; at += buffer.length) {
    const length = Math.min(buffer.length, to - at);
    await file.read(buffer, 0, length, start + at);
    if (isBad(buffer.buffer, buffer.byteOffset, length)) return false;
  }
  return true;
}

/** True when a value is NaN or infinite: all bits of its exponent are set. */
const finders: Readonly<Record<string, (data: ArrayBufferLike, offset: number, length: number) => boolean>> = {
  F32: (data, offset, length) => someHas(new Uint32Array(data, offset, length / 4), 0x7f80_0000),
  BF16: (data, offset, length) => someHas(new Uint16Array(data, offset, length / 2), 0x7f80),
  F16: (data, offset, length) => someHas(new Uint16Array(data, offset, length / 2), 0x7c00),
};

function someHas(words: Uint32Array | Uint16Array, exponent: number): boolean {
  for (let i = 0; i < words.length; i++) {
    if (((words[i] as number) & exponent) === exponent) return true;
  }
  return false;
}
