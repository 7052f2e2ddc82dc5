import { defineConfig } from "@playwright/test";
import journeys from "../playwright.config";

/** Takes the pictures of the README anew from the real pages: `npm run pictures`. */
export default defineConfig({
  ...journeys,
  testDir: ".",
  testMatch: "pictures.ts",
  workers: 1,
  projects: [{ name: "pictures" }],
  use: { ...journeys.use, deviceScaleFactor: 2, viewport: { width: 1000, height: 1200 } },
});
