import { defineConfig } from "vitest/config";

const project = (name: string, include: string[], testTimeout: number) => ({
  test: { name, include, testTimeout, hookTimeout: testTimeout, pool: "forks" as const },
});

export default defineConfig({
  test: {
    projects: [
      project("unit", ["test/unit/**/*.test.ts"], 20_000),
      project("integration", ["test/integration/**/*.test.ts"], 300_000),
      project("fault", ["test/fault/**/*.test.ts"], 300_000),
      project("browser", ["test/browser/**/*.test.ts"], 120_000),
    ],
    maxWorkers: 2,
  },
});
