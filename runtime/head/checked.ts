// What arrives at the head, checked before anything is kept of it: what it keeps it must be able to read and to place, now and
// when it is started again.
import type {
  ActorCreation,
  AgentRegistration,
  ClientRegistration,
  GroupCreation,
  JobSubmission,
  LeaseRequest,
  LogLines,
} from "../control/index.ts";
import { InvalidOptionError } from "../errors/index.ts";
import { type ResourceRequest, type Units, unitsPerOne } from "../scheduling/index.ts";

type Fields = Readonly<Record<string, unknown>>;
type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === "string";
/** An id is a key of the store on disk, which may not be long. */
const isId: Check = (value) => typeof value === "string" && value.length > 0 && value.length <= 200;
const isIdOrNull: Check = (value) => value === null || isId(value);
const isTruth: Check = (value) => typeof value === "boolean";
const isTextOrNull: Check = (value) => value === null || isText(value);
const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
const isListOf =
  (item: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(item);
const isTexts: Check = (value) => isFields(value) && Object.values(value).every(isText);
const isUnits = (value: unknown): value is Units =>
  isFields(value) && Object.values(value).every((n) => Number.isSafeInteger(n) && (n as number) >= 0);
const isTimes: Check = (value) => Number.isSafeInteger(value) && (value as number) >= -1;
const isBytes: Check = (value) => value instanceof Uint8Array;
const isValues = isListOf((value) => isBytes(value) || (Array.isArray(value) && isBytes(value[0])));
const isCode: Check = (value) => isFields(value) && [value["root"], value["path"], value["name"]].every(isText);

const has =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value) =>
    isFields(value) && Object.entries(checks).every(([key, check]) => check(value[key]));

const strategies: Readonly<Record<string, Check>> = {
  default: () => true,
  spread: () => true,
  node: has({ nodeId: isText, soft: isTruth }),
  labels: has({ hard: isTexts, soft: isTexts }),
  placementGroup: has({ groupId: isText, bundleIndex: isTimes, shareGpus: isTruth }),
};
const isStrategy: Check = (value) => {
  const kind = isFields(value) ? value["kind"] : undefined;
  return typeof kind === "string" && Object.hasOwn(strategies, kind) && strategies[kind]?.(value) === true;
};
const isRequest = has({ held: isUnits, placement: isUnits, labelSelector: isTexts, strategy: isStrategy }) satisfies (
  value: ResourceRequest,
) => boolean;

const creation: Readonly<Record<keyof ActorCreation, Check>> = {
  actorId: isId,
  jobId: isId,
  code: isCode,
  info: has({ className: isText, name: isTextOrNull, namespace: isText, detached: isTruth, methods: Array.isArray }),
  getIfExists: isTruth,
  maxRestarts: isTimes,
  maxConcurrency: Number.isSafeInteger,
  request: isRequest,
  runtimeEnv: isFields,
  callSite: isText,
  owner: isId,
  ownerActorId: isIdOrNull,
  args: (value) => value === null || isValues(value),
};
/** Strategy, bundles and labels are checked where they are compiled. */
const group: Readonly<Record<string, Check>> = {
  id: isId,
  jobId: isId,
  name: isText,
  bundles: isListOf(isFields),
  labelSelectors: isListOf(isFields),
  ownerActorId: isIdOrNull,
  detached: isTruth,
};
const lease: Readonly<Record<string, Check>> = {
  leaseId: isId,
  jobId: isId,
  name: isText,
  namespace: isText,
  request: isRequest,
  runtimeEnv: isFields,
};
const job: Readonly<Record<keyof JobSubmission, Check>> = {
  jobId: (value) => typeof value === "string" && /^[\w.-]{1,100}$/.test(value),
  requestId: isText,
  name: isText,
  entrypoint: isText,
  metadata: isTexts,
  user: isText,
  resources: isUnits,
  className: isText,
  code: isCode,
  args: isValues,
  request: isRequest,
  runtimeEnv: isFields,
  maxRestarts: isTimes,
};
const agent: Readonly<Record<string, Check>> = {
  nodeId: isId,
  address: isText,
  hostname: isText,
  ip: isText,
  total: isUnits,
  gpuIds: isListOf(isText),
  labels: isTexts,
  sessionFolder: isText,
  hosts: isListOf(has({ hostId: isId, actorId: isIdOrNull, address: isText })),
  exits: isListOf(has({ hostId: isId, actorId: isIdOrNull, message: isText })),
};
const client: Readonly<Record<string, Check>> = {
  kind: (value) => value === "driver" || value === "host",
  jobId: isId,
  namespace: isText,
  address: isText,
  hostname: isText,
  entrypoint: isText,
  actorId: isIdOrNull,
};

/** Throws InvalidOptionError that names the field. */
function check(what: string, payload: unknown, checks: Readonly<Record<string, Check>>): void {
  if (!isFields(payload)) throw InvalidOptionError.of(what, "its fields", payload);
  for (const [key, holds] of Object.entries(checks)) {
    if (!holds(payload[key]))
      throw InvalidOptionError.of(`${what}.${key}`, "what processes of this version send", payload[key]);
  }
}

export function checkedCreation(payload: unknown): ActorCreation {
  check("actor", payload, creation);
  return payload as ActorCreation;
}

export function checkedGroup(payload: unknown): GroupCreation {
  check("placement group", payload, group);
  return payload as GroupCreation;
}

export function checkedLease(payload: unknown): LeaseRequest {
  check("lease", payload, lease);
  return payload as LeaseRequest;
}

export function checkedJob(payload: unknown): JobSubmission {
  check("job", payload, job);
  return payload as JobSubmission;
}

export function checkedRegistration(payload: unknown): AgentRegistration | ClientRegistration {
  const isAgent = isFields(payload) && payload["kind"] === "agent";
  check(isAgent ? "node" : "client", payload, isAgent ? agent : client);
  if (!isAgent) return payload as ClientRegistration;
  const { total, gpuIds } = payload as unknown as AgentRegistration;
  const gpus = total["GPU"] ?? 0;
  if (gpus !== gpuIds.length * unitsPerOne)
    throw InvalidOptionError.of("node.total.GPU", `${gpuIds.length} GPUs`, gpus);
  return payload as unknown as AgentRegistration;
}

/** Whether these are lines that drivers can be shown. */
export function isLog(payload: unknown): payload is LogLines {
  return has({ jobId: isText, source: isText, ip: isText, lines: isListOf(isText) })(payload);
}
