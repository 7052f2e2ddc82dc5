/** The whole deployment, with nginx in front, and a browser that resolves its name and trusts its certificate. */
import { type Browser, chromium } from "@playwright/test";
import { findChromium } from "../chromium";
import type { Person } from "./people";
import { Program } from "./program";

interface Address {
  url: string;
  host: string;
  port: number;
  plainPort: number;
  key: string;
}

interface Email {
  to: string;
  subject: string;
  code: string | null;
  overTls: boolean;
}

type Line = Partial<Address & Email & Person & { person: string; restarted: boolean }>;

export class Stack {
  readonly #read = new Map<string, number>();

  private constructor(
    readonly address: Address,
    private readonly program: Program,
  ) {}

  static async start(): Promise<Stack> {
    const program = new Program("tests.deploy.stack", []);
    try {
      const ready = () =>
        linesOf(program).find((line) => line.url !== undefined) as Address | undefined;
      return new Stack(await program.until(ready, "deployment", 60_000), program);
    } catch (error) {
      await program.stop();
      throw error;
    }
  }

  get url(): string {
    return this.address.url;
  }

  /** A Chromium that resolves only this deployment's name, to this machine, and trusts only one certificate's key. */
  async browser(key = this.address.key): Promise<Browser> {
    const { host, port, plainPort } = this.address;
    const { executablePath, args } = await findChromium();
    const rules = [
      `MAP ${host}:443 127.0.0.1:${port}`,
      `MAP ${host}:80 127.0.0.1:${plainPort}`,
      "MAP * ~NOTFOUND",
    ];
    const extra = [
      `--ignore-certificate-errors-spki-list=${key}`,
      `--host-resolver-rules=${rules}`,
    ];
    return chromium.launch({ executablePath, args: [...args, ...extra] });
  }

  /** Has the operator create an account. */
  async person(email: string): Promise<Person> {
    this.program.write(`person ${email}`);
    const created = () => linesOf(this.program).find((line) => line.person === email);
    const { password = "" } = await this.program.until(created, `account ${email}`);
    return { email, password };
  }

  /** Stops gunicorn with all its workers and starts it again. */
  async restart(): Promise<void> {
    const restarts = () => linesOf(this.program).filter((line) => line.restarted).length;
    const before = restarts();
    this.program.write("restart");
    await this.program.until(() => restarts() > before || undefined, "restart", 60_000);
  }

  async stop(): Promise<void> {
    await this.program.stop();
  }

  /** The server's time, in ms since the epoch. */
  now(): number {
    return Date.now();
  }

  /** What the mail server has accepted for *email*. */
  emails(email: string): Email[] {
    return linesOf(this.program).filter((line) => line.to === email) as Email[];
  }

  /** The code from the newest message to *email*; each call waits for a new one. */
  async lastCode(email: string): Promise<string> {
    return this.program.until(() => {
      const codes = this.emails(email).flatMap(({ code }) => code ?? []);
      if (codes.length <= (this.#read.get(email) ?? 0)) return undefined;
      this.#read.set(email, codes.length);
      return codes.at(-1);
    }, `code for ${email}`);
  }

  get recentOutput(): string {
    return this.program.recentOutput;
  }
}

/** What the program has printed: one JSON object per complete line. */
function linesOf(program: Program): Line[] {
  const lines = program.output.split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line));
}
