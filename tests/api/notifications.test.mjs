// notifications - what people are told: each their own, live, by letter, and nobody else's.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { certify } from "../kit/certify.mjs";
import { query } from "../kit/client.mjs";
import { bundle, packed } from "../kit/pack.mjs";
import { parseLetter, SmtpServer } from "../kit/smtp.mjs";
import { Stream } from "../kit/stream.mjs";
import { world } from "../kit/world.mjs";

const ID = "acme.teller";
const ALL = "/api/v1/records/notification";
const certificate = certify();
const w = world({
  env: { PERIGEE_OUTBOUND_PRIVATE: "127.0.0.1", PERIGEE_OUTBOUND_CA: certificate.paths.cert },
  setup: async () => deploy(w.acme),
});
const servers = [];
after(async () => {
  for (const server of servers) await server.stop();
});

const init = `
crm.on("lead", "after_create", { id = "tell" }, function(ev, ctx)
  if ev.record.title ~= "tell" then return end
  ctx.notify(ev.record.owner, { text = "@new_lead", args = { name = ev.record.name },
    body = "@new_lead.body", about = ev.record, kind = "assigned", tone = "success",
    link = "/lead", key = "lead" .. ev.record.name })
end)
crm.on("lead", "validate", { id = "too_early", when = { title = "early" } }, function(ev, ctx)
  ctx.notify(ctx.user.id, { text = "too early" })
end)
crm.on("lead", "after_update", { id = "slip", when = { title = "slip" } }, function(ev, ctx)
  ctx.notify(ctx.user.id, { txt = "a slip" })
end)
crm.on("lead", "after_update", { id = "gone", when = { title = "undone" } }, function(ev, ctx)
  ctx.notify(ctx.user.id, { text = "never" })
  ev:abort("No.")
end)
crm.on("lead", "after_commit", { id = "fails", when = { title = "fails" } }, function()
  error("it cannot be reached")
end)
`;
const texts = {
  en: { new_lead: "{name} is yours", "new_lead.body": "Call {name} today." },
  "zh-CN": { new_lead: "{name} 归您跟进", "new_lead.body": "请今天联系 {name}。" },
};

async function deploy(tenant) {
  const files = {
    "init.lua": init,
    "i18n/en.json": texts.en,
    "i18n/zh-CN.json": texts["zh-CN"],
  };
  const path = `/api/v1/admin/plugins/${ID}/deploys`;
  const pack = packed(bundle(ID, files, { requires: { leads: "^1" } }));
  const answer = await tenant.as("admin", "POST", path, pack);
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

const told = async (login, asked = "") => (await w.acme.ok(login, "GET", ALL + asked)).items;
const lead = (login, body) => w.acme.create(login, "lead", body);

test("a plugin tells the owner, in the owner's language", async () => {
  await w.acme.ok("sales2", "PATCH", "/api/v1/me", { locale: "en" });
  const mine = await lead("sales1", { name: "Zhou", title: "tell" });
  const its = await lead("sales2", { name: "Qian", title: "tell" });
  const [first] = await told("sales1");
  assert.deepEqual(
    [first.title, first.body, first.kind, first.tone, first.link, first.plugin, first.read_at],
    ["Zhou 归您跟进", "请今天联系 Zhou。", "assigned", "success", "/lead", ID, null],
  );
  assert.deepEqual(first.about, { entity: "lead", id: mine.id });
  assert.equal(first.owner, w.acme.users.sales1);
  const [second] = await told("sales2");
  assert.deepEqual([second.title, second.about.id], ["Qian is yours", its.id]);
});

test("nobody else sees it, whatever the role says", async () => {
  const [first] = await told("sales1");
  for (const login of ["admin", "viewer", "manager", "sales3"]) {
    assert.deepEqual(await told(login), [], login);
    for (const [method, body] of [["GET"], ["PATCH", { read_at: null }], ["DELETE"]]) {
      const answer = await w.acme.as(login, method, `${ALL}/${first.id}`, { body });
      assert.equal(answer.status, 404, `${login} ${method} ${answer.text}`);
    }
    const counted = await w.acme.ok(login, "POST", `${ALL}/query`, { measure: ["count"] });
    assert.equal(counted.groups[0]?.count ?? 0, 0, login);
  }
  const answer = await w.globex.as("admin", "GET", `${ALL}/${first.id}`);
  assert.equal(answer.status, 404);
  assert.deepEqual((await w.globex.ok("admin", "GET", ALL)).items, []);
});

test("its owner marks it read and deletes it, and can make or change none", async () => {
  const [first] = await told("sales1");
  const at = new Date().toISOString();
  const read = await w.acme.ok("sales1", "PATCH", `${ALL}/${first.id}`, { read_at: at });
  assert.equal(read.read_at, at);
  assert.deepEqual(await told("sales1", query({ filter: { read_at: null } })), []);
  const changed = await w.acme.as("sales1", "PATCH", `${ALL}/${first.id}`, {
    body: { title: "mine" },
  });
  assert.equal(changed.status, 422, changed.text);
  for (const login of ["sales1", "admin"]) {
    const body = { title: "made up", owner: w.acme.users.sales2 };
    const made = await w.acme.as(login, "POST", ALL, { body });
    assert.equal(made.status, 403, made.text);
    const exported = await w.acme.as(login, "POST", "/api/v1/exports", {
      body: { entity: "notification", format: "csv" },
    });
    assert.equal(exported.status, 403, exported.text);
  }
  const given = await w.acme.as("sales1", "PATCH", `${ALL}/${first.id}`, {
    body: { owner: w.acme.users.admin },
  });
  assert.ok(given.status >= 400, given.text);
  await w.acme.ok("sales1", "DELETE", `${ALL}/${first.id}`);
  assert.deepEqual(await told("sales1"), []);
});

test("one of a key is not added while the last is unread", async () => {
  const tell = () => lead("sales3", { name: "Twice", title: "tell", owner: w.acme.users.sales3 });
  await tell();
  await tell();
  const [one, ...more] = await told("sales3");
  assert.equal(more.length, 0);
  await w.acme.ok("sales3", "PATCH", `${ALL}/${one.id}`, { read_at: new Date().toISOString() });
  await tell();
  assert.equal((await told("sales3")).length, 2);
});

test("wrong use says so, and what is rolled back was never told", async () => {
  const early = await w.acme.as("admin", "POST", "/api/v1/records/lead", {
    body: { name: "A", title: "early" },
  });
  assert.equal(early.status, 500);
  assert.match(early.json.error.detail ?? early.text, /ctx\.notify/);
  const made = await lead("admin", { name: "B" });
  for (const [title, status, pattern] of [
    ["slip", 500, /no member \\?"txt\\?"/],
    ["undone", 422, /No\./],
  ]) {
    const path = `/api/v1/records/lead/${made.id}`;
    const answer = await w.acme.as("admin", "PATCH", path, { body: { title } });
    assert.equal(answer.status, status, answer.text);
    assert.match(answer.text, pattern);
  }
  assert.deepEqual(await told("admin"), []);
});

test("it comes as a live event to its owner alone", async () => {
  const mine = await Stream.open(w.acme, "sales1");
  const other = await Stream.open(w.acme, "admin");
  await lead("sales1", { name: "Live", title: "tell" });
  const event = await mine.wait(({ data }) => data?.entity === "notification");
  assert.equal(event.data.op, "create");
  await other.wait(({ data }) => data?.entity === "lead");
  assert.ok(!other.events.some(({ data }) => data?.entity === "notification"));
  mine.close();
  other.close();
});

test("a letter tells who wants one of what is unread, once", async () => {
  const server = await new SmtpServer({ certificate }).start();
  servers.push(server);
  await w.acme.ok("admin", "PUT", "/api/v1/admin/mail", {
    host: "localhost",
    port: server.port,
    tls: server.mode,
    from: "crm@acme.example.com",
  });
  const bad = await w.acme.as("sales1", "PATCH", "/api/v1/me", { body: { notify_mail: "often" } });
  assert.equal(bad.status, 422);
  await w.acme.ok("admin", "PATCH", `/api/v1/admin/users/${w.acme.users.sales1}`, {
    email: "sales1@acme.example.com",
  });
  const me = await w.acme.ok("sales1", "PATCH", "/api/v1/me", { notify_mail: "each" });
  assert.equal(me.notify_mail, "each");
  await lead("sales1", { name: "Letter", title: "tell" });
  const { items } = await w.acme.ok("admin", "GET", "/api/v1/jobs?limit=200");
  const waits = items.filter(({ queue }) => queue === "notify");
  assert.equal(waits.length, 1, "one letter waits, and gathers");
  assert.equal(server.letters.length, 0);
  const text = () => parseLetter(server.letters[0].raw).body;
  await until("the letter has come", () => server.letters.length > 0);
  assert.deepEqual(server.letters[0].to, ["sales1@acme.example.com"]);
  assert.match(text(), /Letter 归您跟进/);
  assert.equal(server.letters.length, 1);
});

test("administrators are told of a handler that was paused", async () => {
  const all = Array.from({ length: 20 }, (_, i) =>
    lead("admin", { name: `fails ${i}`, title: "fails" }),
  );
  await Promise.all(all);
  const found = await until("the pause is told", async () =>
    (await told("admin")).find(({ kind }) => kind === "handler_paused"),
  );
  assert.equal(found.tone, "danger");
  assert.match(found.body, /it cannot be reached/);
  assert.match(found.title, /hook:acme\.teller:fails@lead/);
  for (const login of ["sales1", "viewer", "manager"])
    assert.ok(!(await told(login)).some(({ kind }) => kind === "handler_paused"), login);
  assert.deepEqual((await w.globex.ok("admin", "GET", ALL)).items, []);
});

test("administrators are told of code that was set aside with its process", async () => {
  const place = join(w.server.data, "tenants", "acme", "quarantine");
  mkdirSync(place);
  const mark = JSON.stringify({ loading: false, at: Date.now() });
  writeFileSync(join(place, `${ID}@${"0".repeat(64)}.json`), mark);
  await lead("admin", { name: "something to do", title: "fails" });
  const found = await until("it is told", async () => {
    await w.acme.ok("admin", "POST", "/api/v1/exports", { entity: "lead", format: "csv" });
    return (await told("admin")).find(({ kind }) => kind === "plugin_quarantined");
  });
  assert.match(found.title, /acme\.teller/);
  assert.equal((await told("admin")).filter(({ kind }) => kind === found.kind).length, 1);
});
