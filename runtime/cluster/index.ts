// A process of the cluster, and the runtime that its code uses.
export { ActorHandles } from "./actor-handles.ts";
export { ClusterRuntime, type ClusterRuntimeOptions } from "./cluster-runtime.ts";
export { type ConnectOptions, connect } from "./connect.ts";
export { HeadLink, type HeadListener } from "./head-link.ts";
export { PeerBook } from "./peer-book.ts";
export { ClusterProcess, type ProcessOptions } from "./process.ts";
export { copyObject, type Home } from "./process-store.ts";
