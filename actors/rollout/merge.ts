/** Turns become rows for the learner: turns whose prompts extend each other are one row, and each sampled token is trained once. */

import type { TrainingSequence, Turn } from "../episode.ts";

/** What of a turn a row is made of. */
export type TurnTokens = Pick<Turn, "promptIds" | "sampledIds" | "logprobs" | "weightVersions">;

interface Node {
  readonly turn: TurnTokens;
  readonly parent: Node | undefined;
  hasChild: boolean;
}

/**
 * The rows of an episode. Where timelines split, each has a row with the common prefix in it, and the sampled tokens
 * that they share are trained in the first one only. A row in which nothing was sampled is left out.
 */
export function mergeTurns(turns: readonly TurnTokens[]): TrainingSequence[] {
  const nodes: Node[] = [];
  for (const turn of turns) {
    const parent = longestPrefix(nodes, turn.promptIds);
    if (parent) parent.hasChild = true;
    nodes.push({ turn, parent, hasChild: false });
  }
  const trained = new Set<Node>();
  return nodes
    .filter((node) => !node.hasChild)
    .map((leaf) => rowOf(leaf, trained))
    .filter((row) => row.lossMask.includes(1));
}

/** The node whose tokens, prompt and reply, are the longest beginning of `promptIds`. */
function longestPrefix(nodes: readonly Node[], promptIds: readonly number[]): Node | undefined {
  let best: Node | undefined;
  for (const node of nodes) {
    if (lengthOf(node) > promptIds.length || (best && lengthOf(node) <= lengthOf(best))) continue;
    if (isPrefix(node.turn, promptIds)) best = node;
  }
  return best;
}

function isPrefix({ promptIds: prompt, sampledIds: sampled }: TurnTokens, ids: readonly number[]): boolean {
  return (
    sampled.every((id, index) => ids[prompt.length + index] === id) && prompt.every((id, index) => ids[index] === id)
  );
}

function lengthOf({ turn }: Node): number {
  return turn.promptIds.length + turn.sampledIds.length;
}

function rowOf(leaf: Node, trained: Set<Node>): TrainingSequence {
  const tokenIds = [...leaf.turn.promptIds, ...leaf.turn.sampledIds];
  const lossMask = new Array<0 | 1>(tokenIds.length).fill(0);
  const logprobs = new Array<number>(tokenIds.length).fill(0);
  const weightVersions = new Array<number>(tokenIds.length).fill(-1);
  for (let node: Node | undefined = leaf; node && !trained.has(node); node = node.parent) {
    trained.add(node);
    const start = node.turn.promptIds.length;
    for (let index = 0; index < node.turn.sampledIds.length; index += 1) {
      lossMask[start + index] = 1;
      logprobs[start + index] = node.turn.logprobs[index] ?? 0;
      weightVersions[start + index] = node.turn.weightVersions[index] ?? -1;
    }
  }
  return { tokenIds, lossMask, logprobs, weightVersions };
}
