import { defineConfig } from "vitest/config";

/** Unit tests need nothing but `npm ci`; the other projects need programs that `.ci/run` installs. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["packages/*/test/**/*.test.ts", "test/**/*.test.ts", "vectors/**/*.test.ts"],
          exclude: ["**/*.browser.test.ts", "**/*.crash.test.ts", "**/*.int.test.ts", "**/node_modules/**"],
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: "browser",
          include: ["packages/*/test/**/*.browser.test.ts"],
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
      {
        test: {
          name: "int",
          include: ["packages/*/test/**/*.int.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "crash",
          include: ["packages/*/test/**/*.crash.test.ts"],
          testTimeout: 1_800_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
