#!/usr/bin/env node
// The `astune-head` command: lets Node run the TypeScript sources, then hands over to astune-head.ts.
import "../runtime/typescript/index.js";

const { main } = await import("./astune-head.ts");
await main(process.argv);
