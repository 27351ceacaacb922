export { defaultLogviewPort, type Logview, type LogviewOptions, startLogview } from "./server.ts";
