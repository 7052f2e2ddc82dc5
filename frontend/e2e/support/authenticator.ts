/** The authenticator apps for the journeys: libraries that are not part of FOCYS. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { TOTP, URI } from "otpauth";

const PYTHON = fileURLToPath(new URL("../../../.venv/bin/python", import.meta.url));
const STEP_MS = 30_000;

export class Authenticator {
  private constructor(private readonly totp: TOTP) {}

  /** Scans a QR code, or opens a link. */
  static scan(uri: string): Authenticator {
    const totp = URI.parse(uri);
    if (!(totp instanceof TOTP)) throw new Error("not a time-based entry");
    return new Authenticator(totp);
  }

  /** Takes a typed key, with the defaults of every app. */
  static type(key: string): Authenticator {
    return new Authenticator(new TOTP({ secret: key }));
  }

  get key(): string {
    return this.totp.secret.base32;
  }

  get entry(): { issuer: string; account: string } {
    return { issuer: this.totp.issuer, account: this.totp.label };
  }

  /** The code the app shows at a point in time, in ms since the epoch. */
  code(at: number): string {
    return this.totp.generate({ timestamp: at });
  }

  /** Codes the app does not show at any time near *at*. */
  wrongCodes(at: number, count: number): string[] {
    const shown = new Set(
      Array.from({ length: 60 }, (_, index) => this.code(at + (index - 45) * STEP_MS)),
    );
    return Array.from({ length: 200 }, (_, index) => String(index * 4999).padStart(6, "0"))
      .filter((code) => !shown.has(code))
      .slice(0, count);
  }
}

/** The code for a key from pyotp, computed as in the guide's snippet. */
export function pyotpCode(key: string, at: number): string {
  const snippet = "import sys, pyotp; print(pyotp.TOTP(sys.argv[1]).at(int(sys.argv[2])))";
  return python(snippet, key, String(Math.floor(at / 1000)));
}

/** The same from mintotp, which shares no code with pyotp. */
export function mintotpCode(key: string, at: number): string {
  const snippet = "import sys, mintotp; print(mintotp.hotp(sys.argv[1], int(sys.argv[2])))";
  return python(snippet, key, String(Math.floor(at / STEP_MS)));
}

function python(snippet: string, ...args: string[]): string {
  return execFileSync(PYTHON, ["-c", snippet, ...args], { encoding: "utf8" }).trim();
}
