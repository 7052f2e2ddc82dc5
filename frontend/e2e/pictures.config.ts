import { defineConfig } from "@playwright/test";
import journeys from "../playwright.config";

/** Takes new pictures of the real pages for the README: `npm run pictures`. */
export default defineConfig({
  ...journeys,
  testDir: ".",
  outputDir: "../test-results",
  testMatch: "pictures.ts",
  workers: 1,
  projects: [{ name: "pictures" }],
  use: { ...journeys.use, deviceScaleFactor: 2, viewport: { width: 1000, height: 1200 } },
});
