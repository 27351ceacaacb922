// A way to ask a head without being a driver: for commands, and for whatever else only looks and directs.
export { type ConnectHeadOptions, connectHead, type HeadAccess, type HeadConnection } from "./head-connection.ts";
export { addressOf, credentialsFor, type HeadOptions, type HeadTarget, headTarget } from "./head-target.ts";
