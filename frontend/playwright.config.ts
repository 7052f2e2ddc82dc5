import { defineConfig, devices } from "@playwright/test";
import { findChromium } from "./e2e/chromium";
import type { Kind } from "./e2e/support/site";

/** The browser journeys: the built pages, the real service and a real Chromium. `make e2e` runs them all. */
export default defineConfig<object, { kind: Kind }>({
  testDir: "e2e",
  outputDir: "test-results",
  workers: 3, // on two cores: each waits for its server or its browser part of the time
  fullyParallel: true,
  forbidOnly: !!process.env.CI,
  retries: 0,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: "list",
  use: {
    ...devices["Desktop Chrome"],
    viewport: { width: 1440, height: 900 },
    locale: "en-GB",
    launchOptions: await findChromium(),
    permissions: ["clipboard-read", "clipboard-write"],
    screenshot: "only-on-failure",
    trace: "off", // a trace would contain passwords and keys
  },
  projects: [
    {
      name: "sqlite",
      testIgnore: ["production.spec.ts", "demo.spec.ts"],
      use: { kind: "sqlite" },
    },
    { name: "demo", testMatch: "demo.spec.ts", use: { kind: "sqlite" } },
    {
      name: "postgresql",
      testMatch: "guide.spec.ts",
      grepInvert: /dark|360 px|phone/, // the look of a page does not depend on the database
      use: { kind: "postgresql" },
    },
    {
      name: "production",
      testMatch: "production.spec.ts",
      fullyParallel: false, // all tests share one deployment
      timeout: 120_000,
    },
  ],
});
