// What a host process runs: from its bundle where there is one, else from the TypeScript sources.
import { pathToFileURL } from "node:url";
import { registerTypescript } from "../typescript/register.js";

const [, , settings, bundle = ""] = process.argv;
const doors = ["../index.ts", "../jobs/index.ts"].map((door) => new URL(door, import.meta.url).href);
const entry = bundle === "" ? new URL("serve.ts", import.meta.url).href : pathToFileURL(bundle).href;
// The user's code finds the runtime that runs in this process, not a second one.
registerTypescript(bundle === "" ? {} : Object.fromEntries(doors.map((door) => [door, entry])));
const { serve } = await import(entry);
await serve(JSON.parse(settings));
