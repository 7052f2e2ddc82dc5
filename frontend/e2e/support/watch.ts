/**
 * Monitors a browser context from its first page on. On every page, nothing may violate the content security policy,
 * call another origin, fail, or put a secret into storage or a URL.
 */
import { type BrowserContext, expect, type Page } from "@playwright/test";

const PATHS =
  /^\/(login|email-code|mfa-enroll|totp-verify|backup-code|account\/(sessions|activity|authenticator)|)$/;
const MAY_BE_KEPT = new Set(["focys.email", "focys.brand", "focys.return", "history.state"]);
// Chromium logs an error for every failed request and error response, and the journeys contain both.
const EXPECTED = /^Failed to load resource/;

export interface Watch {
  /** More paths that this journey visits on purpose. */
  allowPaths(...paths: string[]): void;
  /** An error that this journey causes on purpose. */
  expectError(words: RegExp): void;
  /** Texts that must never appear in storage or in a URL. */
  forbid(...words: string[]): void;
  /** A key of the browser's lasting storage that this journey uses on purpose. */
  allowKept(key: string): void;
  check(): Promise<void>;
}

export async function watch(context: BrowserContext, origin: string): Promise<Watch> {
  const violations: string[] = [];
  const written: [string, string][] = [];
  const visited: string[] = [];
  const secrets: string[] = [];
  const extraPaths = new Set<string>();
  const mayBeKept = new Set(MAY_BE_KEPT);
  const expected: RegExp[] = [EXPECTED];

  await context.exposeBinding("__violation", (_, what: string) => violations.push(what));
  await context.exposeBinding("__written", (_, key: string, value: string) =>
    written.push([key, value]),
  );
  await context.exposeBinding("__visited", (_, url: string) => visited.push(url));
  await context.addInitScript(report);

  context.on("request", (request) => {
    const url = new URL(request.url());
    const own = url.origin === origin || ["data:", "blob:", "about:"].includes(url.protocol);
    if (!own) violations.push(`a request left for ${url.origin}`);
  });
  context.on("console", (message) => {
    const text = message.text();
    if (
      ["error", "warning"].includes(message.type()) &&
      !expected.some((pattern) => pattern.test(text))
    )
      violations.push(`console: ${text}`);
  });
  context.on("weberror", (error) => violations.push(`error: ${error.error().message}`));
  context.on("page", (page: Page) => {
    page.on("framenavigated", (frame) => visited.push(frame.url()));
  });

  return {
    allowPaths: (...paths) => {
      for (const path of paths) extraPaths.add(path);
    },
    expectError: (words) => void expected.push(words),
    forbid: (...words) => void secrets.push(...words),
    allowKept: (key) => void mayBeKept.add(key),
    async check() {
      expect(violations).toEqual([]);
      expect(written.filter(([key]) => !mayBeKept.has(key))).toEqual([]);
      const addresses = visited.filter((url) => url.startsWith(origin));
      for (const url of addresses) {
        const { pathname, search, hash } = new URL(url);
        const path = pathname + search + hash;
        expect(PATHS.test(path) || extraPaths.has(path), `visited ${path}`).toBe(true);
      }
      const kept = [...written.flat(), ...visited].join("\n");
      for (const secret of secrets)
        expect(kept.includes(secret), "a secret was stored").toBe(false);
      expect(
        await context.storageState({ indexedDB: true }).then(storedByPages(mayBeKept)),
      ).toEqual([]);
    },
  };
}

/** What pages store beyond session storage: local storage and databases. */
const storedByPages =
  (mayBeKept: ReadonlySet<string>) =>
  (state: Awaited<ReturnType<BrowserContext["storageState"]>>): unknown[] =>
    state.origins.filter(
      (origin) =>
        origin.localStorage.some(({ name }) => !mayBeKept.has(name)) ||
        ("indexedDB" in origin && [origin.indexedDB].flat().length > 0),
    );

/** Runs in every page before the page's own scripts. */
function report(): void {
  type Bindings = Record<string, (...words: string[]) => void>;
  const bindings = window as unknown as Bindings;
  document.addEventListener("securitypolicyviolation", (event) =>
    bindings.__violation?.(`policy: ${event.violatedDirective} refused ${event.blockedURI}`),
  );
  const setItem = Storage.prototype.setItem;
  Storage.prototype.setItem = function set(key: string, value: string) {
    bindings.__written?.(key, value);
    setItem.call(this, key, value);
  };
  for (const name of ["pushState", "replaceState"] as const) {
    const move = history[name];
    history[name] = function moved(data: unknown, unused: string, url?: string | URL | null) {
      bindings.__visited?.(`${new URL(url ?? "", location.href)}`);
      bindings.__written?.("history.state", JSON.stringify(data));
      move.call(this, data, unused, url);
    };
  }
}
