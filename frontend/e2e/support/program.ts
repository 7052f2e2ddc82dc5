/** A Python program of ours as a child process: it ends when we do, because its standard input does. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const BACKEND = fileURLToPath(new URL("../../../backend", import.meta.url));
const PYTHON = fileURLToPath(new URL("../../../.venv/bin/python", import.meta.url));

export class Program {
  /** Everything it has printed, standard output and standard error apart. */
  output = "";
  errors = "";
  readonly #process: ChildProcess;
  readonly #listeners = new Set<() => void>();

  constructor(module: string, args: readonly string[]) {
    this.#process = spawn(PYTHON, ["-m", module, ...args], {
      cwd: BACKEND,
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.#process.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.output += text;
      this.#tell();
    });
    this.#process.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.errors += text;
      this.#tell();
    });
    this.#process.once("exit", () => this.#tell());
  }

  get hasEnded(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  /** Waits until *found* answers something, looking again whenever the program says more. */
  async until<T>(found: () => T | undefined, what: string, within = 30_000): Promise<T> {
    const deadline = Date.now() + within;
    for (;;) {
      const answer = found();
      if (answer !== undefined) return answer;
      if (this.hasEnded || Date.now() > deadline) throw new Error(`no ${what}:\n${this.lastWords}`);
      await this.#more(Math.min(100, deadline - Date.now()));
    }
  }

  /** Writes a line to its standard input. */
  say(line: string): void {
    this.#process.stdin?.write(`${line}\n`);
  }

  /** Lets it end by itself. */
  async stop(): Promise<void> {
    this.#process.stdin?.end();
    await this.#exit();
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#exit();
  }

  get lastWords(): string {
    return `${this.output}${this.errors}`.slice(-3000);
  }

  async #exit(): Promise<void> {
    if (this.hasEnded) return;
    const impatience = setTimeout(() => this.#process.kill("SIGKILL"), 10_000);
    await once(this.#process, "exit");
    clearTimeout(impatience);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  #more(atMost: number): Promise<void> {
    return new Promise((resolve) => {
      const go = () => {
        clearTimeout(timer);
        this.#listeners.delete(go);
        resolve();
      };
      const timer = setTimeout(go, Math.max(1, atMost));
      this.#listeners.add(go);
    });
  }
}
