// Builds the npm packages: one for each platform with the program, and `clorp`, which chooses among them.
//
// node build.mjs VERSION FOLDER PLATFORM=PROGRAM…, such as linux-x64=target/release/clorp

import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const [version, folder, ...programs] = process.argv.slice(2);
if (!version || !folder || programs.length === 0) {
  console.error("usage: node build.mjs VERSION FOLDER PLATFORM=PROGRAM…");
  process.exit(2);
}

const here = dirname(fileURLToPath(import.meta.url));
const shared = {
  version,
  description: "clorp on the command line: post drops, race on them, and read the verdicts",
  license: "MIT",
};

function write(name, manifest, files) {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  for (const [file, source] of Object.entries(files)) {
    copyFileSync(source, join(path, file));
    chmodSync(join(path, file), 0o755);
  }
  copyFileSync(join(here, "../../LICENSE"), join(path, "LICENSE"));
  writeFileSync(join(path, "package.json"), JSON.stringify({ ...shared, ...manifest }, null, 2) + "\n");
}

const optionalDependencies = {};
for (const pair of programs) {
  const [platform, program] = pair.split("=");
  const [os, cpu] = platform.split("-");
  const name = `@clorp/cli-${platform}`;
  const file = os === "win32" ? "clorp.exe" : "clorp";
  // The programs for Linux link the C library of GNU.
  const libc = os === "linux" ? { libc: ["glibc"] } : {};
  write(`cli-${platform}`, { name, os: [os], cpu: [cpu], ...libc, files: [file] }, { [file]: program });
  optionalDependencies[name] = version;
}
write(
  "clorp",
  { name: "clorp", bin: { clorp: "clorp.js" }, engines: { node: ">=18" }, files: ["clorp.js"], optionalDependencies },
  { "clorp.js": join(here, "clorp.js") },
);
