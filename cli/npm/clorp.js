#!/usr/bin/env node
// Runs the program of this platform's package, with the same arguments, streams and exit code.
"use strict";

const { spawn } = require("node:child_process");
const { constants } = require("node:os");

const name = `@clorp/cli-${process.platform}-${process.arch}`;
const program = process.platform === "win32" ? "clorp.exe" : "clorp";

let path;
try {
  path = require.resolve(`${name}/${program}`);
} catch {
  console.error(`error: clorp has no package for ${process.platform} on ${process.arch}: build it from source`);
  process.exit(1);
}

const child = spawn(path, process.argv.slice(2), { stdio: "inherit" });
child.on("error", (error) => {
  console.error(`error: ${path} does not start: ${error.message}`);
  process.exit(1);
});
// A terminal sends Ctrl-C to the program too, which decides what it means. Other signals are passed on.
process.on("SIGINT", () => {});
for (const signal of ["SIGTERM", "SIGHUP"]) {
  process.on(signal, () => child.kill(signal));
}
child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
