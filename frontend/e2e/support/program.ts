/** A Python program as a child process. It exits when this process does, because its standard input then closes. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const BACKEND = fileURLToPath(new URL("../../../backend", import.meta.url));
const PYTHON = fileURLToPath(new URL("../../../.venv/bin/python", import.meta.url));

export class Program {
  /** Everything it has printed to standard output; `errors` is the same for standard error. */
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
      this.#notify();
    });
    this.#process.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.errors += text;
      this.#notify();
    });
    this.#process.once("exit", () => this.#notify());
  }

  get hasEnded(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  /** Waits until *find* returns something, and calls it again whenever the program prints more. */
  async until<T>(find: () => T | undefined, what: string, within = 30_000): Promise<T> {
    const deadline = Date.now() + within;
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      if (this.hasEnded || Date.now() > deadline)
        throw new Error(`no ${what}:\n${this.recentOutput}`);
      await this.#nextOutput(Math.min(100, deadline - Date.now()));
    }
  }

  /** Writes a line to its standard input. */
  write(line: string): void {
    this.#process.stdin?.write(`${line}\n`);
  }

  /** Lets it exit by itself. */
  async stop(): Promise<void> {
    this.#process.stdin?.end();
    await this.#exit();
  }

  /** Kills it, like a crash. */
  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#exit();
  }

  get recentOutput(): string {
    return `${this.output}${this.errors}`.slice(-3000);
  }

  async #exit(): Promise<void> {
    if (this.hasEnded) return;
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), 10_000);
    await once(this.#process, "exit");
    clearTimeout(timer);
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }

  #nextOutput(atMost: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#listeners.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, Math.max(1, atMost));
      this.#listeners.add(wake);
    });
  }
}
