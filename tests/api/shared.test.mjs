// shared - two companies whose plugins are the same: the server's processes keep one model
// of them; one adds a field of its own and takes it back, while both work.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { bundle, packed } from "../kit/pack.mjs";
import { world } from "../kit/world.mjs";

const w = world();
const ID = "acme.shared";
const PLUGINS = "/api/v1/admin/plugins";
const LEADS = "/api/v1/records/lead";
const FIELD = "x_colour";

const rule = (text) => ({
  "init.lua": `crm.on("lead", "before_create", { id = "colour" }, function(ev, ctx)
  ev.record.company = "${text} " .. ctx.tenant.name
end)
`,
});
const files = (text) =>
  bundle(ID, {
    "entities/lead.json": {
      extend: "lead",
      fields: [{ no: 1, name: FIELD, type: "text", length: 20, label: "Colour" }],
    },
    ...rule(text),
  });
const deploy = async (text) => {
  const answer = await w.acme.as("admin", "POST", `${PLUGINS}/${ID}/deploys`, packed(files(text)));
  assert.equal(answer.status, 201, answer.text);
  return answer.json.hash;
};
const create = (tenant, body) =>
  tenant.as("sales1", "POST", LEADS, { body: { name: "Li", phones: ["13800138000"], ...body } });
const fields = async (tenant) =>
  (await tenant.ok("sales1", "GET", "/api/v1/meta/lead")).fields.map(({ name }) => name);

/** Leads of a company, one after the other, until told to stop; each has to be taken. */
function work(tenant, check) {
  const state = { stopped: false, count: 0 };
  state.done = (async () => {
    while (!state.stopped || state.count < 3) {
      const answer = await create(tenant);
      assert.equal(answer.status, 201, answer.text);
      check?.(answer.json);
      const list = await tenant.ok("sales1", "GET", `${LEADS}?limit=1`);
      assert.equal(list.items.length, 1);
      state.count++;
    }
  })();
  state.end = () => {
    state.stopped = true;
    return state.done;
  };
  return state;
}

test("both begin with the same fields", async () => {
  assert.deepEqual(await fields(w.acme), await fields(w.globex));
  assert.ok(!(await fields(w.acme)).includes(FIELD));
  for (const tenant of [w.acme, w.globex]) assert.equal((await create(tenant)).status, 201);
});

test("what one deploys and takes back never reaches the other, who works on", async () => {
  const before = (await fields(w.globex)).join();
  const untouched = ({ company }) => assert.ok(!company, company);
  const globex = work(w.globex, untouched);
  const acme = work(w.acme);
  const first = await deploy("red");
  assert.ok((await fields(w.acme)).includes(FIELD));
  const made = await create(w.acme, { [FIELD]: "red" });
  assert.equal(made.json[FIELD], "red");
  assert.equal(made.json.company, "red acme");
  assert.equal((await fields(w.globex)).join(), before);
  const refused = await create(w.globex, { [FIELD]: "red" });
  assert.equal(refused.status, 422, refused.text);
  assert.notEqual(await deploy("blue"), first);
  assert.equal((await create(w.acme)).json.company, "blue acme");
  await w.acme.ok("admin", "POST", `${PLUGINS}/${ID}/rollback`, { hash: first });
  assert.equal((await create(w.acme)).json.company, "red acme");
  await Promise.all([globex.end(), acme.end()]);
  assert.equal((await fields(w.globex)).join(), before);
});

test("a filter by the other's field is unknown, also behind a cache of statements", async () => {
  const mine = await w.acme.ok("sales1", "GET", `${LEADS}?${FIELD}=red`);
  assert.equal(mine.items.length, 1);
  const theirs = await w.globex.as("sales1", "GET", `${LEADS}?${FIELD}=red`);
  assert.ok([400, 422].includes(theirs.status), theirs.text);
});

test("only administrators of plugins of that company change it", async () => {
  const sales = await w.acme.as("sales1", "POST", `${PLUGINS}/${ID}/deploys`, packed(files("x")));
  assert.equal(sales.status, 403);
  const foreign = await w.globex.as("admin", "POST", `${PLUGINS}/${ID}/rollback`, { body: {} });
  assert.equal(foreign.status, 404);
});

test("disabled, both have the same fields again", async () => {
  await w.acme.ok("admin", "POST", `${PLUGINS}/${ID}/disable`, {});
  assert.deepEqual(await fields(w.acme), await fields(w.globex));
  assert.ok(!(await create(w.acme)).json.company);
});
