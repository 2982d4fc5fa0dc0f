// Builds the report page: the TypeScript in src/ becomes one script, and the script, the style and
// the template become one HTML file, dist/report.html, that never asks the network for anything.
//
//   node build.mjs              builds dist/report.html
//   node build.mjs test [DIR]   runs the unit tests in DIR (default ../tests/web)
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const here = path.dirname(fileURLToPath(import.meta.url));
const dist = path.join(here, "dist");

/// The place where `tacho` puts a run's data; it has to stand in the page exactly once.
const data_marker = '<script type="application/json" id="tacho-run">{}</script>';
const page_bytes_max = 900_000;

async function bundle() {
  const result = await build({
    entryPoints: [path.join(here, "src/main.ts")],
    bundle: true,
    write: false,
    minify: true,
    format: "iife",
    target: "es2020",
    charset: "utf8",
    legalComments: "none",
    define: { "process.env.NODE_ENV": '"production"' },
  });
  return result.outputFiles[0].text.trim();
}

async function style() {
  const result = await build({
    entryPoints: [path.join(here, "src/style.css")],
    write: false,
    minify: true,
    charset: "utf8",
  });
  return result.outputFiles[0].text.trim();
}

const sha256 = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

// The content policy allows this one script and nothing from outside: that the page is closed is
// enforced by the browser, not promised by us.
function fill(template, script, css) {
  const policy = [
    "default-src 'none'",
    `script-src ${sha256(script)}`,
    "style-src 'unsafe-inline'",
    "img-src data: blob:",
  ].join("; ");
  const parts = { "@POLICY@": policy, "@STYLE@": css, "@SCRIPT@": script };
  return template.replace(/@(POLICY|STYLE|SCRIPT)@/g, (name) => parts[name]);
}

function check(page) {
  const markers = page.split(data_marker).length - 1;
  if (markers !== 1) throw new Error(`report.html: ${markers} data markers, there must be one`);
  const bytes = Buffer.byteLength(page);
  if (bytes > page_bytes_max) {
    throw new Error(`report.html: ${bytes} bytes are over ${page_bytes_max}; import less`);
  }
  return bytes;
}

async function build_page() {
  const template = readFileSync(path.join(here, "src/page.html"), "utf8");
  const page = fill(template, await bundle(), await style());
  const bytes = check(page);
  mkdirSync(dist, { recursive: true });
  writeFileSync(path.join(dist, "report.html"), page);
  console.log(`dist/report.html: ${Math.round(bytes / 1000)} kB`);
}

// Node 18 does not read TypeScript, so each test is bundled before node's own runner gets it.
async function run_tests(folder) {
  const tests = readdirSync(folder).filter((name) => name.endsWith(".test.mjs"));
  if (tests.length === 0) throw new Error(`${folder}: no *.test.mjs there`);
  const out = path.join(dist, "tests");
  await build({
    entryPoints: tests.map((name) => path.join(folder, name)),
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node18",
    outdir: out,
    outExtension: { ".js": ".mjs" },
    logLevel: "warning",
  });
  const bundled = tests.map((name) => path.join(out, name));
  const run = spawnSync(process.execPath, ["--test", ...bundled], { stdio: "inherit" });
  process.exitCode = run.status ?? 1;
}

if (process.argv[2] === "test") {
  await run_tests(path.resolve(process.argv[3] ?? path.join(here, "../tests/web")));
} else {
  await build_page();
}
