// server - a real server on a folder of its own: made, started, stopped and judged at the end.
// SPDX-License-Identifier: MIT
//
// The binary is PERIGEE_BIN, else build/sanitize/perigee, else build/perigee. Ports are chosen by
// the system. A server that exits with anything but 0, or whose log holds a sanitizer report, a
// failed assertion, a secret or the death of a child, fails the file that used it.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

/** Where the public data sets lie; some tests are skipped without them. */
export const DATASETS = resolve(ROOT, process.env.PERIGEE_DATASETS || "../shared/data");

export function binary() {
  if (process.env.PERIGEE_BIN) return resolve(process.env.PERIGEE_BIN);
  for (const path of ["build/sanitize/perigee", "build/perigee"]) {
    if (existsSync(join(ROOT, path))) return join(ROOT, path);
  }
  throw new Error("no perigee binary: run scripts/build, or set PERIGEE_BIN");
}

/**
 * Starts a program that ends with this process, however that ends: a file of tests that takes too
 * long is ended by its runner, and what it has started would go on for ever.
 */
export const begin = (file, args, options) =>
  spawn("setpriv", ["--pdeathsig", "TERM", "--", file, ...args], options);

/**
 * Rates and sessions are raised, because a test asks faster than any person; those about them lower
 * them.
 */
function environment(extra = {}) {
  const env = { ...process.env, LC_ALL: "C.UTF-8", LANG: "C.UTF-8" };
  for (const name of Object.keys(env)) {
    if (name.startsWith("PERIGEE_")) delete env[name];
  }
  const most = "100000";
  const rates = {
    PERIGEE_RATE_PER_S: most,
    PERIGEE_RATE_BURST: most,
    PERIGEE_SIGNIN_PER_MINUTE: most,
  };
  return { ...env, ...rates, PERIGEE_SESSIONS_PER_USER_MAX: "1000", ...extra };
}

export function folder() {
  return mkdtempSync(join(tmpdir(), "perigee-test-"));
}

/** A command line to its end: { status, stdout, stderr }. */
export function command(data, args, { input = "", env = {}, cwd } = {}) {
  const done = spawnSync(binary(), [...args], {
    input,
    cwd,
    env: environment({ PERIGEE_DATA: data, ...env }),
    encoding: "utf8",
    maxBuffer: 64 << 20,
    timeout: 300_000,
  });
  if (done.error) throw done.error;
  assert.equal(reportIn(done.stderr), null, "a sanitizer report of a command");
  return { status: done.status, stdout: done.stdout, stderr: done.stderr };
}

/** The same, which has to succeed. */
export function must(data, args, options) {
  const done = command(data, args, options);
  assert.equal(done.status, 0, `perigee ${args.join(" ")}: ${done.stderr}`);
  return done.stdout;
}

/** The first line of what no log may hold, or null. */
export function reportIn(log) {
  const bad = /ERROR: \w*Sanitizer|runtime error:|SUMMARY: \w*Sanitizer|assertion|\bBUG\b/i;
  const line = log.split("\n").find((text) => bad.test(text));
  return line ?? null;
}

const SECRETS = /\bp[sk]_[\w-]{43}|Perigee-Test-2026/;
const STOP_MS_MAX = 120_000; // ten times what the server gives itself
const DEATHS = /\(pid \d+\) ended after .*/;

export class Server {
  constructor(data) {
    this.data = data;
    this.log = "";
    this.urls = [];
  }

  /** Starts `perigee serve` and waits for its ready lines; rejects with its message if it ends. */
  async start({ args = [], env = {}, listen = "127.0.0.1:0", processes = [2, 2, 2] } = {}) {
    const [gateways, workers, runners] = processes;
    const numbers = ["--gateways", gateways, "--workers", workers, "--runners", runners];
    const all = ["serve", ...(listen ? ["--listen", listen] : []), ...numbers.map(String), ...args];
    const wanted =
      (listen ? 1 : 0) + args.filter((arg) => /^--(tls|operator)-listen/.test(arg)).length;
    this.urls = [];
    this.child = begin(binary(), all, {
      env: environment({ PERIGEE_DATA: this.data, ...env }),
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child.stderr.setEncoding("utf8").on("data", (text) => (this.log += text));
    this.exited = new Promise((done) => {
      this.child.on("close", (code, signal) => done({ code, signal }));
    });
    let out = "";
    await new Promise((done, fail) => {
      this.child.stdout.setEncoding("utf8").on("data", (text) => {
        out += text;
        this.urls = out.split("\n").filter((line) => line.startsWith("ready "));
        if (this.urls.length >= wanted) done();
      });
      this.exited.then(({ code }) => fail(new Error(`serve ended with ${code}: ${this.log}`)));
    });
    const port = (pattern) => {
      const line = this.urls.find((text) => pattern.test(text));
      return line ? Number(/:(\d+)(?: |$)/.exec(line)[1]) : undefined;
    };
    this.port = port(/^ready http:\/\/[^ ]+$/);
    this.tlsPort = port(/^ready https:/);
    this.operatorPort = port(/operator/);
    return this;
  }

  signal(name) {
    process.kill(this.child.pid, name);
  }

  /** SIGTERM, then the verdict: exit code 0 and a clean log. One that stays is killed and told. */
  async stop({ deaths = false } = {}) {
    if (!this.child) return;
    this.signal("SIGTERM");
    const patience = setTimeout(() => this.signal("SIGKILL"), STOP_MS_MAX);
    const { code, signal } = await this.exited;
    clearTimeout(patience);
    this.child = undefined;
    assert.equal(reportIn(this.log), null, `the server's log:\n${this.log.slice(-8000)}`);
    if (!deaths) assert.doesNotMatch(this.log, DEATHS);
    assert.doesNotMatch(this.log, SECRETS);
    assert.deepEqual({ code, signal }, { code: 0, signal: null }, this.log.slice(-4000));
  }

  command(args, options) {
    return command(this.data, args, options);
  }

  must(args, options) {
    return must(this.data, args, options);
  }

  remove() {
    if (!process.env.PERIGEE_KEEP) rmSync(this.data, { recursive: true, force: true });
  }
}
