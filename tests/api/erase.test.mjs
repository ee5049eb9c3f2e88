// erase - a record that is forgotten for good: live, in what is kept of it, and in backups that are
// restored afterwards. And the plan of a tenant, which only the operator changes, too.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { multipart } from "../kit/client.mjs";
import { limit } from "../kit/limits.mjs";
import { bundle, packed } from "../kit/pack.mjs";
import { world } from "../kit/world.mjs";

const w = world();
const NAME = "Zqforgotten Zqperson";
const LEADS = "/api/v1/records/lead";
const erase = (id, { tenant = "acme", entity = "lead", yes = id } = {}) =>
  w.server.command(["erase", tenant, entity, id, "--yes", yes]);

/* Files below a folder that hold the text, whatever they are. */
function holding(path, text) {
  if (statSync(path).isDirectory()) {
    return readdirSync(path).flatMap((name) => holding(join(path, name), text));
  }
  return readFileSync(path).includes(text) ? [path] : [];
}

let id, backup;
test("somebody is known: by a record, its changes, a file and a delivery", async () => {
  const init =
    'crm.on("lead", "after_commit", { id = "push" }, function() error("no answer") end)\n';
  const files = bundle("acme.push", { "init.lua": init }, { requires: { leads: "^1" } });
  const path = "/api/v1/admin/plugins/acme.push/deploys";
  const taken = await w.acme.as("admin", "POST", path, packed(files));
  assert.equal(taken.status, 201, taken.text);
  ({ id } = await w.acme.create("sales1", "lead", { name: NAME, phones: ["13900139000"] }));
  await w.acme.ok("sales1", "PATCH", `${LEADS}/${id}`, { name: `${NAME} again` });
  const form = multipart([
    { name: "entity", content: "lead" },
    { name: "record", content: id },
    { name: "file", filename: "cv.txt", type: "text/plain", content: NAME },
  ]);
  const file = await w.acme.as("sales1", "POST", "/api/v1/files", form);
  assert.equal(file.status, 201, file.text);
  const found = await w.acme.ok("sales1", "GET", "/api/v1/search?q=zqforgotten");
  assert.match(JSON.stringify(found), new RegExp(id));
  const outbox = await w.acme.ok("admin", "GET", "/api/v1/admin/outbox?limit=200");
  assert.ok(outbox.items.some(({ record }) => record === id));
  backup = mkdtempSync(join(tmpdir(), "perigee-erase-"));
  w.server.must(["backup", "acme", backup]);
});

/* What was uploaded and hangs on nothing: one more than is searched at once. */
const loose = [];
test("files that hang on nothing are searched too, page by page", async () => {
  const page = limit("ERASE_FILES_PAGE");
  for (let i = 0; i <= page; i += 1) {
    const content = i >= page - 1 ? `call 13900139000, ${i}` : "nobody";
    const part = { name: "file", filename: `${i}.txt`, type: "text/plain", content };
    const file = await w.acme.as("admin", "POST", "/api/v1/files", multipart([part]));
    assert.equal(file.status, 201, file.text);
    loose.push(file.json.id);
  }
});

test("erasing asks for the id twice, and for a record that is there", () => {
  assert.equal(erase(id, { yes: "other" }).status, 2);
  assert.equal(erase("0000000000001").status, 1);
  assert.equal(erase(id, { entity: "nothing" }).status, 1);
  assert.equal(erase(id, { tenant: "globex" }).status, 1, "it is no record of that company");
  assert.equal(erase(id, { tenant: "nobody" }).status, 1);
});

test("it is gone from lists, search, changes, files and deliveries", async () => {
  const other = await w.acme.create("sales1", "lead", { name: "Stays", phones: ["13900139001"] });
  const done = erase(id);
  assert.equal(done.status, 0, done.stderr);
  assert.equal((await w.acme.as("admin", "GET", `${LEADS}/${id}`)).status, 404);
  const back = await w.acme.as("admin", "POST", `${LEADS}/${id}/restore`, { body: {} });
  assert.equal(back.status, 404);
  const found = await w.acme.ok("sales1", "GET", "/api/v1/search?q=zqforgotten");
  assert.ok(!JSON.stringify(found).includes(id));
  const outbox = await w.acme.ok("admin", "GET", "/api/v1/admin/outbox?limit=200");
  assert.ok(!outbox.items.some(({ record }) => record === id));
  assert.ok(outbox.items.some(({ record }) => record === other.id));
  const feed = await w.acme.ok("admin", "GET", "/api/v1/changes?since=0&limit=200");
  assert.ok(!JSON.stringify(feed).includes(NAME));
  const audit = await w.acme.ok("admin", "GET", "/api/v1/admin/audit?action=record.erase&limit=5");
  assert.equal(audit.items.length, 1);
  const left = [];
  for (const file of loose)
    left.push((await w.acme.as("admin", "GET", `/api/v1/files/${file}`)).status);
  const wanted = loose.map((_, i) => (i < loose.length - 2 ? 200 : 404));
  assert.deepEqual(left, wanted, "the last of the first page, the first of the next");
  assert.equal(erase(id).status, 0, "once more changes nothing");
});

test("a backup from before does not bring it back", () => {
  const path = join(backup, readdirSync(backup)[0]);
  assert.ok(holding(path, NAME).length > 0, "the backup is from before");
  const back = ["restore", "acme", path, "--as", "again", "--host", "again.example.com"];
  w.server.must(back);
  const dir = join(w.server.data, "tenants", "again");
  assert.deepEqual(
    holding(dir, NAME).filter((name) => !name.includes("/files/")),
    [],
  );
  assert.equal(w.server.command(["erase", "again", "lead", id, "--yes", id]).status, 1);
  w.server.must(["tenant", "delete", "again", "--yes", "again"]);
  rmSync(backup, { recursive: true });
});

test("a plan lowers what the plugins of one company may use, and no other's", async () => {
  const init =
    'crm.on("lead", "validate", { id = "many" }, function(_, ctx)\n' +
    "  for i = 1, 5 do ctx.db.lead:count() end\nend)\n";
  for (const t of [w.acme, w.globex]) {
    const files = bundle(`${t.name}.many`, { "init.lua": init }, { requires: { leads: "^1" } });
    const path = `/api/v1/admin/plugins/${t.name}.many/deploys`;
    const taken = await t.as("admin", "POST", path, packed(files));
    assert.equal(taken.status, 201, taken.text);
  }
  const body = { name: "Planned", phones: ["13900139002"] };
  const create = (t) => t.as("sales1", "POST", LEADS, { body });
  const set = (plan) => w.server.command(["tenant", "limits", "acme", "--set", plan, "--json"]);
  assert.equal((await create(w.acme)).status, 201);
  const made = set('{"transaction":{"reads":4}}');
  assert.equal(made.status, 0, made.stderr);
  assert.equal(JSON.parse(made.stdout).limits.transaction.reads, 4);
  assert.equal((await create(w.acme)).status, 500, "five reads are one too many");
  assert.equal((await create(w.globex)).status, 201);
  const shown = w.server.must(["tenant", "limits", "acme", "--json"]);
  assert.deepEqual(JSON.parse(shown).plan, { transaction: { reads: 4 } });
  for (const bad of ["[]", "{", '{"other":{}}', '{"transaction":7}']) {
    assert.equal(set(bad).status, 1, bad);
  }
  for (const bad of ['{"cpu":1}', '{"reads":0}', '{"reads":"4"}', '{"reads":99999999}']) {
    assert.equal(set(`{"transaction":${bad}}`).status, 1, bad);
  }
  assert.equal((await create(w.acme)).status, 500, "what was refused has changed nothing");
  assert.equal(set("{}").status, 0);
  assert.equal((await create(w.acme)).status, 201);
});
