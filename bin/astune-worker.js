#!/usr/bin/env node
// The `astune-worker` command: lets Node run the TypeScript sources, then hands over to astune-worker.ts.
import "../runtime/typescript/index.js";

const { main } = await import("./astune-worker.ts");
await main(process.argv);
