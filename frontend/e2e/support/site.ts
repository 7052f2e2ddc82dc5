/** The real service with the built pages, in its own process, whose clock the journey can move. */
import { mkdtemp, rename, rm, statfs, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Program } from "./program";

export type Kind = "sqlite" | "postgresql";

/** The names of settings, in lower case, with their values. */
export type Settings = Readonly<Record<string, string>>;

export interface SiteOptions {
  /** A PostgreSQL database; otherwise the site uses an SQLite file. */
  databaseUrl?: string;
  settings?: Settings;
  /** The pages of the demo, with its phone. */
  demo?: boolean;
  /** How many accounts to create for students; one by default. */
  students?: number;
}

const PRINTED_CODE = /^E-?mail code for (\S+): ([0-9A-Z-]+) \(valid \d+ minutes?\)$/gm;

export class Site {
  readonly url: string;
  #program: Program;
  #offset = 0;
  #printedBefore = "";
  readonly #read = new Map<string, number>();

  private constructor(
    private readonly folder: string,
    private readonly port: number,
    private readonly options: SiteOptions,
  ) {
    this.url = `http://localhost:${port}`;
    this.#program = this.#start();
  }

  static async start(options: SiteOptions = {}): Promise<Site> {
    const folder = await mkdtemp(join(await fastFolder(), "focys-journey-"));
    const site = new Site(folder, await freePort(), options);
    try {
      await site.#ready();
    } catch (error) {
      await site.stop();
      throw error;
    }
    return site;
  }

  /** The server's time, in ms since the epoch. */
  now(): number {
    return Date.now() + this.#offset * 1000;
  }

  /** Moves the server's clock forward. */
  async advance(seconds: number): Promise<void> {
    this.#offset += seconds;
    const draft = join(this.folder, "offset.new");
    await writeFile(draft, String(this.#offset));
    await rename(draft, join(this.folder, "offset"));
  }

  /** Kills the server and starts it again, on the same port and database. */
  async restart(): Promise<void> {
    await this.#program.kill();
    this.#printedBefore += this.#program.output;
    this.#program = this.#start();
    await this.#ready();
  }

  async stop(): Promise<void> {
    await this.#program.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** How many codes were sent to *email* so far. */
  codesSent(email: string): number {
    return this.#codes(email).length;
  }

  /** The last code sent to *email*, from the server's console; each call waits for a new one. */
  async lastCode(email: string): Promise<string> {
    return this.#program.until(() => {
      const codes = this.#codes(email);
      if (codes.length <= (this.#read.get(email) ?? 0)) return undefined;
      this.#read.set(email, codes.length);
      return codes.at(-1);
    }, `code for ${email}`);
  }

  /** Resets someone's second factor, as an operator does; returns the ticket for them. */
  async resetMfa(email: string): Promise<string> {
    const reset = new Program("tests.support.site", [...this.#arguments(), "--reset-mfa", email]);
    const ticket = await reset.until(() => /^Ticket: (\S+)$/m.exec(reset.output)?.[1], "ticket");
    await reset.stop();
    return ticket;
  }

  get recentOutput(): string {
    return this.#program.recentOutput;
  }

  #codes(email: string): string[] {
    const printed = this.#printedBefore + this.#program.output;
    return [...printed.matchAll(PRINTED_CODE)]
      .filter(([, to]) => to === email)
      .map(([, , code = ""]) => code);
  }

  #start(): Program {
    return new Program("tests.support.site", this.#arguments());
  }

  #arguments(): string[] {
    const { databaseUrl, settings = {}, demo, students = 1 } = this.options;
    return [
      ...["--port", String(this.port), "--data", this.folder, "--students", String(students)],
      ...(databaseUrl ? ["--database-url", databaseUrl] : []),
      ...Object.entries(settings).flatMap(([name, value]) => ["--set", `${name}=${value}`]),
      ...(demo ? ["--demo"] : []),
    ];
  }

  async #ready(): Promise<void> {
    const program = this.#program;
    await program.until(
      () => (/Uvicorn running/.test(program.errors) ? true : undefined),
      "server",
    );
  }
}

/** A folder in memory if there is one with enough room, because a commit there waits for no disk. */
async function fastFolder(): Promise<string> {
  const memory = "/dev/shm";
  const space = await statfs(memory).catch(() => undefined);
  return space && space.bavail * space.bsize > 256 * 1024 * 1024 ? memory : tmpdir();
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      const port = typeof address === "object" && address ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}
