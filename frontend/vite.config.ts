import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const proxy = {
  "/api": {
    target: process.env.FOCYS_API ?? "http://localhost:8000",
    rewrite: (path: string) => path.replace(/^\/api/, ""),
  },
};

export default defineConfig(({ mode }) => ({
  plugins: [react()],
  define: { __DEMO__: mode === "demo" },
  server: { port: 5173, strictPort: true, proxy },
  preview: { proxy },
  build: {
    // The demo's phone never stands among the files that a web server publishes.
    outDir: mode === "demo" ? "dist-demo" : "dist",
    sourcemap: false,
    manifest: true,
    // Nothing is inlined: the content security policy allows only files from this origin.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/test-setup.ts"],
    css: { modules: { classNameStrategy: "non-scoped" } },
    restoreMocks: true,
    unstubGlobals: true,
    testTimeout: 60_000,
  },
}));
