// How values travel between a caller and what it calls: as they are, or through the wire's codec. Everything else in the
// local runtime handles them packed and does not look inside.

/** A value on its way. What is in it is its carrier's business. */
export interface Packed {
  readonly packed: true;
  /** For a value that is being stored: what travels in its place, once it is. */
  readonly saved?: Promise<Packed>;
  /** Brings the value into this process; undefined where it is here. */
  prepare?(): Promise<void> | undefined;
}

export interface Carrier {
  /** Makes a value ready to travel. `path` names it in errors. */
  pack(value: unknown, path: string): Packed;
  unpack(packed: Packed): unknown;
}

class Reference implements Packed {
  readonly packed = true;
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }
}

/** Hands over the value itself: caller and actor see the same object. */
export const byReference: Carrier = {
  pack: (value) => new Reference(value),
  unpack: (packed) => (packed as Reference).value,
};
