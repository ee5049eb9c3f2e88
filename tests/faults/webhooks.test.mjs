// webhooks - runners and workers die by SIGKILL while targets are told: all comes, in order.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Client } from "../kit/client.mjs";
import * as faults from "../kit/faults.mjs";
import { must, Server } from "../kit/server.mjs";
import { sign, Target } from "../kit/target.mjs";
import { HOSTS, makeFolder } from "../kit/world.mjs";

const ROUNDS = Number(process.env.FAULTS_ROUNDS || 6);
const EACH = 4; // changes of one round
const SECRET = "hook-secret-of-2026-killed";
const server = new Server(makeFolder());
/* Slow enough that kills meet calls. */
const target = new Target(() => faults.sleep(40).then(() => 200));
let client, token;

async function ask(method, path, options = {}) {
  const { got } = await faults.until(`${method} ${path} is answered`, async () => {
    const answer = await faults.attempt(client, method, path, { ...options, token });
    return answer.status >= 200 && answer.status < 500 && answer;
  });
  return got;
}

before(async () => {
  must(server.data, ["plugin", "enable", "acme", "integrations"]);
  await target.start();
  await server.start({ env: { PERIGEE_OUTBOUND_PRIVATE: "127.0.0.1" } });
  client = new Client({ host: HOSTS.acme, port: server.port });
  token = await faults.signIn(server.port);
  const config = "/api/v1/admin/plugins/integrations/config";
  assert.equal((await ask("PUT", config, { body: { allow_http: true } })).status, 200);
  const body = { name: "killed", url: target.url, secret: SECRET, entities: ["account"] };
  assert.equal((await ask("POST", "/api/v1/records/webhook", { body })).status, 201);
});

after(async () => {
  client?.close();
  target.stop();
  try {
    await server.stop({ deaths: true });
  } finally {
    server.remove();
  }
});

/** Three deaths pause a job, whoever caused them: here we know better. */
async function resume() {
  for (const name of ["dispatch", "deliver", "sweep"]) {
    await ask("POST", `/api/v1/admin/jobs/integrations/${name}/resume`);
  }
}

test(`${ROUNDS} killed processes: each change at least once, in order`, async (t) => {
  const wanted = [];
  const made = await ask("POST", "/api/v1/records/account", { body: { name: "n0" } });
  const path = `/api/v1/records/account/${made.json.id}`;
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < EACH; i++) {
      const name = `n${round * EACH + i + 1}`;
      const headers = { "idempotency-key": `webhook-${name}` };
      const changed = await ask("PATCH", path, { body: { name }, headers });
      assert.equal(changed.status, 200, changed.text);
      wanted.push(changed.json.version);
    }
    await faults.sleep(Math.random() * 120);
    const role = round % 3 === 2 ? "worker" : "runner";
    for (const { pid } of faults.processes(server.child.pid).filter((p) => p.role === role))
      process.kill(pid, "SIGKILL");
    const isWhole = () => faults.processes(server.child.pid).length === 7;
    await faults.until("they are there again", isWhole);
    await resume();
  }
  const first = () => {
    const seen = [];
    for (const { json } of target.calls) {
      if (json.id === made.json.id && !seen.includes(json.version)) seen.push(json.version);
    }
    return seen;
  };
  await faults.until("everything is told", async () => {
    await resume();
    return wanted.every((version) => first().includes(version));
  });
  t.diagnostic(`${wanted.length} changes, ${target.calls.length} calls`);
  faults.check(server, "acme");
  assert.deepEqual(first(), [...first()].sort((a, b) => a - b));
  for (const { headers, body } of target.calls) {
    const stamp = headers["x-perigee-timestamp"];
    assert.equal(headers["x-perigee-signature"], sign(SECRET, stamp, body));
  }
});
