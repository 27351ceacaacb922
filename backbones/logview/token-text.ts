/**
 * The text of each token of a sequence, one by one, as the model's own tokenizer decodes it. Tokens that are only
 * together a character (bytes of one UTF-8 sign) show it on the last of them. Without a tokenizer a token is its number.
 */

import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Tokenizer } from "@huggingface/tokenizers";

/** Columns of equal length, one entry per token. */
export interface TokenTexts {
  readonly text: readonly string[];
  /** 1 for special tokens, 2 for a part of a character whose text is on a later token, else 0. */
  readonly kind: readonly (0 | 1 | 2)[];
}

/** Turns token ids into texts. */
export interface TokenDecoder {
  decode(ids: readonly number[]): TokenTexts;
}

/** More tokens than any character has bytes. */
const maxPartsOfCharacter = 4;
const broken = "\uFFFD";

/** Opens `tokenizer.json`, or the folder that it lies in. Throws where it is missing or not readable. */
export async function openTokenDecoder(path: string): Promise<TokenDecoder> {
  const file = basename(path).endsWith(".json") ? path : join(path, "tokenizer.json");
  const model: unknown = JSON.parse(await readFile(file, "utf8"));
  const config: unknown = JSON.parse(
    await readFile(join(dirname(file), "tokenizer_config.json"), "utf8").catch(() => "{}"),
  );
  return new ModelTokens(new Tokenizer(model as object, config as object));
}

/** Shows each token as its number: what is left where there is no tokenizer. */
export const numbersOnly: TokenDecoder = {
  decode: (ids) => ({ text: ids.map((id) => `⟨${id}⟩`), kind: ids.map(() => 0) }),
};

class ModelTokens implements TokenDecoder {
  readonly #tokenizer: Tokenizer;
  readonly #special: ReadonlySet<number>;
  readonly #single = new Map<number, string>();
  /** Decoders may treat the first token differently, so each is decoded behind this one. */
  readonly #anchor: { readonly ids: readonly number[]; readonly text: string };

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
    this.#special = new Set(tokenizer.get_added_tokens_decoder().keys());
    const id = tokenizer.token_to_id("a");
    const text = id === undefined ? "" : this.#raw([id]);
    this.#anchor = id === undefined || text !== "a" ? { ids: [], text: "" } : { ids: [id], text };
  }

  decode(ids: readonly number[]): TokenTexts {
    const text: string[] = [];
    const kind: (0 | 1 | 2)[] = [];
    for (let at = 0; at < ids.length; ) {
      const parts = this.#character(ids, at);
      for (let part = 1; part < parts.length; part += 1) {
        text.push("");
        kind.push(2);
      }
      text.push(parts.text);
      kind.push(this.#special.has(ids[at] ?? -1) ? 1 : 0);
      at += parts.length;
    }
    return { text, kind };
  }

  /** The text of the token at `at`, with as many of the next tokens as it takes to make a whole character. */
  #character(ids: readonly number[], at: number): { readonly text: string; readonly length: number } {
    const alone = this.#one(ids[at] ?? -1);
    if (!alone.includes(broken)) return { text: alone, length: 1 };
    for (let length = 2; length <= maxPartsOfCharacter && at + length <= ids.length; length += 1) {
      const together = this.#several(ids.slice(at, at + length));
      if (!together.includes(broken)) return { text: together, length };
    }
    return { text: alone, length: 1 };
  }

  #one(id: number): string {
    const known = this.#single.get(id);
    if (known !== undefined) return known;
    const isKnown = this.#special.has(id) || this.#tokenizer.id_to_token(id) !== undefined;
    const text = isKnown ? this.#several([id]) : `⟨${id}⟩`;
    this.#single.set(id, text);
    return text;
  }

  #several(ids: readonly number[]): string {
    return this.#raw([...this.#anchor.ids, ...ids]).slice(this.#anchor.text.length);
  }

  #raw(ids: number[]): string {
    return this.#tokenizer.decode(ids, { skip_special_tokens: false, clean_up_tokenization_spaces: false });
  }
}
