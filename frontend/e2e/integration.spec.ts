/** docs/INTEGRATION.md: a page of another application, with the script from its example. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Page } from "@playwright/test";
import { Caller, nthStudent } from "./support/people";
import { Site } from "./support/site";
import { expect, test } from "./support/test";

const GUIDE = new URL("../../docs/INTEGRATION.md", import.meta.url);
const EXAMPLE = /```js\n(.*?)```/s.exec(readFileSync(GUIDE, "utf8"))?.[1] ?? "";
const HTML =
  '<script type="module">globalThis.client = await import("/client.js")</script><h1>Orders</h1>';

declare const client: {
  currentUser(): Promise<{ email: string } | null>;
  call(path: string): Promise<Response>;
  signOut(): Promise<void>;
};

/** The application: its page, the example's script, and a backend that asks FOCYS whose token it has received. */
class Application {
  focys = "";
  readonly #server = createServer(async ({ url, headers }, response) => {
    if (url === "/client.js") {
      const script = EXAMPLE.replace("https://login.example.com", this.focys);
      response.writeHead(200, { "Content-Type": "text/javascript" }).end(script);
    } else if (url === "/orders") {
      const Authorization = headers.authorization ?? "";
      const me = await fetch(`${this.focys}/api/auth/me`, { headers: { Authorization } });
      response.writeHead(me.status).end();
    } else {
      response.writeHead(200, { "Content-Type": "text/html" }).end(HTML);
    }
  });

  async start(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

const currentUser = (page: Page) => page.evaluate(async () => (await client.currentUser())?.email);
const orders = (page: Page) => page.evaluate(async () => (await client.call("/orders")).status);

test("another application's page sees who is signed in, calls its backend, and signs out", async ({
  browser,
}) => {
  const application = new Application();
  const origin = await application.start();
  const site = await Site.start({ settings: { cors_origins: origin } });
  // A browser of its own, because the monitored one may call only one origin.
  const context = await browser.newContext();
  try {
    application.focys = site.url;
    const caller = new Caller(context.request, site);
    const person = await caller.enroll(nthStudent(1));
    const page = await context.newPage();
    const errors: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error") errors.push(message.text());
    });
    await page.goto(origin);
    await page.waitForFunction(() => "client" in globalThis);

    const before = await currentUser(page);
    const errorsBefore = [...errors];
    await caller.password(person);
    await caller.post("/auth/totp/verify", { code: person.app.code(site.now()) });
    const [accepted, owner] = [await orders(page), await currentUser(page)];
    await page.evaluate(() => client.signOut());
    const [rejected, nobody] = [await orders(page), await currentUser(page)];

    expect(before).toBeUndefined();
    expect(errorsBefore).toEqual([]);
    expect([accepted, owner]).toEqual([200, person.email]);
    expect(rejected).toBe(401);
    expect(nobody).toBeUndefined();
  } finally {
    await context.close();
    await site.stop();
    application.stop();
  }
});
