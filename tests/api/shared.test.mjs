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

const VISIT = {
  name: "x_visit",
  title: "name",
  label: "Visit",
  owner: true,
  fields: [
    { no: 1, name: "name", type: "text", label: "Name" },
    { no: 2, name: "account", type: "ref", entity: "account", label: "Account" },
    { no: 3, name: "tier", type: "lookup", path: "account.x_tier", label: "Tier" },
  ],
};

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
      fields: [{ no: 1, name: FIELD, type: "text", length: 20, label: "Colour", search: true }],
    },
    "entities/account.json": {
      extend: "account",
      fields: [{ no: 1, name: "x_tier", type: "text", label: "Tier" }],
    },
    "entities/visit.json": VISIT,
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

test("what both have leads to what one of them added", async () => {
  const api = "/api/v1/records";
  const tiered = encodeURIComponent('{"account.x_tier":"gold"}');
  const account = await w.acme.ok("admin", "POST", `${api}/account`, {
    name: `${w.acme.mark} Qiming`,
    x_tier: "gold",
  });
  const contact = await w.acme.ok("admin", "POST", `${api}/contact`, {
    name: "Wang",
    account: account.id,
  });
  const visit = await w.acme.ok("admin", "POST", `${api}/x_visit`, {
    name: "First",
    account: account.id,
  });
  assert.equal((await w.acme.ok("admin", "GET", `${api}/x_visit/${visit.id}`)).tier, "gold");
  const found = await w.acme.ok("admin", "GET", `${api}/contact?filter=${tiered}`);
  assert.deepEqual(
    found.items.map(({ id }) => id),
    [contact.id],
  );
  const path = `${api}/account/${account.id}/related/x_visit.account`;
  assert.equal((await w.acme.ok("admin", "GET", path)).items.length, 1);
  const { groups } = await w.acme.ok("sales1", "GET", "/api/v1/search?q=red");
  assert.ok(groups.some(({ items }) => items.length > 0));

  const theirs = await w.globex.ok("admin", "POST", `${api}/account`, {
    name: `${w.globex.mark} Qiming`,
  });
  assert.ok(!("x_tier" in theirs));
  const asked = await w.globex.as("admin", "GET", `${api}/contact?filter=${tiered}`);
  assert.ok([400, 422].includes(asked.status), asked.text);
  const relation = `${api}/account/${theirs.id}/related/x_visit.account`;
  assert.equal((await w.globex.as("admin", "GET", relation)).status, 404);
  assert.equal((await w.globex.as("admin", "GET", `${api}/x_visit`)).status, 404);
  const meta = await w.globex.as("admin", "GET", "/api/v1/meta/account");
  assert.ok(!/x_tier|x_visit/.test(meta.text));
  assert.match((await w.acme.as("admin", "GET", "/api/v1/meta/account")).text, /x_visit\.account/);
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
