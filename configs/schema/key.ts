/** How a key and a section of the schema are written down: the zod schema, what it means, and what it does here. */

import { z } from "zod";

/** What the reference page and the messages say about a key beside its type and default. */
export interface KeyNotes {
  /** Unit of the value, for example `tokens` or `s`. */
  readonly unit?: string;
  /** The phrase after "expected" in a message, where the type alone says too little. */
  readonly expects?: string;
  /** The key is upstream's and changes nothing here: why. A file that gives it gets one warning. */
  readonly noEffect?: string;
  /** Values of a key without effect that say what happens anyway: no warning for them. */
  readonly quietAt?: readonly unknown[];
  /** The key is read on one backbone only. */
  readonly onlyOn?: "debug" | "trinity";
  /** What the default is, where it depends on other keys. */
  readonly defaultNote?: string;
}

/** A leaf of the key tree. The description is one sentence with its full stop. */
export function key<S extends z.ZodType>(schema: S, description: string, notes: KeyNotes = {}): S {
  return schema.meta({ description, ...notes });
}

/** A mapping of keys. It may be left out, or left empty, where no key in it is required. */
export function section<Shape extends z.core.$ZodLooseShape>(shape: Shape, description: string, notes: KeyNotes = {}) {
  return z
    .strictObject(shape)
    .prefault({} as never)
    .meta({ description, ...notes });
}

/** A class named as `module->Class`: dots are folders. */
export const protocolName = z.string().regex(/^[^\s>]+->[A-Za-z_$][\w$]*$/);

/** The phrase for a protocol name in messages. */
export const expectsProtocol = "module->Class, as in tutorial.example_math_agent.math_agent->ExampleMathLearn";

/** An address that starts with http:// or https://. */
export const httpUrl = z.string().regex(/^https?:\/\/[^\s/]+/);

/** The phrase for an address in messages. */
export const expectsUrl = "an address that starts with http:// or https://";

export const count = z.int().min(1);
export const share = z.number().min(0).max(1);
