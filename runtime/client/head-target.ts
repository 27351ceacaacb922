// Which head is meant, and the token for it: the same for drivers and for commands.
import { AuthenticationError } from "../errors/index.ts";
import { tokenFile as defaultTokenFile, findHead } from "../processes/index.ts";
import { findToken, loadTls, type Tls, tlsFiles } from "../transport/index.ts";

export interface HeadOptions {
  /** `host:port`. Default: `ASTUNE_ADDRESS`, else the head that runs on this machine. */
  readonly address?: string | undefined;
  /** The file with the cluster's token. Default: `ASTUNE_AUTH_TOKEN`, else the user's own token file. */
  readonly tokenFile?: string | undefined;
  /** Mutual TLS: this process's certificate, its key and the cluster's authority, files in PEM. All three or none. */
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  readonly tlsCa?: string | undefined;
}

export interface HeadTarget {
  readonly address: string;
  readonly token: string;
  readonly tls: Tls | undefined;
}

/** The head's address; undefined where none is named and none runs here. */
export function addressOf({ address }: Pick<HeadOptions, "address">): string | undefined {
  return address ?? (process.env["ASTUNE_ADDRESS"] || undefined) ?? findHead()?.address;
}

/** Token and certificates for a head. Throws AuthenticationError where there is no token, or a certificate is not good. */
export function credentialsFor(address: string, options: Omit<HeadOptions, "address">): Omit<HeadTarget, "address"> {
  const file = options.tokenFile ?? defaultTokenFile();
  const token = findToken(file);
  if (token !== undefined) return { token, tls: loadTls(tlsFiles(options)) };
  throw new AuthenticationError(`no token for ${address}: expected ASTUNE_AUTH_TOKEN or ${file}, a copy of the head's`);
}

/** Address and credentials; undefined where no head is named and none runs here. Throws as `credentialsFor`. */
export function headTarget(options: HeadOptions): HeadTarget | undefined {
  const address = addressOf(options);
  return address === undefined ? undefined : { address, ...credentialsFor(address, options) };
}
