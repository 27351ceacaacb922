// What a host process runs: lets Node read the TypeScript sources, then serves.
import "../typescript/index.js";

const { serve } = await import("./serve.ts");
await serve(JSON.parse(process.argv[2]));
