/** The journeys' `test`: a site, somebody to sign in, and a watch over everything the browser does. */
import { type BrowserContext, test as base } from "@playwright/test";
import { Caller, type Enrolled, nthStudent, type Person } from "./people";
import { Program } from "./program";
import { type Kind, Site, type SiteOptions } from "./site";
import { type Watch, watch } from "./watch";

export { expect } from "@playwright/test";

interface Journey {
  /** A site of the journey's own, with a fresh database; else it shares its worker's. */
  ownSite: boolean;
  appName: string;
  site: Site;
  /** Not enrolled, and nobody else's in this worker. */
  person: Person;
  /** Enrolled in another browser: a stranger to this one. */
  enrolled: Enrolled;
  /** Enrolled in this very browser, and signed out again. */
  enrolledHere: Enrolled;
  caller: Caller;
  watched: Watch;
  /** Another browser, watched as well. */
  otherBrowser(): Promise<BrowserContext>;
}

interface PerWorker {
  kind: Kind;
  databaseUrl(): Promise<string>;
  sharedSite(): Promise<Site>;
  nextPerson(): Person;
}

export const test = base.extend<Journey, PerWorker>({
  kind: ["sqlite", { option: true, scope: "worker" }],
  databaseUrl: [
    async ({ kind }, use) => {
      let lender: Program | undefined;
      let lent = 0;
      await use(async () => {
        if (kind === "sqlite") return "";
        lender ??= new Program("tests.support.postgres", []);
        const program = lender;
        const number = lent++;
        program.say("one more");
        const urls = () => program.output.match(/^postgresql:\S+$/gm);
        return program.until(() => urls()?.[number], "PostgreSQL database");
      });
      await lender?.stop();
    },
    { scope: "worker" },
  ],
  sharedSite: [
    async ({ databaseUrl }, use) => {
      let starting: Promise<Site> | undefined;
      await use(() => {
        starting ??= databaseUrl().then((url) => Site.start({ databaseUrl: url }));
        return starting;
      });
      await (await starting)?.stop();
    },
    { scope: "worker" },
  ],
  nextPerson: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads which fixtures are wanted from it
    async ({}, use) => {
      let last = 0;
      await use(() => nthStudent(++last));
    },
    { scope: "worker" },
  ],

  ownSite: [false, { option: true }],
  appName: ["", { option: true }],
  site: async ({ ownSite, appName, sharedSite, databaseUrl }, use, info) => {
    const isOwn = ownSite || appName !== "";
    const options: SiteOptions = isOwn ? { appName, databaseUrl: await databaseUrl() } : {};
    const site = isOwn ? await Site.start(options) : await sharedSite();
    // Whatever the last journey did to limits by network is over.
    if (!isOwn) await site.advance(3600);
    try {
      await use(site);
      if (info.status !== info.expectedStatus)
        await info.attach("server", { body: site.lastWords, contentType: "text/plain" });
    } finally {
      if (isOwn) await site.stop();
    }
  },
  baseURL: async ({ site }, use) => use(site.url),

  person: async ({ nextPerson }, use) => use(nextPerson()),
  caller: async ({ context, site }, use) => use(new Caller(context.request, site)),
  enrolled: async ({ playwright, site, person, watched }, use) => {
    const elsewhere = await playwright.request.newContext();
    const enrolled = await new Caller(elsewhere, site).enroll(person);
    await elsewhere.dispose();
    watched.keepSecret(enrolled.app.key, ...enrolled.backupCodes);
    await use(enrolled);
  },
  enrolledHere: async ({ caller, person, watched }, use) => {
    const enrolled = await caller.enroll(person);
    watched.keepSecret(enrolled.app.key, ...enrolled.backupCodes);
    await use(enrolled);
  },

  watched: [
    async ({ context, site, person }, use) => {
      const watched = await watch(context, site.url);
      watched.keepSecret(person.password);
      await use(watched);
      await watched.check();
    },
    { auto: true },
  ],
  otherBrowser: async ({ browser, site }, use) => {
    const opened: { context: BrowserContext; watched: Watch }[] = [];
    await use(async () => {
      const context = await browser.newContext({ baseURL: site.url });
      opened.push({ context, watched: await watch(context, site.url) });
      return context;
    });
    for (const { context, watched } of opened) {
      await watched.check();
      await context.close();
    }
  },
});
