import { cleanup, configure } from "@testing-library/react";
import { afterEach, vi } from "vitest";

// A wait ends when its condition holds; on a slow machine that takes longer.
configure({ asyncUtilTimeout: 20_000 });

// A request that nobody stubbed, or that outlives its test, must not reach the network.
globalThis.fetch = () => Promise.reject(new TypeError("Nothing listens in tests."));

afterEach(() => {
  cleanup();
  vi.useRealTimers();
  sessionStorage.clear();
});
