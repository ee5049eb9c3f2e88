// hanging - a target that never answers: the others of its company are told all the while.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Client } from "../kit/client.mjs";
import * as faults from "../kit/faults.mjs";
import { limit } from "../kit/limits.mjs";
import { must, Server } from "../kit/server.mjs";
import { Target, until } from "../kit/target.mjs";
import { HOSTS, makeFolder } from "../kit/world.mjs";

const MOST = limit("AWAIT_TENANT_MAX");
const CHANGES = 5;
const server = new Server(makeFolder());
const healthy = new Target();
const hanging = new Target(() => null);
let client, token, open = 0, most = 0;

async function ask(method, path, body) {
  const answer = await client.request(method, `/api/v1${path}`, { token, body });
  assert.ok(answer.status < 300, answer.text);
  return answer.json;
}

const webhook = (name, url) =>
  ask("POST", "/records/webhook", { name, url, secret: "hook-secret-of-2026-hangs",
    entities: ["account"] });

before(async () => {
  must(server.data, ["plugin", "enable", "acme", "integrations"]);
  await Promise.all([healthy.start(), hanging.start()]);
  hanging.server.on("connection", (socket) => {
    most = Math.max(most, ++open);
    socket.on("close", () => open--);
  });
  await server.start({ env: { PERIGEE_OUTBOUND_PRIVATE: "127.0.0.1" } });
  client = new Client({ host: HOSTS.acme, port: server.port });
  token = await faults.signIn(server.port);
  await ask("PUT", "/admin/plugins/integrations/config", { allow_http: true });
});

after(async () => {
  client?.close();
  healthy.stop();
  hanging.stop();
  await server.stop();
  server.remove();
});

test("others are told while one hangs", async (t) => {
  await webhook("hangs", `${hanging.url}/0`);
  await webhook("answers", healthy.url);
  const account = await ask("POST", "/records/account", { name: "n0" });
  await until("the one that hangs is called", () => hanging.calls.length > 0);
  const waits = [];
  for (let i = 1; i <= CHANGES; i++) {
    const began = performance.now();
    const { version } = await ask("PATCH", `/records/account/${account.id}`, { name: `n${i}` });
    await until(`change ${i} is told`, () =>
      healthy.calls.some(({ json }) => json.version === version));
    waits.push(Math.round(performance.now() - began));
  }
  t.diagnostic(`told after ${waits.join(", ")} ms`);
  assert.equal(hanging.calls.length, 1, "the first call is still waited for");
  assert.equal(open, 1);
});

test(`${MOST} calls of a company wait at once, one more has its turn behind them`, async () => {
  for (let i = 1; i <= MOST; i++) await webhook(`hangs ${i}`, `${hanging.url}/${i}`);
  await ask("POST", "/records/account", { name: "all of them" });
  const called = () => new Set(hanging.calls.map(({ url }) => url)).size;
  await until("each has been called", () => called() === MOST + 1);
  assert.equal(most, MOST);
});

test("a try that was waited for in vain stands in the log, and nothing is lost", async () => {
  const first = await until("the try is written", async () => {
    const tried = encodeURIComponent('{"tries":{"gt":0},"state":"waiting"}');
    const { items } = await ask("GET", `/records/delivery?filter=${tried}&sort=seq&limit=50`);
    return items[0];
  });
  assert.match(first.error, /did not answer within 8000 ms/);
  assert.ok(first.next_at, "it is tried again");
  faults.check(server, "acme");
});
