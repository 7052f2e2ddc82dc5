/** The `test` of the journeys: a site, someone to sign in, and a monitor of everything the browser does. */
import { type BrowserContext, test as base } from "@playwright/test";
import { Caller, type Enrolled, nthStudent, type Person } from "./people";
import { Program } from "./program";
import { type Kind, type Settings, Site, type SiteOptions } from "./site";
import { type Watch, watch } from "./watch";

export { expect } from "@playwright/test";

interface Journey {
  /** The journey has its own site with a new database; otherwise it shares one with its worker. */
  ownSite: boolean;
  /** Settings other than the usual ones. */
  settings: Settings;
  /** The site is a demo. */
  demo: boolean;
  site: Site;
  /** Not enrolled, and not used by any other journey of this worker. */
  person: Person;
  /** Enrolled in another browser, so this one is unknown. */
  enrolled: Enrolled;
  /** Enrolled in this browser, and signed out again. */
  enrolledHere: Enrolled;
  caller: Caller;
  watched: Watch;
  /** Another browser, also monitored. */
  otherBrowser(): Promise<BrowserContext>;
}

interface PerWorker {
  kind: Kind;
  databaseUrl(): Promise<string>;
  /** The worker's site with these options. */
  sharedSite(options: SiteOptions): Promise<Site>;
  nextPerson(): Person;
}

/** More than any worker has journeys. */
const STUDENTS = 120;

export const test = base.extend<Journey, PerWorker>({
  kind: ["sqlite", { option: true, scope: "worker" }],
  databaseUrl: [
    async ({ kind }, use) => {
      let server: Program | undefined;
      let requested = 0;
      await use(async () => {
        if (kind === "sqlite") return "";
        server ??= new Program("tests.support.postgres", []);
        const program = server;
        const number = requested++;
        program.write("one more");
        const urls = () => program.output.match(/^postgresql:\S+$/gm);
        return program.until(() => urls()?.[number], "PostgreSQL database");
      });
      await server?.stop();
    },
    { scope: "worker" },
  ],
  sharedSite: [
    async ({ databaseUrl }, use) => {
      const sites = new Map<string, Promise<Site>>();
      await use((options) => {
        const key = JSON.stringify(options);
        const site =
          sites.get(key) ??
          databaseUrl().then((url) =>
            Site.start({ ...options, databaseUrl: url, students: STUDENTS }),
          );
        sites.set(key, site);
        return site;
      });
      for (const site of sites.values()) await (await site).stop();
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
  settings: [{}, { option: true }],
  demo: [false, { option: true }],
  site: async ({ ownSite, settings, demo, sharedSite, databaseUrl }, use, info) => {
    const site = ownSite
      ? await Site.start({ settings, demo, databaseUrl: await databaseUrl() })
      : await sharedSite({ settings, demo });
    // The rate limits per network that the last journey used up are over.
    if (!ownSite) await site.advance(3600);
    try {
      await use(site);
      if (info.status !== info.expectedStatus)
        await info.attach("server", { body: site.recentOutput, contentType: "text/plain" });
    } finally {
      if (ownSite) await site.stop();
    }
  },
  baseURL: async ({ site }, use) => use(site.url),

  person: async ({ ownSite, nextPerson }, use) => use(ownSite ? nthStudent(1) : nextPerson()),
  caller: async ({ context, site }, use) => use(new Caller(context.request, site)),
  enrolled: async ({ playwright, site, person, watched }, use) => {
    const elsewhere = await playwright.request.newContext();
    const enrolled = await new Caller(elsewhere, site).enroll(person);
    await elsewhere.dispose();
    watched.forbid(enrolled.app.key, ...enrolled.backupCodes);
    await use(enrolled);
  },
  enrolledHere: async ({ caller, person, watched }, use) => {
    const enrolled = await caller.enroll(person);
    watched.forbid(enrolled.app.key, ...enrolled.backupCodes);
    await use(enrolled);
  },

  watched: [
    async ({ context, site, person }, use) => {
      const watched = await watch(context, site.url);
      watched.forbid(person.password);
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
