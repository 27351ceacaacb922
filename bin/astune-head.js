#!/usr/bin/env node
// The `astune-head` command: from its bundle where there is one, else from the TypeScript sources.
import { fileURLToPath, pathToFileURL } from "node:url";
import { bundleOf } from "../runtime/typescript/bundle.js";
import { registerTypescript } from "../runtime/typescript/register.js";

const source = new URL("astune-head.ts", import.meta.url);
const bundle = await bundleOf(fileURLToPath(source));
if (bundle === undefined) registerTypescript();
const { main } = await import(bundle === undefined ? source.href : pathToFileURL(bundle).href);
await main(process.argv);
