/** The import rules: pages -> features -> lib, ui; features do not import each other; one file calls the server. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";

const SRC = resolve("src");
const sources = readdirSync(SRC, { recursive: true, encoding: "utf8" })
  .filter(
    (path) =>
      /\.tsx?$/.test(path) && !/\.test\.tsx?$/.test(path) && !path.endsWith("test-setup.ts"),
  )
  .map((path) => ({
    path: path.replaceAll("\\", "/"),
    text: readFileSync(join(SRC, path), "utf8"),
  }));

const IMPORT = /(?:from|import)\s*\(?\s*"(\.[^"]+)"/g;

/** The folder a file belongs to; each feature has its own. */
function layerOf(path: string): string {
  const [top = "", second = ""] = path.split("/");
  return top === "features" ? `features/${second}` : path.includes("/") ? top : "root";
}

const MAY_USE: Record<string, readonly string[]> = {
  root: ["pages", "lib", "ui"],
  pages: ["pages", "features", "lib", "ui"],
  features: ["lib", "ui"],
  lib: ["lib"],
  ui: ["ui"],
};

function isAllowed(from: string, to: string): boolean {
  const [source, target] = [layerOf(from), layerOf(to)];
  if (source === target) return true;
  const [kind = "", targetKind = ""] = [source.split("/")[0], target.split("/")[0]];
  return MAY_USE[kind]?.includes(targetKind) ?? false;
}

function violations(): string[] {
  return sources.flatMap(({ path, text }) =>
    [...text.matchAll(IMPORT)]
      .map(([, target = ""]) => relative(SRC, resolve(SRC, dirname(path), target)))
      .filter((target) => !isAllowed(path, target))
      .map((target) => `${path} must not import ${target}`),
  );
}

test("every import points down, and no feature imports another", () => {
  expect(sources.length).toBeGreaterThan(50);
  expect(violations()).toEqual([]);
});

test("the rules reject what they forbid", () => {
  expect(isAllowed("features/totp/TotpForm.tsx", "features/login/Identity")).toBe(false);
  expect(isAllowed("ui/Card.tsx", "lib/auth")).toBe(false);
  expect(isAllowed("lib/auth.tsx", "features/totp/TotpForm")).toBe(false);
  expect(isAllowed("pages/Login.tsx", "features/login/LoginForm")).toBe(true);
});

test("only lib/api.ts calls the server", () => {
  const callers = sources.filter(({ text }) =>
    /\bfetch\(|XMLHttpRequest|sendBeacon|WebSocket/.test(text),
  );

  expect(callers.map(({ path }) => path)).toEqual(["lib/api.ts"]);
});

test("only three files use storage, and they say what for", () => {
  const files = (pattern: RegExp) =>
    sources.filter(({ text }) => pattern.test(text)).map(({ path }) => path);

  expect(files(/(session|local)Storage|indexedDB|document\.cookie/)).toEqual(["lib/storage.ts"]);
  expect(files(/from ".*\/storage"/).sort()).toEqual([
    "lib/demoPhone.ts",
    "lib/memory.ts",
    "lib/returnPath.ts",
  ]);
});

test("no page sets markup or styles that the content security policy would block", () => {
  const offenders = sources.filter(({ text }) =>
    /dangerouslySetInnerHTML|innerHTML|style=\{/.test(text),
  );

  expect(offenders.map(({ path }) => path)).toEqual([]);
});
