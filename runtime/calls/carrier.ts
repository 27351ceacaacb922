// How values travel between a caller and what it calls: as they are, or through the wire's codec. Everything else in the
// local runtime handles them packed and does not look inside.

/** A value on its way. What is in it is its carrier's business. */
export interface Packed {
  readonly packed: true;
  /** The value itself, or a fresh copy of it. */
  open(): unknown;
  /** For a value that is being stored: what travels in its place, once it is. */
  readonly saved?: Promise<Packed>;
  /** Brings the value into this process; undefined where it is here. */
  prepare?(): Promise<void> | undefined;
}

export interface Carrier {
  /** Makes a value ready to travel. `path` names it in errors. */
  pack(value: unknown, path: string): Packed;
  unpack(packed: Packed): unknown;
  /** The same value as this carrier packs it, where another one did. */
  adopt(packed: Packed): Packed;
}

class Reference implements Packed {
  readonly packed = true;
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }

  open(): unknown {
    return this.value;
  }
}

/** Hands over the value itself: caller and actor see the same object. */
export const byReference: Carrier = {
  pack: (value) => new Reference(value),
  unpack: (packed) => packed.open(),
  adopt: (packed) => packed,
};
