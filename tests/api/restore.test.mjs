// restore - what was deleted comes back with everything right: judged, counted, told.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { bundle, packed } from "../kit/pack.mjs";
import { world } from "../kit/world.mjs";

const ADMIN = "/api/v1/admin";
const R = "/api/v1/records";
const w = world({ setup: prepare });

const init = `
local function note(ctx, text) assert(ctx.db.greeting:insert { name = "note", text = text }) end
crm.on("x_box", "validate_restore", { id = "full" }, function(ev, ctx)
  local things = ctx.db.x_thing:count { where = { box = ev.record.id } }
  if ev.record.name == "refused" then ev:fail("name", "It stays away.") end
  if ev.record.name == "whole" and things ~= 2 then ev:abort("Its things are not there.") end
end)
crm.on("x_thing", "after_restore", { id = "note" }, function(ev, ctx)
  note(ctx, "restored " .. ev.record.name)
end)
crm.on("x_thing", "after_create", { id = "note" }, function(ev, ctx)
  note(ctx, "created " .. ev.record.name)
end)
crm.on("x_box", "after_commit", { id = "tell" }, function(ev, ctx)
  note(ctx, "told " .. ev.op .. " " .. ev.record.name)
end)
crm.on("x_box", "after_restore", { id = "break", when = { name = "breaks" } }, function(ev)
  ev:abort("After all not.")
end)
`;

async function prepare() {
  const text = { no: 1, name: "name", type: "text", label: "n", required: true, unique: true };
  const files = {
    "init.lua": init,
    "entities/box.json": {
      name: "x_box",
      label: "box",
      fields: [
        text,
        {
          no: 2,
          name: "things",
          type: "rollup",
          from: "x_thing",
          by: "box",
          op: "count",
          label: "t",
        },
        { no: 3, name: "number", type: "autonumber", pattern: "B-{counter:3}", label: "no" },
      ],
    },
    "entities/thing.json": {
      name: "x_thing",
      label: "thing",
      fields: [
        { ...text, unique: false },
        {
          no: 2,
          name: "box",
          type: "ref",
          entity: "x_box",
          label: "b",
          on_delete: "cascade",
        },
      ],
    },
  };
  const path = `${ADMIN}/plugins/acme.boxes/deploys`;
  const pack = packed(bundle("acme.boxes", files, { requires: { hello: "^1" } }));
  const answer = await w.acme.as("admin", "POST", path, pack);
  assert.equal(answer.status, 201, answer.text);
  await w.acme.ok("admin", "POST", `${ADMIN}/plugins/opportunities/enable`, {});
}

const get = (entity, id) => w.acme.as("admin", "GET", `${R}/${entity}/${id}`);
const remove = (entity, id) => w.acme.ok("admin", "DELETE", `${R}/${entity}/${id}`);
const restore = (entity, id, as = "admin", t = w.acme) =>
  t.as(as, "POST", `${R}/${entity}/${id}/restore`, { body: {} });
const notes = async (start) =>
  (await w.acme.ok("admin", "GET", `${R}/greeting?sort=id&limit=200`)).items
    .map(({ text }) => text)
    .filter((text) => text?.startsWith(start));
async function box(name, things = []) {
  const made = await w.acme.create("admin", "x_box", { name });
  for (const thing of things)
    await w.acme.create("admin", "x_thing", { name: thing, box: made.id });
  return made;
}

test("handlers see all that comes back, once, and nothing is created anew", async () => {
  const { id, number } = await box("whole", ["a", "b"]);
  await remove("x_box", id);
  const before = await notes("created ");
  const back = await restore("x_box", id);
  assert.equal(back.status, 200, back.text);
  assert.deepEqual([back.json.things, back.json.number], [2, number]);
  assert.deepEqual((await notes("restored ")).sort(), ["restored a", "restored b"]);
  assert.deepEqual(await notes("created "), before);
  assert.equal((await restore("x_box", id)).status, 200, "it is there already");
  assert.equal((await notes("restored ")).length, 2);
  for (let tries = 0; tries < 3000 && (await notes("told restore")).length === 0; tries += 1)
    await new Promise((done) => setTimeout(done, 20));
  assert.deepEqual(await notes("told restore"), ["told restore whole"]);
  const feed = await w.acme.ok("admin", "GET", "/api/v1/changes?since=0&limit=200");
  const ops = feed.items.filter((one) => one.id === id).map(({ op }) => op);
  assert.deepEqual(
    ops,
    ["create", "update", "update", "delete", "restore"].filter((op) => ops.includes(op)),
  );
  assert.equal(ops.at(-1), "restore");
});

test("what may not come back stays away whole", async () => {
  for (const [name, pattern] of [
    ["refused", /It stays away/],
    ["breaks", /After all not/],
  ]) {
    const { id } = await box(name, ["c"]);
    await remove("x_box", id);
    const before = await notes("restored ");
    const answer = await restore("x_box", id);
    assert.equal(answer.status, 422, answer.text);
    assert.match(answer.text, pattern);
    assert.equal((await get("x_box", id)).status, 404);
    assert.deepEqual(await notes("restored "), before);
  }
});

test("a unique value that is taken names the winner", async () => {
  const first = await box("only one");
  await remove("x_box", first.id);
  const second = await box("only one");
  const answer = await restore("x_box", first.id);
  assert.equal(answer.status, 409, answer.text);
  assert.ok(answer.text.includes(second.id), answer.text);
  assert.equal((await get("x_box", first.id)).status, 404);
});

test("the amount of a deal counts a line that came back", async () => {
  const stages = await w.acme.ok("admin", "GET", `${R}/stage?limit=1`);
  const deal = await w.acme.create("admin", "opportunity", {
    name: "Deal",
    ...(stages.items[0] ? { stage: stages.items[0].id, pipeline: stages.items[0].pipeline } : {}),
  });
  const line = (price) =>
    w.acme.create("admin", "opportunity_line", {
      name: "line",
      opportunity: deal.id,
      quantity: "1",
      price: { amount: price, currency: "CNY" },
    });
  await line("100.00");
  const { id } = await line("50.00");
  const amount = async () => (await get("opportunity", deal.id)).json.amount.amount;
  assert.equal(await amount(), "150.00");
  await remove("opportunity_line", id);
  assert.equal(await amount(), "100.00");
  assert.equal((await restore("opportunity_line", id)).status, 200);
  assert.equal(await amount(), "150.00");
});

test("restoring is for who may delete, in the own company", async () => {
  const { id } = await box("rights");
  await remove("x_box", id);
  for (const login of ["sales1", "viewer"])
    assert.ok([403, 404].includes((await restore("x_box", id, login)).status), login);
  assert.equal((await restore("x_box", id, "admin", w.globex)).status, 404);
  assert.equal((await restore("x_box", id)).status, 200);
});
