/** The whole deployment, with nginx in front, and a browser that finds it under its name and trusts its certificate. */
import { type Browser, chromium } from "@playwright/test";
import { findChromium } from "../chromium";
import type { Person } from "./people";
import { Program } from "./program";

interface Place {
  url: string;
  host: string;
  port: number;
  plainPort: number;
  key: string;
}

interface Letter {
  to: string;
  subject: string;
  code: string | null;
  overTls: boolean;
}

type Told = Partial<Place & Letter & Person & { person: string; restarted: boolean }>;

export class Stack {
  readonly #read = new Map<string, number>();

  private constructor(
    readonly place: Place,
    private readonly program: Program,
  ) {}

  static async start(): Promise<Stack> {
    const program = new Program("tests.deploy.stack", []);
    try {
      const found = () => told(program).find((line) => line.url !== undefined) as Place | undefined;
      return new Stack(await program.until(found, "deployment", 60_000), program);
    } catch (fault) {
      await program.stop();
      throw fault;
    }
  }

  get url(): string {
    return this.place.url;
  }

  /** A Chromium for which the name is this machine, every other name is nowhere, and one certificate's key is good. */
  async browser(key = this.place.key): Promise<Browser> {
    const { host, port, plainPort } = this.place;
    const { executablePath, args } = await findChromium();
    const rules = [
      `MAP ${host}:443 127.0.0.1:${port}`,
      `MAP ${host}:80 127.0.0.1:${plainPort}`,
      "MAP * ~NOTFOUND",
    ];
    const own = [`--ignore-certificate-errors-spki-list=${key}`, `--host-resolver-rules=${rules}`];
    return chromium.launch({ executablePath, args: [...args, ...own] });
  }

  /** Has the operator create an account. */
  async person(email: string): Promise<Person> {
    this.program.say(`person ${email}`);
    const created = () => told(this.program).find((line) => line.person === email);
    const { password = "" } = await this.program.until(created, `account ${email}`);
    return { email, password };
  }

  /** Ends gunicorn with all its workers and starts it anew. */
  async restart(): Promise<void> {
    const restarts = () => told(this.program).filter((line) => line.restarted).length;
    const before = restarts();
    this.program.say("restart");
    await this.program.until(() => restarts() > before || undefined, "restart", 60_000);
  }

  async stop(): Promise<void> {
    await this.program.stop();
  }

  /** The server's time, in ms since the epoch. */
  now(): number {
    return Date.now();
  }

  /** What the mail server has taken for somebody. */
  letters(email: string): Letter[] {
    return told(this.program).filter((line) => line.to === email) as Letter[];
  }

  /** The code of the newest letter to *email*; each call waits for one not seen before. */
  async lastCode(email: string): Promise<string> {
    return this.program.until(() => {
      const codes = this.letters(email).flatMap(({ code }) => code ?? []);
      if (codes.length <= (this.#read.get(email) ?? 0)) return undefined;
      this.#read.set(email, codes.length);
      return codes.at(-1);
    }, `letter to ${email}`);
  }

  get lastWords(): string {
    return this.program.lastWords;
  }
}

/** What the program has said, one object per whole line. */
function told(program: Program): Told[] {
  const lines = program.output.split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line));
}
