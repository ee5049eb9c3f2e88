// trail - what was changed in records, over all of them: by filter, page and the reader's rights.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { query } from "../kit/client.mjs";
import { PASSWORD, world } from "../kit/world.mjs";

const PATH = "/api/v1/admin/audit/changes";
const LEADS = "/api/v1/records/lead";
const w = world();
const ask = (params = {}, as = "admin") => w.acme.as(as, "GET", PATH + query(params));
const get = async (params, as) => {
  const answer = await ask(params, as);
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
};
let lead;

test("each save is a row with who, when and every field before and after", async () => {
  lead = await w.acme.create("sales1", "lead", { name: "first", company: "before" });
  await w.acme.ok("sales1", "PATCH", `${LEADS}/${lead.id}`, { company: "after" });
  await w.acme.ok("sales1", "DELETE", `${LEADS}/${lead.id}`);
  const { items, titles } = await get({ entity: "lead", record: lead.id });
  assert.deepEqual(
    items.map(({ op }) => op),
    ["delete", "update", "create"],
  );
  const [, update, create] = items;
  assert.equal(update.actor, w.acme.users.sales1);
  assert.match(update.actor_name, /^sales1/);
  const company = update.changes.find(({ field }) => field === "company");
  assert.deepEqual(company, { field: "company", old: "before", new: "after" });
  assert.ok(create.changes.some(({ field, new: now }) => field === "name" && now === "first"));
  assert.deepEqual(Object.keys(titles), ["lead"]);
});

test("it is filtered and paged", async () => {
  for (let i = 0; i < 5; i++) await w.acme.create("sales3", "lead", { name: `paged ${i}` });
  const seen = [];
  let cursor = null;
  do {
    const more = cursor ? { cursor } : {};
    const page = await get({ actor: w.acme.users.sales3, entity: "lead", limit: 2, ...more });
    seen.push(...page.items.map(({ seq }) => seq));
    cursor = page.next;
  } while (cursor);
  assert.equal(seen.length, 5);
  assert.deepEqual(
    seen,
    [...seen].sort((a, b) => b - a),
  );
  assert.ok((await get({ from: "2020-01-01", to: "2999-01-01" })).items.length > 5);
  assert.deepEqual((await get({ to: "2020-01-01" })).items, []);
  assert.deepEqual((await get({ from: "2999-01-01" })).items, []);
  for (const bad of [
    { entity: "leed" },
    { actor: "?" },
    { from: "yesterday" },
    { limit: 0 },
    { limit: 201 },
    { cursor: "x" },
    { colour: "red" },
  ]) {
    const answer = await ask(bad);
    assert.ok([400, 422].includes(answer.status), `${JSON.stringify(bad)}: ${answer.text}`);
  }
});

test("who reads the log sees no more of records than elsewhere", async () => {
  assert.equal((await ask({}, "sales1")).status, 403);
  assert.equal((await ask({}, null)).status, 401);
  await w.acme.ok("admin", "PUT", "/api/v1/admin/roles/auditor", {
    label: "auditor",
    grants: { lead: { read: { owner: w.acme.users.sales1 }, fields: { company: "none" } } },
    admin: ["audit"],
  });
  const body = { login: "auditor", name: "auditor", roles: ["auditor"], password: PASSWORD };
  await w.acme.ok("admin", "POST", "/api/v1/admin/users", body);
  const mine = await w.acme.create("sales1", "lead", { name: "mine", company: "hidden" });
  const { items, titles } = await get({ limit: 200 }, "auditor");
  assert.deepEqual([...new Set(items.map(({ entity }) => entity))], ["lead"]);
  assert.deepEqual(Object.keys(titles.lead), [mine.id]);
  const fields = items.flatMap(({ changes }) => changes.map(({ field }) => field));
  assert.ok(fields.includes("name") && !fields.includes("company"));
  const other = await w.globex.ok("admin", "GET", PATH);
  assert.ok(!other.items.some(({ record }) => record === mine.id));
});
