import { defineConfig } from "vitest/config";

// Tests of many real processes on a busy machine may be tried once more; a fault that is there fails both times.
const project = (name: string, include: string[], testTimeout: number, retry = 0) => ({
  test: { name, include, testTimeout, hookTimeout: testTimeout, retry, pool: "forks" as const },
});

export default defineConfig({
  test: {
    projects: [
      project("unit", ["test/unit/**/*.test.ts"], 20_000),
      project("integration", ["test/integration/**/*.test.ts"], 300_000, 1),
      project("fault", ["test/fault/**/*.test.ts"], 300_000, 1),
      project("browser", ["test/browser/**/*.test.ts"], 120_000),
    ],
    maxWorkers: 2,
  },
});
