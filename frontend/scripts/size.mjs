// Measures what a browser must load before the sign-in form works: the entry and its static imports.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const LIMIT = 100_000;
const dist = fileURLToPath(new URL("../dist/", import.meta.url));
const manifest = JSON.parse(readFileSync(join(dist, ".vite/manifest.json"), "utf8"));

function collect(key, seen = new Set()) {
  if (seen.has(key)) return seen;
  seen.add(key);
  for (const next of manifest[key].imports ?? []) collect(next, seen);
  return seen;
}

function measure(file) {
  const bytes = gzipSync(readFileSync(join(dist, file)), { level: 9 }).length;
  console.log(`${(bytes / 1000).toFixed(1).padStart(7)} kB  ${file}`);
  return bytes;
}

const chunks = [...collect("index.html")].map((key) => manifest[key]);
const scripts = chunks.map((chunk) => measure(chunk.file)).reduce((a, b) => a + b, 0);
const styles = [...new Set(chunks.flatMap((chunk) => chunk.css ?? []))]
  .map(measure)
  .reduce((a, b) => a + b, 0);

console.log(
  `Sign-in route, gzipped: ${(scripts / 1000).toFixed(1)} kB of scripts (limit ${LIMIT / 1000}), ${(styles / 1000).toFixed(1)} kB of styles`,
);
if (scripts >= LIMIT) process.exit(1);
