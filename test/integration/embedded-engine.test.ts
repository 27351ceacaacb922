import { engineConformance } from "./engine-conformance.ts";

engineConformance({
  name: "embedded",
  concurrency: 64,
  timeoutMs: 300_000,
  engine: { kind: "embedded", embedded: { device: "cpu", maxBatch: 64 } },
});
