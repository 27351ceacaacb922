import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openTokenDecoder, type TokenDecoder } from "../../../backbones/logview/token-text.ts";
import { TokenizerSource } from "../../../backbones/logview/tokenizer-source.ts";
import { encode, writeTokenizer } from "../../browser/logview-tokens.ts";

let folder: string;
let decoder: TokenDecoder;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "astune-tokens-"));
  await writeTokenizer(join(folder, "model"));
  decoder = await openTokenDecoder(join(folder, "model"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("the texts of the tokens, one after another, are the text", () => {
  const text = "<|im_start|>user\n  Wie viel\tkostet es – 5 €? 😀 answer the<|im_end|>\n";
  const ids = encode(text);
  const { text: texts, kind } = decoder.decode(ids);
  expect(texts.length).toBe(ids.length);
  expect(kind.length).toBe(ids.length);
  expect(texts.join("")).toBe(text);
});

test("special tokens are told apart, and a sign of several tokens stands on the last of them", () => {
  const { text, kind } = decoder.decode(encode("a€<|im_end|>"));
  expect(text).toEqual(["a", "", "", "€", "<|im_end|>"]);
  expect(kind).toEqual([0, 2, 2, 0, 1]);
});

test("bytes that are no character, and ids that the model does not know, are shown and cost nothing else", () => {
  const [first, second] = encode("€");
  const { text } = decoder.decode([first ?? 0, second ?? 0, ...encode("ok"), 999_999]);
  expect(text).toEqual(["\uFFFD", "\uFFFD", "o", "k", "⟨999999⟩"]);
});

test("the tokenizer is found through config.yaml as soon as that names a model, and else said to be missing", async () => {
  const run = join(folder, "run");
  await mkdir(run, { recursive: true });
  const source = new TokenizerSource(run);
  expect((await source.open()).problem).toContain("config.yaml names no model yet");
  await writeFile(join(run, "config.yaml"), "astune:\n  model:\n    path: ../model\n");
  const found = await source.open();
  expect(found.problem).toBeUndefined();
  expect(found.decoder.decode(encode("the answer")).text.join("")).toBe("the answer");
  const missing = await new TokenizerSource(run, join(folder, "nowhere")).open();
  expect(missing.problem).toContain(`no tokenizer.json in ${join(folder, "nowhere")}`);
  expect(missing.decoder.decode([7]).text).toEqual(["⟨7⟩"]);
});
