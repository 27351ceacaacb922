// The memory of an object as a JavaScript value, and the moment when nothing in this process can reach it any more.
import { closeSync, openSync } from "node:fs";
import { collectGarbage } from "./collect-garbage.ts";
import { type Mapping, memory } from "./memory.ts";

/**
 * An object's bytes, directly over shared memory. They stay what they are for as long as `bytes`, its ArrayBuffer or any
 * view made from that can be reached; the store keeps the segment until the garbage collector has found that none can.
 *
 * Writing to them is allowed and changes them for this view alone: the mapping is private, so that the kernel copies a page
 * when it is first written. A read-only mapping would end the process at such a write, without a stack, and a shared one
 * would change an object that must not change under every other reader.
 *
 * Handing the ArrayBuffer to a worker, `structuredClone` or `transfer()` copies it, the whole object even for a small view
 * of it: `slice()` a part before it is handed on. The buffer itself stays where it is, in a transfer list too.
 */
export interface SharedView {
  readonly bytes: Uint8Array;
}

/** What is to be done when a buffer can no longer be reached. */
interface End {
  readonly mapping: Mapping | undefined;
  /** Does not reject. */
  readonly gone: () => void | Promise<void>;
}

/** Ends mappings when their last view is gone. */
export class SharedViews {
  readonly #ending = new Set<Promise<void>>();
  readonly #registry = new FinalizationRegistry<End>((end) => {
    const ending = finish(end).finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  });

  /** The first `bytes` of the file. `gone` is called once no view of them can be reached and they are not mapped. */
  async open(path: string, bytes: number, gone: End["gone"]): Promise<SharedView> {
    const { mapPrivate, bufferOver } = await memory();
    const fd = openSync(path, "r");
    try {
      const mapping = mapPrivate(fd, bytes);
      const buffer = bufferOver(mapping);
      staysHere(buffer);
      this.#registry.register(buffer, { mapping, gone });
      return { bytes: new Uint8Array(buffer) };
    } finally {
      closeSync(fd);
    }
  }

  /** Runs a full garbage collection, and resolves when all that it found was unmapped and its `gone` has resolved. */
  async collect(): Promise<void> {
    await collectGarbage((object, told) => this.#registry.register(object, { mapping: undefined, gone: told }));
    await Promise.all(this.#ending);
  }
}

async function finish({ mapping, gone }: End): Promise<void> {
  if (mapping) {
    const { unmap } = await memory();
    await unmap(mapping);
  }
  await gone();
}

/**
 * Newer engines can move an ArrayBuffer's memory to another one, which nobody would watch. Node marks memory that is not
 * its own as not to be moved between threads; these two it does not know.
 */
function staysHere(buffer: ArrayBuffer): void {
  for (const name of ["transfer", "transferToFixedLength"]) {
    Object.defineProperty(buffer, name, {
      value: (length = buffer.byteLength) => {
        const copy = new ArrayBuffer(length);
        new Uint8Array(copy).set(new Uint8Array(buffer, 0, Math.min(length, buffer.byteLength)));
        return copy;
      },
    });
  }
}
