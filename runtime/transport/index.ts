// How processes talk: sessions over gRPC streams that survive the loss of a connection, behind the cluster's token.
export { type DialOptions, dial } from "./dial.ts";
export { interfaceTo, isOwnAddress } from "./interface-to.ts";
export { LinkServer, type LinkServerOptions } from "./link-server.ts";
export { Peer, type PeerHandlers } from "./peer.ts";
export type { Session, SessionListener } from "./session.ts";
export { loadTls, type Tls, type TlsFiles, tlsFiles } from "./tls.ts";
export { ensureToken, findToken, isSameToken, tokenVariable } from "./token.ts";
