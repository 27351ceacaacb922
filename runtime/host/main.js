// What a host process runs: from its bundle where there is one, else from the TypeScript sources.
import { pathToFileURL } from "node:url";
import { registerTypescript } from "../typescript/register.js";

const [, , settings, bundle = ""] = process.argv;
const doors = ["../index.ts", "../jobs/index.ts"].map((door) => new URL(door, import.meta.url).href);
const entry = bundle === "" ? new URL("serve.ts", import.meta.url).href : pathToFileURL(bundle).href;
// The user's code finds the runtime that runs in this process, not a second one.
const aliases = bundle === "" ? {} : Object.fromEntries(doors.map((door) => [door, entry]));
const given = JSON.parse(settings);
// Where this process finds the npm packages of its runtime environment, once it has one.
const packages = pathToFileURL(`${given.sessionFolder}/environments/of-${process.pid}/`).href;
registerTypescript(aliases, packages);
const { serve } = await import(entry);
await serve(given);
