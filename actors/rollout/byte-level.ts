/** Decodes tokens of a byte-level tokenizer (GPT-2's way, which Qwen, Llama 3 and SmolLM2 share) by their bytes. */

/** GPT-2 writes each byte as one printable character: itself where it is one, else from U+0100 on. */
const byteOfCharacter: ReadonlyMap<string, number> = new Map(
  (() => {
    const isPrintable = (byte: number) => (byte > 32 && byte < 127) || (byte > 160 && byte < 173) || byte > 173;
    let next = 256;
    return Array.from(
      { length: 256 },
      (_, byte) => [String.fromCodePoint(isPrintable(byte) ? byte : next++), byte] as const,
    );
  })(),
);

export class ByteLevelDecoder {
  readonly #tokenOf: (id: number) => string | undefined;
  readonly #isAdded: (id: number) => boolean;
  readonly #bytes = new Map<number, Uint8Array>();

  constructor(tokenOf: (id: number) => string | undefined, isAdded: (id: number) => boolean) {
    this.#tokenOf = tokenOf;
    this.#isAdded = isAdded;
  }

  /** The text of `ids`. Bytes that are not UTF-8 become U+FFFD; ids that stand for nothing are left out. */
  decode(ids: readonly number[]): string {
    const parts = ids.map((id) => this.#bytesOf(id));
    const whole = Buffer.allocUnsafe(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole.toString("utf8");
  }

  #bytesOf(id: number): Uint8Array {
    let bytes = this.#bytes.get(id);
    if (!bytes) {
      bytes = this.#read(id);
      this.#bytes.set(id, bytes);
    }
    return bytes;
  }

  #read(id: number): Uint8Array {
    const token = this.#tokenOf(id) ?? "";
    if (this.#isAdded(id)) return Buffer.from(token);
    return Uint8Array.from(
      [...token].flatMap((character) => byteOfCharacter.get(character) ?? [...Buffer.from(character)]),
    );
  }
}
