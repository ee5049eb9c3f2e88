// start - what keeps a server from starting is said in one clear line.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import * as faults from "../kit/faults.mjs";
import { folder, must, command, Server } from "../kit/server.mjs";

let data;
before(() => {
  data = folder();
  must(data, ["init"]);
  copyFileSync(join(data, "master.key"), join(data, "master.saved"));
});
beforeEach(() => {
  copyFileSync(join(data, "master.saved"), join(data, "master.key"));
  chmodSync(join(data, "master.key"), 0o600);
  rmSync(join(data, "perigee.json"), { force: true });
});
after(() => new Server(data).remove());

/** `serve` ends by itself, not well, with one line that matches. */
function refused(place, pattern, { listen = "127.0.0.1:0", env = {}, alone = false } = {}) {
  const serve = ["serve", "--listen", listen];
  const { status, stdout, stderr } = command(place, serve, {
    env: { PERIGEE_LOG_LEVEL: "error", ...env },
  });
  assert.ok(status > 0 && status < 126, `status ${status}: ${stderr}`);
  assert.equal(stdout, "");
  const said = stderr.split("\n").filter((line) => line.startsWith("perigee: "));
  assert.match(said[0] ?? stderr, pattern);
  assert.equal(new Set(said).size, 1, `one line says it: ${stderr}`);
  if (alone) assert.equal(stderr.trim().split("\n").length, 1, stderr);
}

test("a folder that is none of ours", () => {
  const other = folder();
  refused(other, /not a Perigee data folder.*perigee init/);
  refused(join(other, "missing"), /not there.*perigee init/);
  new Server(other).remove();
});

test("a missing key file", () => {
  rmSync(join(data, "master.key"));
  refused(data, /master\.key is missing/);
});

test("a key file that others can read", () => {
  chmodSync(join(data, "master.key"), 0o644);
  refused(data, /master\.key can be read by others.*chmod 600/);
});

test("a broken configuration names the key", () => {
  writeFileSync(join(data, "perigee.json"), '{ "gateways": "many" }', { mode: 0o600 });
  refused(data, /gateways/);
  writeFileSync(join(data, "perigee.json"), '{ "gatewys": 2 }', { mode: 0o600 });
  refused(data, /gatewys/);
  writeFileSync(join(data, "perigee.json"), "{", { mode: 0o600 });
  refused(data, /perigee\.json/);
});

test("TLS without a certificate that can be read", () => {
  const tls = {
    PERIGEE_TLS_LISTEN: "127.0.0.1:0",
    PERIGEE_TLS_CERT: "/nowhere",
    PERIGEE_TLS_KEY: "/nowhere",
  };
  refused(data, /TLS: .*certificate.*\(\/nowhere, \/nowhere\)/, { env: tls, alone: true });
});

test("a folder made by a newer version", (t) => {
  const bump = "UPDATE perigee_header SET core_version = 9999";
  const copy = folder();
  must(copy, ["init"]);
  const done = spawnSync("sqlite3", [join(copy, "control.db"), bump], { encoding: "utf8" });
  if (done.error) return t.skip("needs the sqlite3 command");
  assert.equal(done.status, 0, done.stderr);
  refused(copy, /newer Perigee/);
  new Server(copy).remove();
});

test("a control.db that is no database", () => {
  const copy = folder();
  must(copy, ["init"]);
  writeFileSync(join(copy, "control.db"), Buffer.alloc(8192, "x"));
  refused(copy, /control\.db/);
  new Server(copy).remove();
});

test("a port in use, and a second server on the folder", async (t) => {
  const server = await new Server(data).start({ processes: [1, 1, 1] });
  t.after(() => server.stop());
  refused(data, /another server or command is using/);
  const other = folder();
  must(other, ["init"]);
  refused(other, /cannot listen on .*in use/, { listen: `127.0.0.1:${server.port}` });
  new Server(other).remove();
  assert.ok(
    statSync(join(data, "operator.sock")).isSocket(),
    "the second did not take the first one's sockets",
  );
  server.must(["tenant", "list"]);
});

test("SIGTERM ends a server with status 0, also in its first moments and twice", async () => {
  for (let i = 0; i < 5; i += 1) {
    const server = await new Server(data).start({ processes: [2, 2, 2] });
    const { pid } = server.child;
    const all = faults.processes(pid);
    server.signal("SIGTERM");
    server.signal("SIGTERM");
    assert.deepEqual(await server.exited, { code: 0, signal: null });
    for (const one of all) assert.ok(!faults.isAlive(one.pid), `${one.role} is still there`);
    server.child = undefined;
  }
});

test("an idle keep-alive connection does not hold a stop", async (t) => {
  const server = await new Server(data).start({ processes: [1, 1, 1] });
  const { Client } = await import("../kit/client.mjs");
  const client = new Client({ port: server.port, host: "nobody.example.com" });
  assert.equal((await client.request("GET", "/healthz")).status, 200);
  const from = Date.now();
  await server.stop();
  t.diagnostic(`stopped after ${Date.now() - from} ms`);
  assert.doesNotMatch(server.log, /still open/, "the gateway ran into its last resort");
  client.close();
});
