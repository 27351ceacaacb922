// A way to ask a head without being a driver: for commands, and for whatever else only looks and directs.
export { type ConnectHeadOptions, connectHead, type HeadAccess, type HeadConnection } from "./head-connection.ts";
export { addressOf, type HeadOptions, type HeadTarget, headTarget, tokenFor } from "./head-target.ts";
