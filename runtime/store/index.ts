// The node's object store in shared memory: StoreServer keeps the books in the node agent's process, StoreClient writes
// and reads in any process of the node. What carries the calls between them is the StorePort's business.
export type { StoreObject, StoreStats } from "./object-table.ts";
export type { SharedView } from "./shared-view.ts";
export { StoreClient, type StoreClientOptions } from "./store-client.ts";
export type { SealedSegment, StorePort, WritableSegment } from "./store-port.ts";
export { StoreServer, type StoreServerOptions } from "./store-server.ts";
