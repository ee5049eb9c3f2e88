// outbox - what scripts are told behind the commit: in order, and until it has worked.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { bundle, packed } from "../kit/pack.mjs";
import { multipart } from "../kit/client.mjs";
import { limit } from "../kit/limits.mjs";
import { world } from "../kit/world.mjs";

const ID = "acme.told";
const ADMIN = "/api/v1/admin";
const LEADS = "/api/v1/records/lead";
const GREETINGS = "/api/v1/records/greeting";
const PUSH = `hook:${ID}:push@lead`;
const w = world({ setup: async () => deploy(w.acme) });

/* Greetings are where the handlers write down what they saw. */
const init = `
local function note(ctx, text) assert(ctx.db.greeting:insert { name = "note", text = text }) end
local function mended(ctx) return ctx.db.greeting:count { where = { name = "mended" } } > 0 end

crm.on("lead", "after_commit", { id = "push" }, function(ev, ctx)
  if ev.record.title == "broken" and not mended(ctx) then error("no answer") end
  ctx.once(ev.id, function()
    note(ctx, ("push %s %s %s"):format(ev.op, ev.record.name, ev.old and ev.old.name or "-"))
  end)
end)
crm.on("lead", "after_update", { id = "emit", fields = { "company" } }, function(ev, ctx)
  ctx.emit("acme.moved", { lead = ev.record.id, to = ev.record.company })
end)
crm.on("acme.moved", { id = "now" }, function(ev, ctx)
  if ev.payload.to == "nowhere" then ev:abort("Nobody moves to nowhere.") end
  note(ctx, "moved now " .. ev.payload.to)
end)
crm.on("acme.moved", "after_commit", { id = "later" }, function(ev, ctx)
  note(ctx, "moved later " .. ev.payload.to .. " " .. crm.id_text(ev.payload.lead))
end)
crm.on("lead", "after_commit", { id = "many", batch = true, when = { title = "one of many" } },
  function(evs, ctx)
    local names = {}
    for i, ev in ipairs(evs) do
      names[i] = ev.record.name
      if ev.record.name == "odd" then ev:fail("name", "It is odd.") end
    end
    note(ctx, ("many %d %s"):format(#evs, table.concat(names, " ")))
  end)
crm.on("import.before_row", { id = "see" }, function(ev, ctx)
  if ev.payload.entity ~= "lead" then return end
  if ev.payload.row.name == "unwanted" then ev:fail("name", "This one is not wanted.") end
end)
`;
const moved = {
  name: "acme.moved",
  entity: "lead",
  summary: "A lead works elsewhere.",
  payload: { lead: "id!", to: "text" },
};

async function deploy(tenant) {
  const files = { "init.lua": init, "events/moved.json": moved };
  const requires = { leads: "^1", hello: "^1" };
  const path = `${ADMIN}/plugins/${ID}/deploys`;
  const answer = await tenant.as("admin", "POST", path, packed(bundle(ID, files, { requires })));
  assert.equal(answer.status, 201, answer.text);
}

async function until(what, ask) {
  for (let tries = 0; ; tries += 1) {
    const got = await ask();
    if (got) return got;
    assert.ok(tries < 3000, `waited in vain until ${what}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}

async function notes(start) {
  const texts = [];
  for (let cursor = ""; cursor !== null; ) {
    const more = cursor && `&cursor=${cursor}`;
    const page = await w.acme.ok("admin", "GET", `${GREETINGS}?sort=id&limit=200${more}`);
    texts.push(...page.items.map(({ text }) => text));
    cursor = page.next;
  }
  return texts.filter((text) => text?.startsWith(start));
}
const waiting = async (query) =>
  (await w.acme.ok("admin", "GET", `${ADMIN}/outbox?limit=200&${query}`)).items;
const lead = (body) => w.acme.create("admin", "lead", body);

test("a handler is told of every change in order, as it was", async () => {
  const made = await lead({ name: "one" });
  await w.acme.ok("admin", "PATCH", `${LEADS}/${made.id}`, { name: "two" });
  await w.acme.ok("admin", "DELETE", `${LEADS}/${made.id}`);
  const told = await until("all is told", async () => {
    const texts = await notes("push");
    return texts.length === 3 && texts;
  });
  assert.deepEqual(told, ["push create one -", "push update two one", "push delete two two"]);
});

test("what is refused is told nobody", async () => {
  const answer = await w.acme.as("admin", "POST", LEADS, { body: { source: "website" } });
  assert.equal(answer.status, 422);
  const items = [{ op: "create", data: { name: "kept" } }, { op: "create", data: {} }];
  await w.acme.as("admin", "POST", `${LEADS}/bulk`, { body: { items } });
  await until("the good one is told", async () => (await notes("push create kept")).length === 1);
  assert.equal((await notes("push create")).length, 2);
});

test("what fails waits with its reason, and is told when it is replayed", async () => {
  const made = await lead({ name: "late", title: "broken" });
  const row = await until("it has failed", async () =>
    (await waiting(`handler=${PUSH}`)).find(({ record, fails }) => record === made.id && fails),
  );
  assert.equal(row.state, "waiting");
  assert.match(row.error, /acme\.told:push .*no answer/);
  assert.ok(Date.parse(row.next_at) > Date.parse(row.created_at));
  const foreign = await w.globex.as("admin", "POST", `${ADMIN}/outbox/${row.id}/replay`, {
    body: {},
  });
  assert.equal(foreign.status, 404, "another company's delivery");
  assert.deepEqual((await w.globex.ok("admin", "GET", `${ADMIN}/outbox`)).items, []);
  const refused = await w.acme.as("sales1", "POST", `${ADMIN}/outbox/${row.id}/replay`, {
    body: {},
  });
  assert.equal(refused.status, 403);
  await w.acme.create("admin", "greeting", { name: "mended", text: "works again" });
  await w.acme.ok("admin", "POST", `${ADMIN}/outbox/${row.id}/replay`, {});
  await until("it is told", async () => (await notes("push create late")).length === 1);
  const gone = await w.acme.as("admin", "POST", `${ADMIN}/outbox/${row.id}/replay`, { body: {} });
  assert.equal(gone.status, 404);
  const { items } = await w.acme.ok("admin", "GET", `${GREETINGS}?name=mended`);
  for (const { id } of items)
    await w.acme.ok("admin", "DELETE", `${GREETINGS}/${id}`);
});

test("twenty errors in a row pause the handler until an administrator resumes it", async () => {
  for (let i = 0; i < 20; i += 1) await lead({ name: `fails ${i}`, title: "broken" });
  const paused = await until("it is paused", async () =>
    (await w.acme.ok("admin", "GET", `${ADMIN}/outbox/paused`)).items.find(
      ({ handler }) => handler === PUSH,
    ),
  );
  assert.match(paused.why, /no answer/);
  assert.equal(paused.paused_by, null, "nobody did: it failed too often");
  assert.deepEqual((await w.globex.ok("admin", "GET", `${ADMIN}/outbox/paused`)).items, []);
  const audit = await w.acme.ok("admin", "GET", `${ADMIN}/audit?action=handler_paused`);
  assert.equal(audit.items[0].detail.handler, PUSH);
  await lead({ name: "during the pause" });
  const held = await waiting(`handler=${PUSH}&state=paused`);
  assert.equal(held.length, 21);
  const query = "entity=lead&moment=after_commit";
  const { items } = await w.acme.ok("admin", "GET", `${ADMIN}/hooks?${query}`);
  const push = items.find(({ id, plugin }) => id === "push" && plugin === ID);
  assert.match(push.where, /^acme\.told\/init\.lua:\d+$/);
  assert.ok(push.calls >= 20 && push.errors >= 20 && push.paused_at && push.held === 21, push);

  const health = await w.acme.ok("admin", "GET", `${ADMIN}/plugins/${ID}/health`);
  assert.equal(health.state, "working");
  assert.ok(health.errors >= 20 && health.held === 21 && health.paused === 1, health.held);
  assert.ok(health.handlers.every(({ plugin }) => plugin === ID));
  const same = health.handlers.find(({ id }) => id === "push");
  assert.ok(same.most.us > 0 && same.most.writes >= 1 && same.paused_at, JSON.stringify(same));
  assert.equal(health.limits.job.writes, limit("SCRIPT_JOB_WRITES_MAX"));
  const list = await w.acme.ok("admin", "GET", `${ADMIN}/plugins`);
  assert.equal(list.items.find(({ id }) => id === ID).paused, 1, "whoever looks is told");
  assert.equal(list.items.find(({ id }) => id === "leads").paused, 0);
  const theirs = await w.globex.as("admin", "GET", `${ADMIN}/plugins/${ID}/health`);
  assert.equal(theirs.status, 404);

  const discarded = await w.acme.as("admin", "DELETE", `${ADMIN}/outbox/${held[0].id}`);
  assert.equal(discarded.status, 204);
  await w.acme.create("admin", "greeting", { name: "mended", text: "works again" });
  await w.acme.as("admin", "POST", `${ADMIN}/outbox/resume`, { body: { handler: PUSH } });
  await until("all is told", async () => (await notes("push create fails")).length === 19);
  await until("the last too", async () => (await notes("push create during")).length === 1);
  await until("no row is left", async () => (await waiting(`handler=${PUSH}`)).length === 0);
});

test("the name of a handler has so many bytes", async () => {
  const most = limit("TRIP_NAME_BYTES_MAX");
  const pause = (bytes) =>
    w.acme.as("admin", "POST", `${ADMIN}/outbox/pause`, {
      body: { handler: "hook:".padEnd(bytes, "n") },
    });
  assert.ok((await pause(most)).status < 300, "there may be such a handler tomorrow");
  const beyond = await pause(most + 1);
  assert.equal(beyond.status, 422, beyond.text);
  assert.deepEqual(Object.keys(beyond.json.error.fields), ["handler"]);
  const handler = "hook:".padEnd(most, "n");
  await w.acme.as("admin", "POST", `${ADMIN}/outbox/resume`, { body: { handler } });
});

test("a batch is given what waits, and fails row by row", async () => {
  const handler = `hook:${ID}:many@lead`;
  await w.acme.as("admin", "POST", `${ADMIN}/outbox/pause`, { body: { handler } });
  const data = (name) => ({ op: "create", data: { name, title: "one of many" } });
  const items = ["p", "q", "odd", "r"].map(data);
  await w.acme.ok("admin", "POST", `${LEADS}/bulk`, { items });
  assert.equal((await waiting(`handler=${handler}&state=paused`)).length, 4);
  await w.acme.as("admin", "POST", `${ADMIN}/outbox/resume`, { body: { handler } });
  await until("the batch was called", async () => (await notes("many 4")).length === 1);
  assert.deepEqual(await notes("many"), ["many 4 p q odd r"]);
  const rest = await until("the rest is settled", async () => {
    const rows = await waiting(`handler=${handler}`);
    return rows.length === 1 && rows[0].fails === 1 && rows;
  });
  assert.match(rest[0].error, /name: It is odd\./);
  const gone = await w.acme.as("admin", "DELETE", `${ADMIN}/outbox/${rest[0].id}`);
  assert.equal(gone.status, 204);
});

test("a declared event runs in the unit of work and behind the commit", async () => {
  const made = await lead({ name: "mover", company: "here" });
  await w.acme.ok("admin", "PATCH", `${LEADS}/${made.id}`, { company: "there" });
  assert.deepEqual(await notes("moved now"), ["moved now there"]);
  await until("it is told later", async () => (await notes("moved later")).length === 1);
  assert.deepEqual(await notes("moved later"), [`moved later there ${made.id}`]);
  const refused = await w.acme.as("admin", "PATCH", `${LEADS}/${made.id}`, {
    body: { company: "nowhere" },
  });
  assert.equal(refused.status, 422, refused.text);
  assert.match(refused.text, /Nobody moves to nowhere/);
  assert.equal((await w.acme.ok("admin", "GET", `${LEADS}/${made.id}`)).company, "there");
});

test("a row of an import can be refused before it is mapped", async () => {
  const content = "name\nwanted\nunwanted\n";
  const made = await w.acme.as(
    "admin",
    "POST",
    "/api/v1/imports",
    multipart([
      { name: "entity", content: "lead" },
      { name: "file", filename: "a.csv", type: "text/csv", content },
    ]),
  );
  const path = `/api/v1/imports/${made.json.id}`;
  await w.acme.ok("admin", "PUT", `${path}/mapping`, {});
  await w.acme.ok("admin", "POST", `${path}/run`, {});
  const done = await w.acme.settled("admin", path);
  assert.deepEqual([done.counts.created, done.counts.failed], [1, 1], JSON.stringify(done));
  const errors = await w.acme.as("admin", "GET", `${path}/errors.csv`);
  assert.match(errors.text, /unwanted.*This one is not wanted/s);
});

test("the order of handlers is printed with file and line", () => {
  const table = w.server.must(["hooks", "acme", "lead", "after_commit"]);
  assert.match(table, /after_commit +1 +acme\.told +push +acme\.told\/init\.lua:\d+/);
  assert.match(w.server.must(["hooks", "acme"]), /lead +validate .*leads +\w+ +leads\/init\.lua/);
  assert.notEqual(w.server.command(["hooks", "acme", "lead", "sometimes"]).status, 0);
});

