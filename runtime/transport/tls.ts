// Mutual TLS between machines: every process shows a certificate that the cluster's own authority has signed, and takes
// no other. Which name is in it does not matter; belonging to the cluster does.
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { ChannelCredentials, ServerCredentials } from "@grpc/grpc-js";
import { InvalidOptionError } from "../errors/index.ts";

/** Files in PEM. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  /** The authority that has signed the certificates of all processes of the cluster, and signs nothing else. */
  readonly ca: string;
}

export interface Tls {
  readonly server: ServerCredentials;
  readonly client: ChannelCredentials;
}

/** Reads the files; undefined where none are given. Throws InvalidOptionError with the file that is not good. */
export function loadTls(files: TlsFiles | undefined): Tls | undefined {
  if (!files) return undefined;
  const [cert, key, ca] = [read("tlsCert", files.cert), read("tlsKey", files.key), read("tlsCa", files.ca)];
  try {
    createSecureContext({ cert, key, ca });
  } catch (error) {
    const expected = `a certificate, its key and an authority in PEM (${String(error)})`;
    throw InvalidOptionError.of("tlsCert, tlsKey, tlsCa", expected, Object.values(files).join(", "));
  }
  return {
    server: ServerCredentials.createSsl(ca, [{ cert_chain: cert, private_key: key }], true),
    client: ChannelCredentials.createSsl(ca, key, cert, { checkServerIdentity: () => undefined }),
  };
}

/** The three files where all are given, undefined where none is. Throws InvalidOptionError for some without the others. */
export function tlsFiles(given: {
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  readonly tlsCa?: string | undefined;
}): TlsFiles | undefined {
  const { tlsCert: cert, tlsKey: key, tlsCa: ca } = given;
  if (cert === undefined && key === undefined && ca === undefined) return undefined;
  if (cert !== undefined && key !== undefined && ca !== undefined) return { cert, key, ca };
  throw InvalidOptionError.of("tlsCert, tlsKey, tlsCa", "all three, or none", [cert, key, ca]);
}

function read(option: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw InvalidOptionError.of(option, `a file that can be read (${(error as Error).message})`, file);
  }
}
