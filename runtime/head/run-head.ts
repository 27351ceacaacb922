// A head as a process: its token, its store on disk, where it listens, and how other programs of the machine find it.
import { join } from "node:path";
import { newId } from "../core/index.ts";
import { AuthenticationError, RaySystemError } from "../errors/index.ts";
import { announceHead, stateFolder } from "../processes/index.ts";
import { ensureToken, findToken, loadTls, type TlsFiles, tokenVariable } from "../transport/index.ts";
import { Head } from "./head.ts";
import { HeadStore } from "./head-store.ts";

export interface RunHeadOptions {
  /** The interface to listen on. */
  readonly host: string;
  /** 0: any. */
  readonly port: number;
  readonly tokenFile: string;
  /** The token file was named by the user, and not only found where it lies by default. */
  readonly tokenFileGiven?: boolean;
  readonly tls?: TlsFiles | undefined;
  /** Where the state is kept; undefined: in the user's state folder. */
  readonly stateFolder?: string | undefined;
  /** Tells this machine's programs of it, so that they need no address. */
  readonly announce: boolean;
  readonly silenceMs?: number;
  log(facts: Readonly<Record<string, unknown>>, message: string): void;
}

export interface RunningHead {
  readonly address: string;
  close(): Promise<void>;
}

/** Without a connection for so long, a node or a driver is dead. */
export const defaultSilenceMs = 30_000;

/** Characters of a token that others may try to guess. */
const shortestToken = 16;

/** Starts a head; it is ready when the promise is done. Rejects where the port or the state is in use. */
export async function runHead(options: RunHeadOptions): Promise<RunningHead> {
  const { host, port, log, silenceMs = defaultSilenceMs } = options;
  const token = isLoopback(host) ? ensureToken(options.tokenFile) : tokenForOthers(options);
  const tls = loadTls(options.tls);
  const store = await openStore(options.stateFolder ?? join(stateFolder(), "head"));
  const head = new Head({ headId: newId(), token, tls, store, silenceMs, log });
  let actual: number;
  try {
    actual = await head.listen(`${host}:${port}`);
  } catch (error) {
    head.close();
    await store.close();
    throw error;
  }
  const address = `${host}:${actual}`;
  const forget = options.announce ? announceHead(address) : () => {};
  return {
    address,
    async close() {
      forget();
      head.close();
      await store.close();
    },
  };
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** Beyond this machine only a token counts that somebody has chosen to give out. */
function tokenForOthers({ host, tokenFile, tokenFileGiven = false }: RunHeadOptions): string {
  const given = tokenFileGiven || (process.env[tokenVariable] ?? "") !== "";
  const token = given ? findToken(tokenFile) : undefined;
  if (token !== undefined && token.length >= shortestToken) return token;
  const found = token === undefined ? "none" : `one of ${token.length} characters`;
  throw new AuthenticationError(
    `--host ${host}: others can reach this: expected a token of at least ${shortestToken} characters in ${tokenVariable} or --token-file, found ${found}: make one with (umask 077; openssl rand -hex 32 > FILE)`,
  );
}

async function openStore(folder: string): Promise<HeadStore> {
  try {
    return await HeadStore.open(folder);
  } catch (error) {
    throw new RaySystemError(`the head's state in ${folder} cannot be opened: ${String(error)}`, {}, { cause: error });
  }
}
