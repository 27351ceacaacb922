/** Which head a command talks to, and how it says that there is none. */

import type { Command } from "commander";
import { UserError } from "../../../configs/index.ts";
import { connectHead, type HeadConnection, type HeadTarget, headTarget } from "../../../runtime/client/index.ts";
import { AuthenticationError, InvalidOptionError, RaySystemError } from "../../../runtime/index.ts";

export interface HeadFlags {
  readonly address?: string;
  readonly tokenFile?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsCa?: string;
}

export function withHeadFlags(command: Command): Command {
  return command
    .option("--address <host:port>", "the head; default: ASTUNE_ADDRESS, else this machine's")
    .option("--token-file <file>", "the cluster's token; default: ASTUNE_AUTH_TOKEN, else this user's")
    .option("--tls-cert <file>", "mutual TLS: the certificate of this process, in PEM")
    .option("--tls-key <file>", "its key")
    .option("--tls-ca <file>", "the authority that signs the certificates of the cluster");
}

/** The head that is named, or runs here; undefined for none. Throws a UserError without a token. */
export function targetOf(flags: HeadFlags): HeadTarget | undefined {
  const { address } = flags;
  if (address !== undefined && !/^.+:\d+$/.test(address)) {
    throw new UserError({ where: "--address", expected: "host:port", found: address || "nothing" });
  }
  try {
    return headTarget(flags);
  } catch (error) {
    if (error instanceof AuthenticationError || error instanceof InvalidOptionError) throw mendable(error);
    throw error;
  }
}

/** Opens a connection for `use`, and closes it. Throws a UserError where there is no head, or it turns us away. */
export async function withHead<T>(flags: HeadFlags, use: (head: HeadConnection) => Promise<T>): Promise<T> {
  const target = targetOf(flags);
  if (target === undefined) {
    throw new UserError({
      where: "head",
      expected: "one on this machine, ASTUNE_ADDRESS or --address",
      found: "none",
      fix: "start one with: astune-head start",
    });
  }
  const head = await open(target);
  try {
    return await use(head);
  } finally {
    head.close();
  }
}

async function open(target: HeadTarget): Promise<HeadConnection> {
  try {
    return await connectHead(target);
  } catch (error) {
    if (error instanceof AuthenticationError || error instanceof RaySystemError) throw mendable(error);
    throw error;
  }
}

/** What the user can mend: the runtime's own line, with exit code 2. */
function mendable(error: Error): UserError {
  const told = new UserError({ where: "head", expected: "an answer", found: error.message }, { cause: error });
  told.message = error.message;
  return told;
}
