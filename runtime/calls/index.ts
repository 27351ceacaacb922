// Calls, wherever their two ends are: how a caller keeps one, how a host runs one, what passes between them.
export type { CallFactsSource } from "./actor-call.ts";
export { ActorClient } from "./actor-client.ts";
export { ActorFailures } from "./actor-failures.ts";
export { ActorHost, defaultLane } from "./actor-host.ts";
export { CallArguments } from "./call-arguments.ts";
export { CallContext, type HostFacts } from "./call-context.ts";
export { byReference, type Carrier, type Packed } from "./carrier.ts";
export { type CallMessage, type Channel, DirectChannel, Endpoints, type Host, type Outcome, Turns } from "./channel.ts";
export type { CallObserver, CallWatch } from "./execution.ts";
export {
  type Companions,
  decodeCall,
  decodePacked,
  deliverReply,
  encodeCall,
  encodePacked,
  encodeReply,
} from "./message-codec.ts";
export { ObjectEntry } from "./object-entry.ts";
export { type CallFacts, type CallOwner, PendingCall } from "./pending-call.ts";
export { runCall } from "./run-call.ts";
export type { RunningStream } from "./running-stream.ts";
export { byWire, WireValue } from "./wire-carrier.ts";
