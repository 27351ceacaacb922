/** Chooses an engine for a request: the one that has its prefix, unless that is much busier; another one after a failure. */

import type { Engine, GenerateReply, GenerateRequest } from "../inference/engine.ts";

/** So many more requests in flight than the idlest engine has, and a request goes there instead of to its prefix. */
const slack = 4;

interface Member {
  readonly engine: Engine;
  inFlight: number;
  failedAtMs: number;
}

/** How long an engine that failed is asked last. */
const restMs = 5_000;

export class EnginePool implements Engine {
  readonly #members: readonly Member[];

  constructor(engines: readonly Engine[]) {
    this.#members = engines.map((engine) => ({ engine, inFlight: 0, failedAtMs: Number.NEGATIVE_INFINITY }));
  }

  /** Rejects with the last engine's error when two engines, or the only one, failed. */
  async generate(request: GenerateRequest): Promise<GenerateReply> {
    const [first, second] = this.#order(request.affinity ?? request.requestId);
    if (!first) throw new Error("there is no engine");
    try {
      return await ask(first, request);
    } catch (error) {
      if (!second) throw error;
      return await ask(second, request);
    }
  }

  #order(affinity: string): Member[] {
    const now = performance.now();
    const resting = (member: Member) => (now - member.failedAtMs < restMs ? 1 : 0);
    const byLoad = [...this.#members].sort((a, b) => resting(a) - resting(b) || a.inFlight - b.inFlight);
    const idlest = byLoad[0];
    const home = this.#members[hash(affinity) % this.#members.length];
    if (!idlest || !home || home === idlest || resting(home) > resting(idlest)) return byLoad;
    return home.inFlight - idlest.inFlight > slack ? byLoad : [home, ...byLoad.filter((member) => member !== home)];
  }
}

async function ask(member: Member, request: GenerateRequest): Promise<GenerateReply> {
  member.inFlight += 1;
  try {
    const reply = await member.engine.generate(request);
    const fault = replyFault(reply);
    if (fault !== undefined) throw new Error(`the engine's reply is not usable: ${fault}`);
    return reply;
  } catch (error) {
    member.failedAtMs = performance.now();
    throw error;
  } finally {
    member.inFlight -= 1;
  }
}

/** An engine whose weights are broken, or that was stopped half-way, answers, but not with something to learn from. */
function replyFault(reply: GenerateReply): string | undefined {
  const { tokenIds, logprobs, weightVersions, finishReason } = reply;
  if (finishReason === "abort") return "the generation was aborted";
  if (logprobs.length !== tokenIds.length || weightVersions.length !== tokenIds.length)
    return "its arrays differ in length";
  return logprobs.every(Number.isFinite) ? undefined : "a log-probability is not finite";
}

function hash(text: string): number {
  let value = 2_166_136_261;
  for (let index = 0; index < text.length; index += 1) value = Math.imul(value ^ text.charCodeAt(index), 16_777_619);
  return value >>> 0;
}
