import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checkWeightsFolder } from "../../../actors/inference/weights-folder.ts";

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "astune-weights-"));
  await writeFile(join(dir, "config.json"), "{}");
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function write(values: readonly number[], name = "model.safetensors"): Promise<string> {
  const data = Buffer.from(new Float32Array(values).buffer);
  const header = JSON.stringify({
    __metadata__: { format: "pt" },
    "layer.weight": { dtype: "F32", shape: [values.length], data_offsets: [0, data.length] },
  });
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(header.length));
  await writeFile(join(dir, name), Buffer.concat([prefix, Buffer.from(header), data]));
  return join(dir, name);
}

const check = (): Promise<unknown> => checkWeightsFolder(dir, { values: true });

describe("a weights folder", () => {
  test("whole and finite weights pass, with their number", async () => {
    await write([1, -2, 0, 3.4e38, -1e-45]);
    expect(await check()).toMatchObject({ files: ["model.safetensors"], tensors: 1 });
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    "%s is found and its tensor named",
    async (bad) => {
      await write([1, 2, bad]);
      await expect(check()).rejects.toMatchObject({ code: "BAD_WEIGHTS", message: /layer\.weight/ });
    },
  );

  test("a file that was cut off is named", async () => {
    const path = await write([1, 2, 3]);
    await truncate(path, (await readFile(path)).length - 2);
    await expect(check()).rejects.toThrow(/model\.safetensors should have \d+ bytes/);
  });

  test("a file that is no safetensors is named", async () => {
    await writeFile(join(dir, "model.safetensors"), "hello, I am no tensor at all");
    await expect(check()).rejects.toThrow(/model\.safetensors/);
  });

  test("a shard that the index names must be there", async () => {
    await write([1], "model-00001-of-00002.safetensors");
    const map = { a: "model-00001-of-00002.safetensors", b: "model-00002-of-00002.safetensors" };
    await writeFile(join(dir, "model.safetensors.index.json"), JSON.stringify({ weight_map: map }));
    await expect(check()).rejects.toThrow(/model-00002-of-00002\.safetensors is missing/);
  });

  test("a missing folder, config or weights file is said", async () => {
    await expect(checkWeightsFolder(join(dir, "none"), { values: false })).rejects.toThrow(/no such folder/);
    await expect(check()).rejects.toThrow(/no safetensors/);
    await rm(join(dir, "config.json"));
    await expect(check()).rejects.toThrow(/config\.json is missing/);
  });
});
