import { cleanup, configure } from "@testing-library/react";
import { afterEach } from "vitest";

// Tests must not fail on a slow machine.
configure({ asyncUtilTimeout: 5000 });

afterEach(() => {
  cleanup();
  sessionStorage.clear();
});
