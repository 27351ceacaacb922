// Lets plain Node 20 run the TypeScript sources: types are blanked out in place, so that line and column of the
// running code are those of the source and a breakpoint needs no source map. No process is started for it.
import { registerTypescript } from "./register.js";

registerTypescript();
