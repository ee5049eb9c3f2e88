// routes - processes die by SIGKILL while plugins' routes write: who asks again with the same key
// finds one effect, however often he has to ask.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Client } from "../kit/client.mjs";
import * as faults from "../kit/faults.mjs";
import { bundle, packed } from "../kit/pack.mjs";
import { Server } from "../kit/server.mjs";
import { HOSTS, makeFolder } from "../kit/world.mjs";

const ROUNDS = Number(process.env.FAULTS_ROUNDS || 8);
const EACH = 8; // orders of one round, at the same time
const ID = "acme.orders";
const ROUTE = `/api/v1/x/${ID}/order`;
const GREETINGS = "/api/v1/records/greeting";
const server = new Server(makeFolder());
const place = { host: HOSTS.acme };
const clients = [];
let token;

/* Before, between and behind its effects lies time to die in. The second is a transaction of its
 * own: it may be missing where the first is there, but nothing is there twice. */
const init = `
local function rest()
  local n = 0
  for i = 1, 400000 do n = n + i % 7 end
end
crm.route("POST", "/order", { body = { no = "text!" } }, function(req, ctx)
  rest()
  ctx.tx(function()
    assert(ctx.db.greeting:insert { name = "order", text = req.body.no })
    ctx.kv:incr("orders")
  end)
  rest()
  assert(ctx.db.greeting:insert { name = "behind", text = req.body.no })
  rest()
  return { no = req.body.no }, 201
end)
crm.route("GET", "/count", function(req, ctx) return { orders = ctx.kv:get("orders") or 0 } end)
`;

const ask = (client, method, path, options = {}) =>
  faults.attempt(client, method, path, { token, ...options });
const answered = async (method, path, options) => {
  const { got } = await faults.until(`${method} ${path} is answered`, async () => {
    const answer = await ask(clients[0], method, path, options);
    return answer.status >= 200 && answer.status < 500 && answer;
  });
  return got;
};

before(async () => {
  await server.start();
  place.port = server.port;
  for (let i = 0; i < EACH; i += 1) clients.push(new Client(place));
  token = await faults.signIn(place.port);
  const files = bundle(ID, { "init.lua": init }, { requires: { leads: "^1", hello: "^1" } });
  const made = await answered("POST", `/api/v1/admin/plugins/${ID}/deploys`, packed(files));
  assert.equal(made.status, 201, made.text);
});

after(async () => {
  for (const client of clients) client.close();
  try {
    await server.stop({ deaths: true });
  } finally {
    server.remove();
  }
});

/** Greetings of that name: how often each order stands there. */
async function counted(name) {
  const found = new Map();
  for (let cursor = ""; cursor !== null; ) {
    const more = cursor && `&cursor=${cursor}`;
    const { json } = await answered("GET", `${GREETINGS}?name=${name}&sort=id&limit=200${more}`);
    for (const { text } of json.items) found.set(text, (found.get(text) ?? 0) + 1);
    cursor = json.next;
  }
  return found;
}

function order(client, no) {
  const options = { body: { no }, headers: { "idempotency-key": `key-${no}` } };
  return ask(client, "POST", ROUTE, options);
}

/** Until it is told what became of it. */
async function insist(client, no, tally) {
  const { got } = await faults.until(`${no} has its answer`, async () => {
    const answer = await order(client, no);
    if (answer.status === 0 || answer.status >= 500 || answer.status === 429) {
      tally.again += 1;
      return false;
    }
    return answer;
  });
  assert.ok([200, 201].includes(got.status), `${got.status} ${got.text}`);
  if (got.status === 200) {
    assert.deepEqual(got.json, { replayed: true, answer: null });
    tally.behind += 1;
  } else {
    assert.deepEqual(got.json, { no });
  }
  return got;
}

test(`${ROUNDS} killed processes: each order once, whoever asks again`, async (t) => {
  const tally = { again: 0, behind: 0 };
  const numbers = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const mine = clients.map((client, i) => [client, `${round}-${i}`]);
    const work = mine.map(([client, no]) => insist(client, no, tally));
    await faults.sleep(30 + Math.random() * 200);
    const kind = round % 4 === 3 ? "worker" : "runner";
    const all = faults.processes(server.child.pid).filter(({ role }) => role === kind);
    for (const { pid } of kind === "runner" ? all : [all[round % all.length]])
      process.kill(pid, "SIGKILL");
    await Promise.all(work);
    numbers.push(...mine.map(([, no]) => no));
  }
  const orders = await counted("order");
  const behind = await counted("behind");
  for (const no of numbers) assert.equal(orders.get(no), 1, `order ${no}`);
  assert.equal(orders.size, numbers.length);
  for (const [no, count] of behind) assert.equal(count, 1, `behind ${no}`);
  const { json } = await answered("GET", `/api/v1/x/${ID}/count`);
  assert.equal(json.orders, numbers.length);
  for (const no of numbers) {
    const again = await insist(clients[0], no, tally);
    assert.equal(again.headers["idempotency-replayed"], "true");
  }
  assert.deepEqual(await counted("order"), orders, "repeating has added nothing");
  t.diagnostic(
    `${numbers.length} orders, ${tally.again} asked again, ${tally.behind} told as done, ` +
      `${numbers.length - behind.size} ended between their transactions`,
  );
});
