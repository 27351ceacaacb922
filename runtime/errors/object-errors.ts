// Errors of objects: lost with their owner or node, freed, not stored, not there in time, not able to cross.
import { RayError } from "./ray-error.ts";

/** The object's value is gone. */
export class ObjectLostError extends RayError {
  override readonly code: string = "OBJECT_LOST";
  declare readonly objectId: string;
}

/** The object's value did not arrive in time from the node that holds it. */
export class ObjectFetchTimedOutError extends ObjectLostError {
  override readonly code = "OBJECT_FETCH_TIMED_OUT";
}

/** The object was freed by hand. */
export class ObjectFreedError extends ObjectLostError {
  override readonly code = "OBJECT_FREED";
}

/** The process that owned the object is gone. */
export class OwnerDiedError extends ObjectLostError {
  override readonly code = "OWNER_DIED";
}

/** The object was given back while a reference to it was still in use. */
export class ReferenceCountingAssertionError extends ObjectLostError {
  override readonly code = "REFERENCE_COUNTING_ASSERTION";
}

/** The object could not be computed again. */
export class ObjectReconstructionFailedError extends ObjectLostError {
  override readonly code = "OBJECT_RECONSTRUCTION_FAILED";
}

/** The object store has no room for the object. `largest` are the largest objects in it, with the processes that hold them. */
export class ObjectStoreFullError extends RayError {
  override readonly code = "OBJECT_STORE_FULL";
  declare readonly neededBytes: number;
  declare readonly usedBytes: number;
  declare readonly capacityBytes: number;
  declare readonly largest: readonly {
    readonly objectId: string;
    readonly bytes: number;
    readonly holders: readonly string[];
  }[];
}

/** The disk that objects are spilled to is full. */
export class OutOfDiskError extends RayError {
  override readonly code = "OUT_OF_DISK";
}

/** The value was not ready within `timeoutMs`. */
export class GetTimeoutError extends RayError {
  override readonly code = "GET_TIMEOUT";
  declare readonly timeoutMs: number;
}

/** The value cannot leave its process. `path` names the part of it that cannot. */
export class SerializationError extends RayError {
  override readonly code = "NOT_SERIALIZABLE";
  declare readonly path: string;
}

/** The value cannot be read by the other side's language. */
export class CrossLanguageError extends RayError {
  override readonly code = "CROSS_LANGUAGE";
}
