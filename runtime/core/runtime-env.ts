// What a user says about the environment of code, checked; and how a job's goes together with an actor's own.
import { InvalidOptionError } from "../errors/index.ts";

/** What the code needs around it. */
export interface RuntimeEnv {
  readonly envVars?: Readonly<Record<string, string>>;
  /**
   * A folder of this machine: sent once, by its content, it is each process's working folder, and modules are found in
   * it. A folder that is not here is taken to be one that the nodes have.
   */
  readonly workingDir?: string;
  /** What of the folder is not sent, as in a `.gitignore`. `.git`, `.venv`, `venv` and `__pycache__` never are. */
  readonly excludes?: readonly string[];
  /** Requirements of Python code, as pip takes them, for an environment of its own; once on each node. */
  readonly pip?: readonly string[];
  /** Packages of TypeScript and JavaScript code, as npm takes them; once on each node. */
  readonly npm?: readonly string[];
  readonly config?: {
    /** How long a node may take to set it up. Default 600. */
    readonly setupTimeoutSeconds?: number;
  };
}

/** The one that says nothing. */
export const noRuntimeEnv: RuntimeEnv = Object.freeze({});

const texts = ["excludes", "pip", "npm"] as const;
const known = ["envVars", "workingDir", ...texts, "config"];

/** Throws InvalidOptionError with the part that is wrong. `where`: how the user has named it. */
export function checkRuntimeEnv(env: RuntimeEnv | undefined, where = "runtimeEnv"): RuntimeEnv {
  if (env === undefined) return noRuntimeEnv;
  if (typeof env !== "object" || env === null) throw InvalidOptionError.of(where, "an object", env);
  for (const [key, value] of Object.entries(env)) {
    if (!known.includes(key)) throw InvalidOptionError.of(`${where}.${key}`, `one of ${known.join(", ")}`, value);
  }
  const { workingDir, config = {}, envVars = {} } = env;
  for (const [name, value] of Object.entries(envVars)) {
    if (typeof value !== "string") throw InvalidOptionError.of(`${where}.envVars.${name}`, "a text", value);
  }
  if (workingDir !== undefined && (typeof workingDir !== "string" || workingDir === "")) {
    throw InvalidOptionError.of(`${where}.workingDir`, "a folder's path", workingDir);
  }
  for (const name of texts) {
    const list = env[name];
    const good = list === undefined || (Array.isArray(list) && list.every((one) => typeof one === "string" && one));
    if (!good) throw InvalidOptionError.of(`${where}.${name}`, "an array of texts", list);
  }
  const { setupTimeoutSeconds: seconds = 600, ...more } = config;
  const [unknown] = Object.keys(more);
  if (unknown !== undefined) throw InvalidOptionError.of(`${where}.config.${unknown}`, "setupTimeoutSeconds", unknown);
  if (typeof seconds !== "number" || !(seconds > 0)) {
    throw InvalidOptionError.of(`${where}.config.setupTimeoutSeconds`, "a number above 0", seconds);
  }
  return env;
}

/** The job's, where the own says nothing else; of a variable that both name the own counts. */
export function mergeRuntimeEnv(job: RuntimeEnv, own: RuntimeEnv): RuntimeEnv {
  if (isEmpty(own)) return job;
  if (isEmpty(job)) return own;
  const { excludes: _, ...inherited } = job;
  const merged = { ...(own.workingDir === undefined ? job : inherited), ...own };
  const envVars = { ...job.envVars, ...own.envVars };
  return Object.keys(envVars).length > 0 ? { ...merged, envVars } : merged;
}

function isEmpty(env: RuntimeEnv): boolean {
  return env === noRuntimeEnv || Object.keys(env).length === 0;
}
