// Which head is meant, and the token for it: the same for drivers and for commands.
import { AuthenticationError } from "../errors/index.ts";
import { tokenFile as defaultTokenFile, findHead } from "../processes/index.ts";
import { findToken } from "../transport/index.ts";

export interface HeadOptions {
  /** `host:port`. Default: `ASTUNE_ADDRESS`, else the head that runs on this machine. */
  readonly address?: string | undefined;
  /** The file with the cluster's token. Default: `ASTUNE_AUTH_TOKEN`, else the user's own token file. */
  readonly tokenFile?: string | undefined;
}

export interface HeadTarget {
  readonly address: string;
  readonly token: string;
}

/** The head's address; undefined where none is named and none runs here. */
export function addressOf({ address }: HeadOptions): string | undefined {
  return address ?? (process.env["ASTUNE_ADDRESS"] || undefined) ?? findHead()?.address;
}

/** The token for a head. Throws AuthenticationError where there is none. */
export function tokenFor(address: string, { tokenFile }: HeadOptions): string {
  const file = tokenFile ?? defaultTokenFile();
  const token = findToken(file);
  if (token !== undefined) return token;
  throw new AuthenticationError(`no token for ${address}: expected ASTUNE_AUTH_TOKEN or ${file}, a copy of the head's`);
}

/** Address and token; undefined where no head is named and none runs here. Throws AuthenticationError without a token. */
export function headTarget(options: HeadOptions): HeadTarget | undefined {
  const address = addressOf(options);
  return address === undefined ? undefined : { address, token: tokenFor(address, options) };
}
