// search_all - one search over the entities of every plugin: each by its own rules, nothing else.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { query } from "../kit/client.mjs";
import { everyPlugin, PASSWORD, world } from "../kit/world.mjs";

const MADE = {
  account: { name: "灯塔科技" },
  contact: { name: "灯塔王" },
  product: { name: "灯塔一号", code: "LH-1" },
  opportunity: { name: "灯塔项目" },
  ticket: { subject: "灯塔不亮", priority: "normal" },
  article: { title: "灯塔手册", body: "<p>灯</p>", audience: "internal" },
};
const made = {};

const w = world({
  plugins: everyPlugin(),
  setup: async ({ acme, globex }) => {
    for (const [entity, body] of Object.entries(MADE)) {
      made[entity] = (await acme.create("admin", entity, body)).id;
    }
    const hidden = { name: "灯塔池", hidden_fields: ["phones"], admins: [acme.users.manager] };
    made.pool = (await acme.create("admin", "pool", hidden)).id;
    const lead = (login, phone, more) =>
      acme.create(login, "lead", { name: "灯塔守望", phones: [phone], ...more });
    made.own = (await lead("sales1", "13800007654")).id;
    made.other = (await lead("sales3", "13900007654")).id;
    made.pooled = (await lead("admin", "13700007654", { pool: made.pool })).id;
    const greeter = { login: "greeter", name: "Greeter", roles: ["greeter"], password: PASSWORD };
    await acme.ok("admin", "POST", "/api/v1/admin/users", greeter);
    for (const [entity, body] of Object.entries(MADE)) {
      await globex.create("admin", entity, { ...body });
    }
  },
});

const search = (login, q, more = {}) =>
  w.acme.ok(login, "GET", `/api/v1/search${query({ q, ...more })}`);
const group = (found, entity) => found.groups.find((each) => each.entity === entity);
const ids = (found, entity) => (group(found, entity)?.items ?? []).map(({ id }) => id);

test("one search finds what every plugin has, by word, pinyin and initials", async () => {
  for (const q of ["灯塔", "dengta", "dt"]) {
    const found = await search("admin", q);
    for (const entity of Object.keys(MADE)) {
      assert.deepEqual(ids(found, entity), [made[entity]], `${q} in ${entity}`);
    }
    assert.deepEqual(ids(found, "pool"), [made.pool]);
    assert.deepEqual(ids(found, "lead"), [made.pooled, made.other, made.own], "newest first");
    const named = found.groups.map(({ entity }) => entity);
    assert.equal(new Set(named).size, named.length, "each entity once");
    assert.ok(found.groups.every(({ items }) => items.length > 0));
  }
});

test("who was typed whole comes before newer ones that only begin so", async () => {
  const create = (name, phone) => w.acme.create("admin", "lead", { name, phones: [phone] });
  const wanted = await create("钱卫", "13800005566");
  for (let i = 10; i < 32; i++) await create("钱卫明", `138556600${i}`);
  for (const q of ["qw", "QW", "钱卫", "qianwei", "5566"]) {
    const found = await search("admin", q, { entities: "lead" });
    assert.equal(ids(found, "lead")[0], wanted.id, q);
    assert.equal(ids(found, "lead").length, 20);
    assert.equal(new Set(ids(found, "lead")).size, 20, "each once");
    assert.equal(group(found, "lead").more, true);
  }
  const theirs = await w.globex.ok("admin", "GET", `/api/v1/search${query({ q: "qw" })}`);
  assert.deepEqual(theirs.groups, []);
});

test("the same words of another company are its own", async () => {
  const theirs = await w.globex.ok("admin", "GET", `/api/v1/search${query({ q: "灯塔" })}`);
  const mine = Object.values(made);
  assert.deepEqual(
    theirs.groups.map(({ entity }) => entity).sort(),
    Object.keys(MADE).sort(),
    "no lead and no pool",
  );
  for (const { items } of theirs.groups) assert.ok(items.every(({ id }) => !mine.includes(id)));
});

test("row rules hold for each entity: another team's lead is not found", async () => {
  const found = await search("sales1", "灯塔");
  assert.deepEqual(ids(found, "lead"), [made.pooled, made.own]);
  for (const { entity, items } of found.groups) {
    for (const { id } of items) {
      const got = await w.acme.as("sales1", "GET", `/api/v1/records/${entity}/${id}`);
      assert.equal(got.status, 200, `${entity} may be read too`);
    }
  }
});

test("who may read nothing of it finds nothing, and no entity is named", async () => {
  assert.deepEqual(await search("greeter", "灯塔"), { groups: [] });
  const nobody = await w.acme.as(null, "GET", `/api/v1/search${query({ q: "灯塔" })}`);
  assert.equal(nobody.status, 401);
});

test("a field that is hidden on some rows finds only the others", async () => {
  assert.deepEqual(ids(await search("sales1", "7654"), "lead"), [made.own]);
  const looked = await search("manager", "7654");
  assert.deepEqual(ids(looked, "lead"), [made.pooled, made.own], "who looks after the pool");
  const shown = group(await search("sales1", "灯塔"), "lead").items;
  assert.equal(shown.find(({ id }) => id === made.pooled).phones ?? null, null);
  assert.deepEqual(ids(await search("sales1", "灯塔 7654"), "lead"), [made.own], "in two fields");
  assert.deepEqual(ids(await search("sales1", "灯塔 9999"), "lead"), []);
});

test("pages of a search go on where they ended, each record once", async () => {
  for (const q of ["灯塔", "7654"]) {
    const seen = [];
    for (let cursor = ""; cursor !== null; ) {
      const path = `/api/v1/records/lead${query({ q, limit: 1, ...(cursor && { cursor }) })}`;
      const page = await w.acme.ok("manager", "GET", path);
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.next;
    }
    const whole = await w.acme.ok("manager", "GET", `/api/v1/records/lead${query({ q })}`);
    assert.deepEqual(
      seen,
      whole.items.map(({ id }) => id),
      q,
    );
    assert.equal(new Set(seen).size, seen.length);
    const sorted = `/api/v1/records/lead${query({ q, sort: "created_at", count: "true" })}`;
    const others = await w.acme.ok("manager", "GET", sorted);
    assert.deepEqual(others.items.map(({ id }) => id).sort(), [...seen].sort(), "in any order");
    assert.equal(others.count, seen.length);
  }
});

test("what is deleted is not found, and found again when it is back", async () => {
  const path = `/api/v1/records/product/${made.product}`;
  await w.acme.as("admin", "DELETE", path);
  assert.equal(group(await search("admin", "灯塔"), "product"), undefined);
  await w.acme.ok("admin", "POST", `${path}/restore`, {});
  assert.deepEqual(ids(await search("admin", "灯塔"), "product"), [made.product]);
});

test("words that stand nowhere, or each in another record, find nothing", async () => {
  for (const q of ["无影无踪", "灯塔 zzz", "手册 不亮", "x"]) {
    assert.deepEqual(await search("admin", q), { groups: [] }, q);
  }
  assert.deepEqual(ids(await search("admin", "灯塔", { entities: "contact" }), "account"), []);
});
