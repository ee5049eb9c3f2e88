// outbox - runners and workers die by SIGKILL while they deliver: all comes, each effect once.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Client } from "../kit/client.mjs";
import * as faults from "../kit/faults.mjs";
import { bundle, packed } from "../kit/pack.mjs";
import { Server } from "../kit/server.mjs";
import { HOSTS, makeFolder } from "../kit/world.mjs";

const ROUNDS = Number(process.env.FAULTS_ROUNDS || 8);
const EACH = 6; // leads of one round
const ID = "acme.once";
const HANDLER = `hook:${ID}:push@lead`;
const server = new Server(makeFolder());
const place = { host: HOSTS.acme };
let client, token;

/* "tried" tells of every attempt, "done" of the effect; between them lies time to die in. */
const init = `
crm.on("lead", "after_commit", { id = "push" }, function(ev, ctx)
  assert(ctx.db.greeting:insert { name = "tried", text = ev.record.name })
  local n = 0
  for i = 1, 2000000 do n = n + i % 7 end
  ctx.once(ev.id, function()
    assert(ctx.db.greeting:insert { name = "done", text = ev.record.name })
  end)
  for i = 1, 2000000 do n = n + i % 7 end
end)
`;

async function ask(method, path, options = {}) {
  const { got } = await faults.until(`${method} ${path} is answered`, async () => {
    const answer = await faults.attempt(client, method, path, { ...options, token });
    return answer.status >= 200 && answer.status < 500 && answer;
  });
  return got;
}

before(async () => {
  await server.start();
  place.port = server.port;
  client = new Client(place);
  token = await faults.signIn(place.port);
  const files = bundle(ID, { "init.lua": init }, { requires: { leads: "^1", hello: "^1" } });
  const made = await ask("POST", `/api/v1/admin/plugins/${ID}/deploys`, packed(files));
  assert.equal(made.status, 201, made.text);
});

after(async () => {
  client?.close();
  try {
    await server.stop({ deaths: true });
  } finally {
    server.remove();
  }
});

/** Greetings of that name: what their texts are, in order. */
async function told(name) {
  const texts = [];
  for (let cursor = ""; cursor !== null; ) {
    const more = cursor && `&cursor=${cursor}`;
    const path = `/api/v1/records/greeting?name=${name}&sort=id&limit=200${more}`;
    const { json } = await ask("GET", path);
    texts.push(...json.items.map(({ text }) => text));
    cursor = json.next;
  }
  return texts;
}

/** Three deaths pause a handler, whoever caused them: here we know better. */
async function resume() {
  const { json } = await ask("GET", "/api/v1/admin/outbox/paused");
  if (json.items.length)
    await ask("POST", "/api/v1/admin/outbox/resume", { body: { handler: HANDLER } });
}

test(`${ROUNDS} killed processes: each delivery at least once, one effect`, async (t) => {
  const names = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let i = 0; i < EACH; i += 1) {
      const name = `lead ${"abcdefghijklmnopqrstuvwxyz"[round % 26]}${i}`;
      const key = { "idempotency-key": `lead-${round}-${i}` };
      const made = await ask("POST", "/api/v1/records/lead", { body: { name }, headers: key });
      assert.equal(made.status, 201, made.text);
      names.push(name);
    }
    await faults.sleep(Math.random() * 120);
    const role = round % 4 === 3 ? "worker" : "runner";
    for (const { pid } of faults.processes(server.child.pid).filter((p) => p.role === role))
      process.kill(pid, "SIGKILL");
    const isWhole = () => faults.processes(server.child.pid).length === 7;
    await faults.until("they are there again", isWhole);
    await resume();
  }
  await faults.until(
    "nothing waits",
    async () => {
      await resume();
      const { json } = await ask("GET", `/api/v1/admin/outbox?handler=${HANDLER}&limit=200`);
      for (const row of json.items.filter(({ fails }) => fails > 0))
        await ask("POST", `/api/v1/admin/outbox/${row.id}/replay`, { body: {} });
      return json.items.length === 0;
    },
    120_000,
  );
  const tried = await told("tried");
  const done = await told("done");
  t.diagnostic(`${names.length} deliveries, ${tried.length} attempts, ${done.length} effects`);
  assert.deepEqual([...done].sort(), [...names].sort(), "exactly one effect each");
  assert.deepEqual([...new Set(tried)].sort(), [...names].sort(), "each at least once");
  assert.ok(tried.length > names.length, "no kill met a delivery: the test proves nothing");
  faults.check(server, "acme");
});

const HINTS = 600; // twice of what a socket holds that nobody reads

/* The supervisor hands on who has jobs. While it stands still one company's hints fill its socket;
 * the other's stays in the worker and dies with it. */
test("what is committed is carried out though its worker dies before it can tell", async () => {
  const own = new Server(makeFolder());
  const people = {};
  const as = (name, method, path, options) => {
    const { client: its, token: one } = people[name];
    return faults.attempt(its, method, path, { ...options, token: one });
  };
  const make = async (name, entity, body) => {
    const made = await as(name, "POST", `/api/v1/records/${entity}`, { body });
    assert.equal(made.status, 201, made.text);
  };
  const isThere = async (name, text) =>
    (await as(name, "GET", `/api/v1/records/greeting?text=${text}`)).json.items.length > 0;
  const notes = `crm.on("lead", "after_commit", { id = "note" }, function(ev, ctx)
    assert(ctx.db.greeting:insert { name = "noted", text = ev.record.name })
  end)`;
  const requires = { leads: "^1", hello: "^1" };
  const files = bundle("acme.note", { "init.lua": notes }, { requires });
  try {
    await own.start({ processes: [1, 1, 2] });
    for (const name of ["acme", "globex"]) {
      const { port } = own;
      const its = new Client({ port, host: HOSTS[name] });
      people[name] = { client: its, token: await faults.signIn(port, name) };
      const to = "/api/v1/admin/plugins/acme.note/deploys";
      const deployed = await as(name, "POST", to, packed(files));
      assert.equal(deployed.status, 201, deployed.text);
      await make(name, "lead", { name: "first" });
      await faults.until(`the first of ${name} is noted`, () => isThere(name, "first"));
    }
    own.signal("SIGSTOP");
    await make("acme", "lead", { name: "second" });
    for (let i = 0; i < HINTS; i += 1) await make("acme", "greeting", { name: "more" });
    await make("globex", "lead", { name: "second" });
    for (const { pid, role } of faults.processes(own.child.pid))
      if (role === "worker") process.kill(pid, "SIGKILL");
    own.signal("SIGCONT");
    for (const name of ["acme", "globex"])
      await faults.until(`the second of ${name} is noted`, () => isThere(name, "second"), 20_000);
  } finally {
    own.signal("SIGCONT");
    for (const one of Object.values(people)) one.client.close();
    try {
      await own.stop({ deaths: true });
    } finally {
      own.remove();
    }
  }
});
