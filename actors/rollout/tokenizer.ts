/** The model's own tokenizer, from `tokenizer.json`: the same ids as Python's transformers gives. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Tokenizer as HuggingFaceTokenizer } from "@huggingface/tokenizers";
import { UserError } from "../../configs/index.ts";
import { ByteLevelDecoder } from "./byte-level.ts";

interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special?: boolean;
}

/** The parts of `tokenizer.json` and `tokenizer_config.json` that are read here. */
export interface TokenizerFiles {
  readonly json: { added_tokens?: AddedToken[] } & Record<string, unknown>;
  readonly config: Readonly<Record<string, unknown>>;
}

/** Marks that a model may hold as special tokens, but that belong to the text of a reply. */
const textMarks = /^<\/?(?:tool_call|tool_response|think)>$/;

export class Tokenizer {
  readonly #inner: HuggingFaceTokenizer;
  readonly #added: ReadonlyMap<number, AddedToken>;
  readonly #idOfAdded: ReadonlyMap<string, number>;
  readonly #hidden: ReadonlySet<number>;
  /** The library's own decoder looks each token up among the added ones; most models do not need it. */
  readonly #byteLevel: ByteLevelDecoder | undefined;

  constructor(files: TokenizerFiles) {
    const json = withConfiguredTokens(files);
    this.#inner = new HuggingFaceTokenizer(json, files.config);
    const added = json.added_tokens ?? [];
    this.#added = new Map(added.map((token) => [token.id, token]));
    this.#idOfAdded = new Map(added.map((token) => [token.content, token.id]));
    const hidden = added.filter((token) => token.special === true && !textMarks.test(token.content));
    this.#hidden = new Set(hidden.map((token) => token.id));
    const isByteLevel = (json["decoder"] as { type?: string } | null)?.type === "ByteLevel";
    this.#byteLevel = isByteLevel
      ? new ByteLevelDecoder(
          (id) => this.#inner.id_to_token(id),
          (id) => this.#added.has(id),
        )
      : undefined;
  }

  /** The ids of `text`; tokens written out in it (`<|im_end|>`) become those tokens, and none is put around it. */
  encode(text: string): number[] {
    return text === "" ? [] : this.#inner.encode(text, { add_special_tokens: false }).ids;
  }

  /** The exact text of `ids`, special tokens included. Bytes that are not UTF-8 become U+FFFD. */
  decode(ids: readonly number[]): string {
    if (this.#byteLevel) return this.#byteLevel.decode(ids);
    return ids.length === 0 ? "" : this.#inner.decode([...ids], { clean_up_tokenization_spaces: false });
  }

  /** The text of `ids` as a client is to see it: special tokens left out, tool marks kept. */
  decodeVisible(ids: readonly number[]): string {
    return this.decode(ids.filter((id) => !this.#hidden.has(id)));
  }

  /** The id of a token that stands in the list of added tokens. */
  idOfAdded(content: string): number | undefined {
    return this.#idOfAdded.get(content);
  }

  /** The added token with this id, as text. */
  addedToken(id: number): string | undefined {
    return this.#added.get(id)?.content;
  }
}

/** Reads both files of a model's folder. A `UserError` says which one is missing or broken. */
export async function readTokenizerFiles(modelPath: string): Promise<TokenizerFiles> {
  const json = await readJson(join(modelPath, "tokenizer.json"), true);
  return { json, config: await readJson(join(modelPath, "tokenizer_config.json"), false) };
}

/** The JSON object in `file`; `{}` when it is not there and not `required`. */
export async function readJson(file: string, required: boolean): Promise<Record<string, unknown>> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (!required && (error as NodeJS.ErrnoException).code === "ENOENT") return {};
    const found = (error as NodeJS.ErrnoException).code === "ENOENT" ? "no such file" : String(error);
    throw new UserError(
      { where: file, expected: "a file of the model", found, fix: "check astune.model.path" },
      { cause: error },
    );
  }
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    throw new UserError({ where: file, expected: "JSON", found: String(error) }, { cause: error });
  }
}

/** `tokenizer.json` with the tokens that only the config's `added_tokens_decoder` names. */
function withConfiguredTokens({ json, config }: TokenizerFiles): TokenizerFiles["json"] {
  const added = json.added_tokens ?? [];
  const known = new Set(added.map((token) => token.id));
  const configured = Object.entries((config["added_tokens_decoder"] ?? {}) as Record<string, Omit<AddedToken, "id">>);
  const missing = configured
    .map(([id, token]) => ({ ...token, id: Number(id) }))
    .filter((token) => !known.has(token.id));
  return { ...json, added_tokens: [...added, ...missing] };
}
