// What a process asks of its node's store. The store itself answers in the agent's process; elsewhere the cluster carries
// these calls. Calls of one process must arrive in the order in which they were made.

/** A segment that its holder may write until it is sealed. */
export interface WritableSegment {
  /** The name of its file in the store's folder. A name is never used for a second file. */
  readonly segment: string;
  readonly capacityBytes: number;
}

/** A segment that holds an object. */
export interface SealedSegment {
  readonly segment: string;
  /** The object's length; the file may be longer. */
  readonly bytes: number;
}

export interface StorePort {
  /** A segment of at least `bytes`. Throws ObjectStoreFullError, or OutOfDiskError where nothing more can be spilled. */
  create(bytes: number): Promise<WritableSegment>;
  /** A segment to keep ready for a later object, but undefined where somebody would have to give room for it. */
  spare(bytes: number): Promise<WritableSegment | undefined>;
  /**
   * Makes the first `bytes` of a created segment readable as `objectId`; it must not be written afterwards. Objects do not
   * change, so sealing an id that the store has already keeps the first.
   */
  seal(segment: string, objectId: string, bytes: number): Promise<void>;
  /** Gives back a created segment that will not be sealed. */
  discard(segment: string): Promise<void>;
  /** Holds the object's segment for this process, as often as it is called; undefined where the store has no such object. */
  pin(objectId: string): Promise<SealedSegment | undefined>;
  /** Takes back one pin. */
  unpin(objectId: string): Promise<void>;
  /** The owner gives the object up: its segment is free once no process holds it. Unknown ids are ignored. */
  release(objectId: string): Promise<void>;
}
