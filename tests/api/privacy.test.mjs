// privacy - what a company holds of a person is shown whole, and forgotten whole: a marker is left
// in every place a name, an address or a number can come to lie, and looked for in every file.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { multipart } from "../kit/client.mjs";
import { bundle, packed } from "../kit/pack.mjs";
import { world } from "../kit/world.mjs";

const ID = "acme.traces";
const PRIVACY = "/api/v1/admin/privacy";
const NAME = "Zqmarker Zqhidden";
const MAIL = "zqmarker@hidden.example.com";
const PHONE = "13912345678";
const SECRET = "zq-sealed-plain";
const MARKS = [NAME, MAIL, PHONE, "zqmarker"];
const w = world({ setup: prepare });

const init = `
crm.on("lead", "after_commit", { id = "fails", when = { title = "known" } }, function(ev)
  error("cannot reach " .. ev.record.emails[1])
end)
crm.on("lead", "after_create", { id = "leave", when = { title = "known" } }, function(ev, ctx)
  local address = ev.record.emails[1]
  ctx.kv:set("by " .. address, { name = ev.record.name })
  ctx.queue:push("done", { to = address })
  ctx.queue:push("later", { to = address }, { delay = 36000 })
  ctx.queue:push("breaks", { to = address })
  ctx.mail { to = address, subject = "Dear " .. ev.record.name, text = ev.record.phones[1] }
  ctx.notify(ev.record.owner, { text = ev.record.name, body = address, about = ev.record })
  ctx.notify(ev.record.owner, { text = "New", body = address })
  local db = ctx.db:as_system()
  db.x_ledger:insert { name = "entry", points = 5, note = "for " .. address, lead = ev.record.id }
  db.x_log:insert { name = "delivery", payload = '{"to":"' .. address .. '"}' }
  db.x_log:insert { name = "other", payload = '{"to":"other@example.com"}' }
  db.x_part:insert { name = "part", text = address, lead = ev.record.id }
  db.x_case:insert { name = "case", text = address, lead = ev.record.id }
end)
crm.job("done", {}, function(job) return { told = job.args.to } end)
crm.job("later", {}, function() end)
crm.job("breaks", { retry = 0 }, function(job) error("no answer from " .. job.args.to) end)
`;
const text = (no, name, more = {}) => ({ no, name, type: "text", label: name, ...more });
const lead = (more = {}) => ({
  no: 9,
  name: "lead",
  type: "ref",
  entity: "lead",
  label: "l",
  ...more,
});
const entity = (name, fields, more = {}) => ({
  name,
  label: name,
  fields: [text(1, "name"), ...fields],
  ...more,
});

async function prepare() {
  const files = {
    "init.lua": init,
    "entities/ledger.json": entity(
      "x_ledger",
      [
        { no: 2, name: "points", type: "int", label: "p" },
        { no: 3, name: "note", type: "longtext", label: "n" },
        lead({ on_delete: "refuse" }),
      ],
      { append_only: true },
    ),
    "entities/log.json": entity(
      "x_log",
      [{ no: 2, name: "payload", type: "longtext", label: "p" }],
      { traces: true },
    ),
    "entities/part.json": entity("x_part", [text(2, "text"), lead({ on_delete: "cascade" })]),
    "entities/case.json": entity("x_case", [
      text(2, "text", { personal: true, required: true, search: true }),
      lead({ on_erase: "redact" }),
    ]),
    "entities/lead.json": {
      extend: "lead",
      fields: [{ no: 1, name: "x_code", type: "secret", label: "code" }],
    },
  };
  const capabilities = ["mail", ...["ledger", "log", "part", "case"].map((n) => `db:x_${n}:rw`)];
  const pack = packed(bundle(ID, files, { requires: { leads: "^1" }, capabilities }));
  const path = `/api/v1/admin/plugins/${ID}/deploys`;
  const answer = await w.acme.as("admin", "POST", path, pack);
  assert.equal(answer.status, 201, answer.text);
}

async function until(what, ask) {
  for (let tries = 0; ; tries += 1) {
    const got = await ask();
    if (got) return got;
    assert.ok(tries < 1500, `waited in vain until ${what}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}

/* Files of the company that hold a mark. */
function holding(mark, path = join(w.server.data, "tenants", "acme")) {
  if (statSync(path).isDirectory())
    return readdirSync(path).flatMap((name) => holding(mark, join(path, name)));
  return readFileSync(path).includes(mark) ? [path.slice(w.server.data.length)] : [];
}
const everywhere = () => MARKS.flatMap((mark) => holding(mark));
const rows = async (path) => (await w.acme.ok("admin", "GET", path)).items;
const erase = (login, body, tenant = w.acme) =>
  tenant.as(login, "POST", `${PRIVACY}/erasures`, { body });

let person, other;
test("a person comes to lie in many places", async () => {
  const body = { name: NAME, title: "known", emails: [MAIL], phones: [PHONE], x_code: SECRET };
  person = await w.acme.ok("sales1", "POST", "/api/v1/records/lead", body, {
    headers: { "idempotency-key": "made-once" },
  });
  other = await w.acme.create("sales1", "lead", { name: "Stays Here", phones: ["13900139001"] });
  const path = `/api/v1/records/lead/${person.id}`;
  await w.acme.ok("sales1", "PATCH", path, { name: `${NAME} again`, description: MAIL });
  await w.acme.ok("sales1", "PATCH", path, { name: NAME });
  const form = multipart([
    { name: "entity", content: "lead" },
    { name: "record", content: person.id },
    { name: "file", filename: `${NAME}.txt`, type: "text/plain", content: `CV of ${NAME}` },
  ]);
  assert.equal((await w.acme.as("sales1", "POST", "/api/v1/files", form)).status, 201);
  const loose = multipart([
    { name: "file", filename: "list.txt", type: "text/plain", content: `call ${PHONE}` },
  ]);
  assert.equal((await w.acme.as("sales1", "POST", "/api/v1/files", loose)).status, 201);
  for (const format of ["csv", "json"]) {
    const job = await w.acme.ok("admin", "POST", "/api/v1/exports", { entity: "lead", format });
    const done = await w.acme.settled("admin", `/api/v1/jobs/${job.id}`);
    assert.equal(done.state, "done");
  }
  const sheet = multipart([
    { name: "entity", content: "lead" },
    {
      name: "file",
      filename: "a.csv",
      type: "text/csv",
      content: `name,emails\n${NAME},not an address ${MAIL} at all\n`,
    },
  ]);
  const made = await w.acme.as("admin", "POST", "/api/v1/imports", sheet);
  assert.ok(made.status < 300, made.text);
  const imported = `/api/v1/imports/${made.json.id}`;
  await w.acme.ok("admin", "PUT", `${imported}/mapping`, {});
  await w.acme.ok("admin", "POST", `${imported}/run`, {});
  await w.acme.settled("admin", imported);
  await w.acme.ok("sales1", "POST", "/api/v1/views", {
    entity: "lead",
    kind: "list",
    name: "one",
    body: { columns: ["name"], filter: { name: NAME } },
  });
  await until("the job has failed", async () =>
    (await rows("/api/v1/jobs?limit=200")).some(({ state }) => state === "failed"),
  );
  await until("the delivery has failed", async () =>
    (await rows("/api/v1/admin/outbox?limit=200")).some(({ fails }) => fails > 0),
  );
  await until("there is a dead letter", async () =>
    (await rows("/api/v1/admin/mail/letters")).some(({ state }) => state === "failed"),
  );
  assert.ok(everywhere().length > 4);
});

test("everything that is held is shown to who asks for it, with a reason", async () => {
  const body = { entity: "lead", record: person.id, reason: "asked by letter" };
  for (const login of ["sales1", "viewer", "manager"])
    assert.equal((await w.acme.as(login, "POST", `${PRIVACY}/exports`, { body })).status, 403);
  const stranger = await w.globex.as("admin", "POST", `${PRIVACY}/exports`, { body });
  assert.equal(stranger.status, 404);
  const bare = { entity: "lead", record: person.id };
  const without = await w.acme.as("admin", "POST", `${PRIVACY}/exports`, { body: bare });
  assert.ok("reason" in without.json.error.fields, without.text);
  const job = await w.acme.ok("admin", "POST", `${PRIVACY}/exports`, body);
  const done = await w.acme.settled("admin", `/api/v1/jobs/${job.id}`);
  assert.equal(done.state, "done", JSON.stringify(done));
  const { json: all } = await w.acme.as("admin", "GET", `/api/v1/files/${done.result.file}`);
  assert.equal(all.record.name, NAME);
  assert.deepEqual(all.sealed, { x_code: SECRET });
  assert.deepEqual(Object.keys(all.related).sort(), [
    "lead_owner",
    "notification",
    "x_case",
    "x_ledger",
    "x_part",
  ]);
  assert.equal(all.related.x_case[0].text, MAIL);
  assert.ok(all.history.some(({ changes }) => changes.some(({ new: to }) => to === NAME)));
  assert.deepEqual(
    all.files.map(({ name }) => name),
    [`${NAME}.txt`],
  );
  assert.ok(all.letters.some(({ to }) => to[0] === MAIL));
  assert.ok(all.access.some(({ action }) => action === "unmask"));
  assert.equal(all.truncated, false);
  const page = await w.acme.as("admin", "GET", `/api/v1/files/${done.result.page}`);
  assert.match(page.headers["content-type"], /text\/html|octet-stream/);
  assert.ok(page.text.includes(NAME) && page.text.includes(SECRET));
  const audit = await rows("/api/v1/admin/audit?action=person.export");
  assert.match(JSON.stringify(audit[0].detail), /asked by letter/);
  const cli = w.server.must(["person", "acme", "lead", person.id]);
  assert.equal(JSON.parse(cli).record.name, NAME);
  const html = w.server.must(["person", "acme", "lead", person.id, "--html"]);
  assert.ok(html.includes(NAME));
  assert.equal(w.server.command(["person", "globex", "lead", person.id]).status, 1);
});

test("forgetting needs the right, a reason, and the record's name", async () => {
  const good = { entity: "lead", record: person.id, confirm: NAME, reason: "asked" };
  for (const login of ["sales1", "viewer", "manager"])
    assert.equal((await erase(login, good)).status, 403, login);
  assert.equal((await erase("admin", good, w.globex)).status, 404);
  for (const [more, field] of [
    [{ confirm: "somebody" }, "confirm"],
    [{ confirm: undefined }, "confirm"],
    [{ reason: " " }, "reason"],
    [{ entity: "nothing" }, "entity"],
    [{ entity: "team" }, "record"],
    [{ record: "?" }, "record"],
    [{ more: 1 }, "more"],
  ]) {
    const answer = await erase("admin", { ...good, ...more });
    if (answer.status === 404) continue;
    assert.equal(answer.status, 422, answer.text);
    assert.ok(field in answer.json.error.fields, answer.text);
  }
  await w.acme.ok("admin", "GET", `/api/v1/records/lead/${person.id}`);
});

test("forgetting leaves the mark nowhere", async () => {
  const body = { entity: "lead", record: person.id, confirm: NAME, reason: "asked" };
  const entries = await rows("/api/v1/records/x_ledger");
  const answer = await erase("admin", body);
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.json.erased, true);
  assert.ok(answer.json.records >= 2 && answer.json.redacted >= 2, answer.text);
  for (const path of ["", "/history", "/timeline"])
    assert.equal(
      (await w.acme.as("admin", "GET", `/api/v1/records/lead/${person.id}${path}`)).status,
      404,
    );
  const after = await rows("/api/v1/records/x_ledger");
  assert.deepEqual(
    after.map(({ id, points, note }) => [id, points, note]),
    entries.map(({ id, points }) => [id, points, null]),
    "entries stay, and say nothing of the person",
  );
  const [kept] = await rows("/api/v1/records/x_case");
  assert.equal(kept.text, "-");
  assert.deepEqual(await rows("/api/v1/records/x_part"), []);
  assert.deepEqual(
    (await rows("/api/v1/records/x_log")).map(({ name }) => name),
    ["other"],
  );
  for (const path of ["/api/v1/jobs?limit=200", "/api/v1/admin/mail/letters"])
    for (const mark of MARKS)
      assert.ok(!JSON.stringify(await rows(path)).includes(mark), `${path} ${mark}`);
  const found = await w.acme.ok("sales1", "GET", "/api/v1/search?q=zqmarker");
  assert.ok(!JSON.stringify(found).includes(person.id));
  await until("no file holds it", () => everywhere().length === 0 || undefined);
  assert.deepEqual(everywhere(), []);
  const [row] = await rows("/api/v1/admin/audit?action=record.erase");
  assert.equal(row.detail.reason, "asked");
  assert.equal((await w.acme.as("sales1", "GET", `/api/v1/records/lead/${other.id}`)).status, 200);
  const again = await erase("admin", body);
  assert.deepEqual([again.status, again.json.before], [200, true], again.text);
  const check = w.server.command(["check", "acme"]);
  assert.equal(check.status, 0, check.stdout);
});

test("a user who is forgotten stays as a number", async () => {
  const login = "zqstaffed";
  const body = {
    login,
    name: "Zqstaff Zqperson",
    roles: ["sales"],
    password: "Perigee-Test-2026!",
    email: "zqstaff@acme.example.com",
  };
  const { id } = await w.acme.ok("admin", "POST", "/api/v1/admin/users", body);
  await w.acme.signIn(login);
  const made = await w.acme.create(login, "lead", { name: "By that one" });
  const ask = { entity: "user", record: id, confirm: body.name, reason: "left" };
  assert.equal((await erase("admin", ask)).status, 200);
  const user = await w.acme.ok("admin", "GET", `/api/v1/admin/users/${id}`);
  assert.deepEqual([user.name, user.login, user.email, user.active], [id, id, null, false]);
  const signIn = await w.acme.client.request("POST", "/api/v1/sessions", {
    body: { login, password: body.password },
  });
  assert.equal(signIn.status, 401);
  const kept = await w.acme.ok("admin", "GET", `/api/v1/records/lead/${made.id}`);
  assert.equal(kept.created_by, id);
  const self = { entity: "user", record: w.acme.users.admin, confirm: "admin", reason: "left" };
  assert.equal((await erase("admin", self)).status, 409);
  for (const mark of ["Zqstaff", "zqstaff@"])
    await until(`${mark} is nowhere`, () => holding(mark).length === 0 || undefined);
});
