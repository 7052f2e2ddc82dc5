/**
 * What must hold on every page at any time: the policy is never violated, nothing leaves the origin, nothing fails,
 * and neither storage nor addresses learn a secret. It watches a whole browser context from its first page on.
 */
import { type BrowserContext, expect, type Page } from "@playwright/test";

const PATHS = /^\/(login|email-code|mfa-enroll|totp-verify|backup-code|)$/;
const MAY_BE_KEPT = new Set(["focys.email", "focys.app", "focys.return", "history.state"]);
// Chromium reports every refused or failed request as an error; both are part of the journeys.
const EXPECTED = /^Failed to load resource/;

export interface Watch {
  /** Paths beyond the known ones that this journey visits on purpose. */
  allowPaths(...paths: string[]): void;
  /** What the console will say because this journey breaks something. */
  expectFault(words: RegExp): void;
  /** Words that must never turn up in storage or in an address. */
  keepSecret(...words: string[]): void;
  check(): Promise<void>;
}

export async function watch(context: BrowserContext, origin: string): Promise<Watch> {
  const complaints: string[] = [];
  const written: [string, string][] = [];
  const visited: string[] = [];
  const secrets: string[] = [];
  const extraPaths = new Set<string>();
  const faults: RegExp[] = [EXPECTED];

  await context.exposeBinding("__complain", (_, what: string) => complaints.push(what));
  await context.exposeBinding("__written", (_, key: string, value: string) =>
    written.push([key, value]),
  );
  await context.exposeBinding("__visited", (_, url: string) => visited.push(url));
  await context.addInitScript(report);

  context.on("request", (request) => {
    const url = new URL(request.url());
    const own = url.origin === origin || ["data:", "blob:", "about:"].includes(url.protocol);
    if (!own) complaints.push(`a request left for ${url.origin}`);
  });
  context.on("console", (message) => {
    const text = message.text();
    if (["error", "warning"].includes(message.type()) && !faults.some((fault) => fault.test(text)))
      complaints.push(`console: ${text}`);
  });
  context.on("weberror", (error) => complaints.push(`fault: ${error.error().message}`));
  context.on("page", (page: Page) => {
    page.on("framenavigated", (frame) => visited.push(frame.url()));
  });

  return {
    allowPaths: (...paths) => {
      for (const path of paths) extraPaths.add(path);
    },
    expectFault: (words) => void faults.push(words),
    keepSecret: (...words) => void secrets.push(...words),
    async check() {
      expect(complaints).toEqual([]);
      expect(written.filter(([key]) => !MAY_BE_KEPT.has(key))).toEqual([]);
      const addresses = visited.filter((url) => url.startsWith(origin));
      for (const url of addresses) {
        const { pathname, search, hash } = new URL(url);
        const path = pathname + search + hash;
        expect(PATHS.test(path) || extraPaths.has(path), `visited ${path}`).toBe(true);
      }
      const kept = [...written.flat(), ...visited].join("\n");
      for (const secret of secrets) expect(kept.includes(secret), "a secret was kept").toBe(false);
      expect(await context.storageState({ indexedDB: true }).then(storedByPages)).toEqual([]);
    },
  };
}

/** What pages keep beyond the session: local storage and databases. */
function storedByPages(state: Awaited<ReturnType<BrowserContext["storageState"]>>): unknown[] {
  return state.origins.filter(
    (origin) => origin.localStorage.length > 0 || ("indexedDB" in origin && origin.indexedDB),
  );
}

/** Runs in every page before its own scripts. */
function report(): void {
  type Told = Record<string, (...words: string[]) => void>;
  const tell = window as unknown as Told;
  document.addEventListener("securitypolicyviolation", (event) =>
    tell.__complain?.(`policy: ${event.violatedDirective} refused ${event.blockedURI}`),
  );
  const setItem = Storage.prototype.setItem;
  Storage.prototype.setItem = function set(key: string, value: string) {
    tell.__written?.(key, value);
    setItem.call(this, key, value);
  };
  for (const name of ["pushState", "replaceState"] as const) {
    const move = history[name];
    history[name] = function moved(data: unknown, unused: string, url?: string | URL | null) {
      tell.__visited?.(`${new URL(url ?? "", location.href)}`);
      tell.__written?.("history.state", JSON.stringify(data));
      move.call(this, data, unused, url);
    };
  }
}
