/** A small byte-level tokenizer for the fixture: writes its `tokenizer.json`, and turns text into ids that decode back. */

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

const special = [
  "<|endoftext|>",
  "<|im_start|>",
  "<|im_end|>",
  "<tool_call>",
  "</tool_call>",
  "<tool_response>",
  "</tool_response>",
];
const words =
  "the a of to and is in that it for how many much each all left total answer print code python run tool name arguments " +
  "execute_python_code import result people apples train books so then we first need sum times minus plus divided by returncode " +
  "stdout stderr assistant user system boxed final you are have gets gives find calculate step let me use function is";

/** GPT-2's table: each byte as a printable sign. */
function byteSigns(): readonly string[] {
  const isPrintable = (byte: number) =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(isPrintable(byte) ? byte : next++));
}

const signs = byteSigns();
const written = (text: string) => [...Buffer.from(text, "utf8")].map((byte) => signs[byte]).join("");
const longer = [...new Set(words.split(" "))].flatMap((word) => [word, ` ${word}`]);
const vocabulary = [...new Set([...signs, ...longer.map(written)])];
const idOf = new Map(vocabulary.map((token, id) => [token, id]));
const specialId = new Map(special.map((token, index) => [token, vocabulary.length + index]));
const longest = Math.max(...vocabulary.map((token) => token.length));
const specialPattern = new RegExp(`(${special.map((token) => token.replaceAll("|", "\\|")).join("|")})`);

/** The id of a special token. */
export function specialToken(token: string): number {
  const id = specialId.get(token);
  if (id === undefined) throw new Error(`no special token ${token}`);
  return id;
}

/** Ids of a text: the longest known token first. */
export function encode(text: string): number[] {
  return text.split(specialPattern).flatMap((part) => {
    const known = specialId.get(part);
    return known === undefined ? encodePlain(written(part)) : [known];
  });
}

function encodePlain(text: string): number[] {
  const ids: number[] = [];
  for (let at = 0; at < text.length; ) {
    let length = Math.min(longest, text.length - at);
    while (length > 1 && !idOf.has(text.slice(at, at + length))) length -= 1;
    ids.push(idOf.get(text.slice(at, at + length)) ?? 0);
    at += length;
  }
  return ids;
}

/** Writes `tokenizer.json` into a folder. */
export async function writeTokenizer(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const added = special.map((content) => ({
    id: specialToken(content),
    content,
    special: true,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
  }));
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: true };
  const model = { type: "BPE", vocab: Object.fromEntries(idOf), merges: [] };
  const tokenizer = {
    version: "1.0",
    added_tokens: added,
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model,
  };
  await writeFile(join(folder, "tokenizer.json"), JSON.stringify(tokenizer));
}
