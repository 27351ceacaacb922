// A node agent as a process: its session's folder, its token, the head that it joins.
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { type NodeId, newId } from "../core/index.ts";
import { AuthenticationError } from "../errors/index.ts";
import type { MachineOptions } from "../placement/index.ts";
import { findToken, interfaceTo, isOwnAddress, type TlsFiles } from "../transport/index.ts";
import { NodeAgent } from "./node-agent.ts";
import { privateFolder } from "./private-folder.ts";

export interface RunNodeOptions {
  /** `host:port` of the head. */
  readonly headAddress: string;
  readonly tokenFile: string;
  readonly tls?: TlsFiles | undefined;
  /** Ends when the head cannot be reached for so long. Default: ten minutes. */
  readonly headTimeoutMs?: number | undefined;
  readonly machine: MachineOptions;
  /** The interface that other nodes reach this one by; undefined: the one towards the head. */
  readonly ip?: string | undefined;
  /** Actor processes that are kept ready. Default: one for two cores, two at the most. */
  readonly warmHosts?: number | undefined;
  log(facts: Readonly<Record<string, unknown>>, message: string): void;
  /** The head turns this node away, or has declared it dead: it must end. */
  expelled(error: Error): void;
}

export interface RunningNode {
  readonly nodeId: string;
  readonly sessionFolder: string;
  /** Ends all hosts and what they started, and removes the session's folder. */
  close(): Promise<void>;
}

/** Longer than anybody needs to start a head again. */
const defaultHeadTimeoutMs = 600_000;

/** Starts a node agent; done when the head has taken it in. */
export async function runNode(options: RunNodeOptions): Promise<RunningNode> {
  const { headAddress, machine, warmHosts = fewHosts(), log, expelled } = options;
  const token = findToken(options.tokenFile);
  if (token === undefined) {
    throw new AuthenticationError(
      `no token: expected ASTUNE_AUTH_TOKEN or ${options.tokenFile}; copy the head's token file there (mode 0600)`,
    );
  }
  const root = privateFolder(join(tmpdir(), `astune-${process.getuid?.() ?? 0}`));
  const sessionFolder = mkdtempSync(join(root, "n"));
  const ip = options.ip ?? (await interfaceTo(headAddress));
  const agent = new NodeAgent({
    nodeId: newId<NodeId>(),
    headAddress,
    token,
    tls: options.tls,
    headTimeoutMs: options.headTimeoutMs ?? defaultHeadTimeoutMs,
    machine,
    ip,
    besideHead: isOwnAddress(headAddress.slice(0, headAddress.lastIndexOf(":"))),
    sessionFolder,
    warmHosts,
    log,
    expelled,
  });
  const close = async () => {
    await agent.close();
    rmSync(sessionFolder, { recursive: true, force: true });
  };
  try {
    await agent.start();
  } catch (error) {
    await close();
    throw error;
  }
  return { nodeId: agent.nodeId, sessionFolder, close };
}

/** How many hosts are kept ready where nobody says: one for two cores, two at the most. Each takes some 70 MB. */
function fewHosts(): number {
  return availableParallelism() < 4 ? 1 : 2;
}
