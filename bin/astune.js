#!/usr/bin/env node
// The `astune` command: lets Node run the TypeScript sources, then hands over to astune.ts.
import "../runtime/typescript/index.js";

const { main } = await import("./astune.ts");
await main(process.argv);
