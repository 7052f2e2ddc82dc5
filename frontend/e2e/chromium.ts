import { execFile } from "node:child_process";
import { access, constants, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { chromium } from "@playwright/test";

/** What Playwright needs to start the browser: pass it as `launchOptions`. */
export interface Chromium {
  executablePath: string;
  args: string[];
}

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const MAC_APPS = ["Google Chrome", "Chromium"].map(
  (name) => `/Applications/${name}.app/Contents/MacOS/${name}`,
);
const ARGS = [
  "--disable-gpu",
  "--disable-quic",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const UNPACKED = fileURLToPath(new URL("../node_modules/.cache/chromium", import.meta.url));

/**
 * Finds the browser for the journeys: the one in `CHROMIUM`, otherwise one installed on this machine,
 * otherwise the one from the npm package. Throws an error in one sentence if it does not start.
 */
export async function findChromium(): Promise<Chromium> {
  const found = process.env.CHROMIUM ?? (await installed());
  const executablePath = found ?? (await fromPackage());
  await checkStarts(executablePath);
  // Chromium has no sandbox for root, and the packaged build has none at all.
  const sandboxed = found !== undefined && process.getuid?.() !== 0;
  return { executablePath, args: sandboxed ? ARGS : [...ARGS, "--no-sandbox"] };
}

async function installed(): Promise<string | undefined> {
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  const places = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  for (const place of [...places, ...MAC_APPS]) {
    if (await isExecutable(place)) return place;
  }
  return undefined;
}

async function fromPackage(): Promise<string> {
  const program = join(UNPACKED, "chromium");
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new Error("No Chromium found: install Chromium or Chrome, or set CHROMIUM to its path.");
  }
  if (!(await isExecutable(program))) await unpack();
  await provideFonts();
  return program;
}

/** Unpacks to a temporary folder and renames it, because several workers may do so at the same time. */
async function unpack(): Promise<void> {
  const { default: packed } = await import("@sparticuz/chromium");
  await mkdir(join(UNPACKED, ".."), { recursive: true });
  const folder = await mkdtemp(`${UNPACKED}-`);
  const before = process.env.TMPDIR;
  process.env.TMPDIR = folder; // the package always unpacks to TMPDIR
  try {
    await launchOnce(await packed.executablePath());
    await rename(folder, UNPACKED);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    if (!(await isExecutable(join(UNPACKED, "chromium")))) throw error;
  } finally {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  }
}

/** Its first launch adds files to its folder, which must not happen in several workers at the same time. */
async function launchOnce(executablePath: string): Promise<void> {
  const browser = await chromium.launch({ executablePath, args: [...ARGS, "--no-sandbox"] });
  await browser.close();
}

/** On a machine without fonts, use the ones in the package: without a font, no text is rendered. */
async function provideFonts(): Promise<void> {
  if (process.env.FONTCONFIG_FILE || (await exists("/etc/fonts/fonts.conf"))) return;
  const settings = join(UNPACKED, "fonts.conf");
  const folders = `<dir>${join(UNPACKED, "fonts")}</dir><cachedir>${join(UNPACKED, "font-cache")}</cachedir>`;
  await writeFile(settings, `<?xml version="1.0"?><fontconfig>${folders}</fontconfig>`);
  process.env.FONTCONFIG_FILE = settings;
}

async function checkStarts(program: string): Promise<void> {
  try {
    await promisify(execFile)(program, ["--version"]);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const library = /loading shared libraries: (\S+?):/.exec(text)?.[1];
    throw new Error(
      library
        ? `${program} needs ${library}, which is not installed (on Debian and Ubuntu: apt install libnss3).`
        : `${program} does not start: ${text.trim()}`,
    );
  }
}

async function isExecutable(place: string): Promise<boolean> {
  return exists(place, constants.X_OK);
}

async function exists(place: string, mode = constants.F_OK): Promise<boolean> {
  return access(place, mode).then(
    () => true,
    () => false,
  );
}
