// units - under systemd: the unit files are sound, and a socket that is handed over is served.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Client } from "../kit/client.mjs";
import { binary, reportIn, ROOT } from "../kit/server.mjs";
import { HOSTS, makeFolder, PASSWORD } from "../kit/world.mjs";

const analyze = spawnSync("systemd-analyze", ["--version"]).status === 0;

test("systemd finds nothing wrong with the unit files", { skip: !analyze }, () => {
  const folder = mkdtempSync(join(tmpdir(), "perigee-units-"));
  const paths = ["perigee.service", "perigee.socket"].map((name) => {
    const text = readFileSync(join(ROOT, "scripts", name), "utf8");
    const path = join(folder, name);
    writeFileSync(path, text.replace("ExecStart=perigee", `ExecStart=${binary()}`));
    return path;
  });
  const done = spawnSync("systemd-analyze", ["verify", ...paths], { encoding: "utf8" });
  rmSync(folder, { recursive: true });
  // It also reads the machine's own units: only what it says of these counts.
  const said = done.stderr.split("\n").filter((line) => line.includes("perigee"));
  assert.deepEqual(said, []);
});

/* What systemd does: a shell that keeps the socket as descriptor 3 and starts the server with it,
 * once more when it has ended. */
const SCRIPT = `for round in 1 2; do
  sh -c 'echo pid $$; LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" serve' "$0"
  echo ended $?
done`;

test("a socket of systemd is served by all gateways, also after a restart", async () => {
  const data = makeFolder();
  const listener = net.createServer();
  await new Promise((done) => listener.listen(0, "127.0.0.1", done));
  const { port } = listener.address();
  const processes = { PERIGEE_GATEWAYS: "2", PERIGEE_WORKERS: "1", PERIGEE_RUNNERS: "1" };
  const env = { ...process.env, ...processes, PERIGEE_DATA: data };
  const shell = spawn("sh", ["-c", SCRIPT, binary()], {
    env,
    stdio: ["ignore", "pipe", "pipe", listener._handle.fd],
  });
  await new Promise((done) => listener.close(done)); // the shell has it now
  let out = "";
  let log = "";
  shell.stdout.setEncoding("utf8").on("data", (text) => (out += text));
  shell.stderr.setEncoding("utf8").on("data", (text) => (log += text));
  const said = async (pattern) => {
    while (!pattern.test(out)) {
      assert.equal(shell.exitCode, null, log);
      await new Promise((done) => setTimeout(done, 10));
    }
    return pattern.exec(out);
  };
  const ask = async () => {
    const client = new Client({ port, host: HOSTS.acme });
    const body = { login: "admin", password: PASSWORD };
    const signIn = () => client.request("POST", "/api/v1/sessions", { body });
    const all = await Promise.all(Array.from({ length: 20 }, signIn));
    client.close();
    for (const { status, text } of all) assert.ok([201, 503].includes(status), text);
    assert.ok(all.some(({ status }) => status === 201));
  };
  await said(/ready http:\/\/systemd/);
  await ask();
  process.kill(Number((await said(/pid (\d+)/))[1]), "SIGTERM");
  await said(/ended 0/);
  await ask(); // what came in between has waited in the queue
  const second = Number((await said(/ended 0\npid (\d+)[^]*ready/))[1]);
  const over = new Promise((done) => shell.on("exit", done));
  process.kill(second, "SIGTERM");
  await over;
  assert.match(out, /ended 0\n$/);
  assert.equal(reportIn(log), null, log);
  rmSync(data, { recursive: true });
});
