// What the process of a driver's own cluster runs: from its bundle where there is one, else from the TypeScript sources.
import { fileURLToPath, pathToFileURL } from "node:url";
import { bundleOf } from "../typescript/bundle.js";
import { registerTypescript } from "../typescript/register.js";

const source = new URL("serve.ts", import.meta.url);
const bundle = await bundleOf(fileURLToPath(source));
if (bundle === undefined) registerTypescript();
const { serve } = await import(bundle === undefined ? source.href : pathToFileURL(bundle).href);
await serve(JSON.parse(process.argv[2]));
