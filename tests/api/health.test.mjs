// health - liveness, readiness, metrics, the operator's listener and rates.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import net from "node:net";
import { after, before, test } from "node:test";
import { Client } from "../kit/client.mjs";
import { Server } from "../kit/server.mjs";
import { HOSTS, makeFolder, Tenant } from "../kit/world.mjs";

let server;
let public_;
let operator;
let acme;
const RATES = {
  PERIGEE_RATE_PER_S: "1",
  PERIGEE_RATE_BURST: "60",
  PERIGEE_CONNS_PER_ADDRESS_MAX: "20",
};

before(async () => {
  server = new Server(makeFolder());
  const args = ["--operator-listen", "127.0.0.1:0"];
  await server.start({ args, env: RATES, processes: [1, 1, 1] });
  public_ = new Client({ port: server.port, host: "anything.example.com" });
  operator = new Client({ port: server.operatorPort, host: "anything.example.com" });
  acme = new Tenant("acme", server);
});

after(async () => {
  public_?.close();
  operator?.close();
  acme?.close();
  try {
    await server?.stop();
  } finally {
    server?.remove();
  }
});

test("alive and ready, whatever the host", async () => {
  assert.deepEqual((await public_.request("GET", "/healthz")).json, { status: "ok" });
  assert.deepEqual((await public_.request("GET", "/readyz")).json, { status: "ready" });
});

test("metrics are for the operator alone", async () => {
  assert.equal((await public_.request("GET", "/metrics")).status, 404);
  const answer = await operator.request("GET", "/metrics");
  assert.equal(answer.status, 200);
  assert.match(answer.headers["content-type"], /^text\/plain; version=0\.0\.4/);
  const lines = answer.text
    .trim()
    .split("\n")
    .filter((line) => !line.startsWith("#"));
  assert.ok(lines.length > 3, answer.text);
  for (const line of lines) assert.match(line, /^[a-z_]+(\{[^}]*\})? -?[0-9.e+]+$/);
  assert.ok(lines.some((line) => line.startsWith("perigee_")));
});

test("the operator's listener chooses a company by name, the public one does not", async () => {
  const token = await acme.token("admin");
  const headers = { "x-perigee-tenant": "acme" };
  const inside = await operator.request("GET", "/api/v1/me", { token, headers });
  assert.equal(inside.status, 200, inside.text);
  const outside = await public_.request("GET", "/api/v1/me", { token, headers });
  assert.equal(outside.status, 404);
  const nobody = await operator.request("GET", "/api/v1/me", { headers });
  assert.equal(nobody.status, 401, "it opens no door by itself");
  const none = await operator.request("GET", "/api/v1/me", {
    token,
    headers: { "x-perigee-tenant": "none" },
  });
  assert.equal(none.status, 404);
});

test("SIGHUP without a certificate changes nothing", async () => {
  server.signal("SIGHUP");
  assert.equal((await public_.request("GET", "/readyz")).status, 200);
});

test("the operator's routes are not on any listener", async () => {
  for (const client of [public_, operator]) {
    for (const host of [HOSTS.acme, "localhost"]) {
      const answer = await client.request("GET", "/api/v1/operator/tenants", { host });
      assert.equal(answer.status, 404);
    }
  }
});

test("one address has so many connections, and room again when it leaves", async () => {
  const open = () =>
    new Promise((done) => {
      const socket = net.connect(server.port, "127.0.0.1", () => done(socket));
      socket.on("error", () => done(socket));
    });
  const sockets = [];
  for (let i = 0; i < 30; i++) sockets.push(await open());
  const gone = sockets.map(
    (socket) => new Promise((done) => socket.once("close", () => done(socket))),
  );
  for (const socket of sockets) socket.resume();
  await Promise.race(gone);
  for (const socket of sockets) socket.destroy();
  for (let tries = 0; ; tries++) {
    const answer = await public_.request("GET", "/healthz").catch(() => ({}));
    if (answer.status === 200) break;
    assert.ok(tries < 1000, "no room again");
    await new Promise((done) => setTimeout(done, 20));
  }
});

test("an API key is told what it may still ask for, whoever answers", async () => {
  const { token } = await acme.ok("admin", "POST", "/api/v1/admin/api-keys", { name: "rates" });
  const rate = ({ headers }) =>
    ["limit", "remaining", "reset"].map((name) => headers[`ratelimit-${name}`]);
  const read = await acme.client.request("GET", "/api/v1/me", { token });
  assert.deepEqual(rate(read), ["60", "59", "1"]);
  const body = { name: "速率" };
  const written = await acme.client.request("POST", "/api/v1/records/lead", { token, body });
  assert.equal(written.status, 201, written.text);
  assert.ok(Number(rate(written)[1]) < 60, "an answer of a worker tells it, too");
  const missing = await acme.client.request("GET", "/api/v1/records/none", { token });
  assert.ok(Number(rate(missing)[1]) < 60);
  let last;
  for (let i = 0; i < 70; i++)
    last = await acme.client.request("GET", "/api/v1/me", { token });
  assert.equal(last.status, 429);
  assert.deepEqual(rate(last).slice(0, 2), ["60", "0"]);
  assert.ok(Number(last.headers["retry-after"]) >= 1 && Number(rate(last)[2]) >= 1);
  for (;;) {
    const { items } = await acme.ok("admin", "GET", "/api/v1/admin/api-keys");
    const key = items.find((one) => one.name === "rates");
    if (key.calls === 73) {
      assert.ok(key.limited > 0 && key.limited === key.refused, JSON.stringify(key));
      assert.ok(key.seen_at && key.limited_at);
      break;
    }
    assert.ok(key.calls < 73, `${key.calls} calls`);
    await new Promise((next) => setTimeout(next, 100));
  }
  const session = await acme.as("admin", "GET", "/api/v1/me");
  assert.deepEqual(rate(session), [undefined, undefined, undefined], "people are not");
});

test("too many requests of one key are 429 with Retry-After, and others go on", async () => {
  const token = await acme.token("admin");
  const answers = [];
  for (let i = 0; i < 80; i++)
    answers.push(await acme.client.request("GET", "/api/v1/me", { token }));
  const refused = answers.filter(({ status }) => status === 429);
  assert.ok(refused.length > 0);
  assert.ok(answers.some(({ status }) => status === 200));
  for (const { headers, json } of refused) {
    assert.ok(Number(headers["retry-after"]) >= 1);
    assert.equal(json.error.code, "too_many_requests");
  }
  const globex = new Tenant("globex", server);
  await globex.token("admin");
  assert.equal((await globex.as("admin", "GET", "/api/v1/me")).status, 200);
  globex.close();
});
