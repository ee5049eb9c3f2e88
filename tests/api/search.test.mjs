// search - names by characters, pinyin and initials, phones by their end; and never a neighbour's.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { query } from "../kit/client.mjs";
import { scenarios } from "../kit/scenario.mjs";
import { world } from "../kit/world.mjs";

const w = world({
  setup: async ({ acme, globex }) => {
    const phones = ["13800138888"];
    w.zhang = await acme.create("sales1", "lead", {
      name: "张伟",
      company: "上海启明软件",
      phones,
    });
    w.shan = await acme.create("sales1", "lead", { name: "单于明", emails: ["shan@example.com"] });
    w.hidden = await acme.create("sales3", "lead", { name: "张三丰", phones: ["13911112222"] });
    w.account = await acme.create("sales1", "account", { name: "张江高科技园区" });
    await acme.create("sales1", "lead", { name: "李娜", company: "北京" });
    await globex.create("sales1", "lead", {
      name: `${globex.mark} 王小明`,
      phones: ["13700137777"],
    });
  },
});

const ids = (json) => json.groups.flatMap((group) => group.items.map((item) => item.id));
const search = (login, q, more = {}) =>
  w.acme.ok(login, "GET", `/api/v1/search${query({ q, ...more })}`);

for (const [q, why] of [
  ["张", "one character"],
  ["张伟", "the whole name"],
  ["zhangwei", "pinyin"],
  ["ZhangWei", "pinyin in any case"],
  ["zw", "initials"],
  ["8888", "the last four digits of the phone"],
  ["13800138888", "the whole phone"],
  ["启明", "a word within the company"],
]) {
  test(`a lead is found by ${why}: ${q}`, async () => {
    assert.ok(ids(await search("sales1", q)).includes(w.zhang.id));
    const listed = await w.acme.ok("sales1", "GET", `/api/v1/records/lead${query({ q })}`);
    assert.ok(
      listed.items.some(({ id }) => id === w.zhang.id),
      "in the list as well",
    );
    const theirs = await w.globex.ok("admin", "GET", `/api/v1/search${query({ q })}`);
    assert.deepEqual(ids(theirs), [], "the other company finds nothing");
  });
}

test("a surname with its own reading is found by it", async () => {
  assert.ok(ids(await search("sales1", "shanyuming")).includes(w.shan.id));
});

test("an e-mail is found by its beginning", async () => {
  assert.ok(ids(await search("sales1", "shan@example")).includes(w.shan.id));
});

test("what is found is grouped by entity and cut by what may be read", async () => {
  const all = await search("admin", "张");
  const entities = all.groups.map(({ entity }) => entity).sort();
  assert.deepEqual(entities, ["account", "lead"]);
  assert.ok(ids(all).includes(w.hidden.id));
  const mine = ids(await search("sales1", "张"));
  assert.ok(mine.includes(w.account.id));
  assert.ok(!mine.includes(w.hidden.id), "a lead of another team");
  const few = await search("admin", "张", { entities: "account" });
  assert.deepEqual(ids(few), [w.account.id]);
});

test("a changed name is found by the new and not by the old", async () => {
  const lead = await w.acme.create("sales1", "lead", { name: "欧阳修" });
  assert.ok(ids(await search("sales1", "欧阳")).includes(lead.id));
  await w.acme.ok("sales1", "PATCH", `/api/v1/records/lead/${lead.id}`, { name: "司马光" });
  assert.ok(!ids(await search("sales1", "欧阳")).includes(lead.id));
  assert.ok(ids(await search("sales1", "司马")).includes(lead.id));
  assert.ok(ids(await search("sales1", "simaguang")).includes(lead.id));
  await w.acme.as("sales1", "DELETE", `/api/v1/records/lead/${lead.id}`);
  assert.ok(!ids(await search("sales1", "司马")).includes(lead.id));
});

test("the neighbour's name, phone and pinyin find nothing here", async () => {
  for (const q of ["王小明", "wangxiaoming", "wxm", "7777", w.globex.mark]) {
    assert.deepEqual(ids(await search("admin", q)), [], q);
  }
});

scenarios(w, [
  { name: "no word finds nothing or is refused", path: "/api/v1/search?q=", status: [200, 422] },
  { name: "an unknown entity", path: "/api/v1/search?q=a&entities=nothing", status: [404, 422] },
  {
    name: "signs are no syntax",
    path: `/api/v1/search${query({ q: '") OR name:* NEAR(' })}`,
    status: 200,
  },
  {
    name: "long words are cut",
    path: `/api/v1/search${query({ q: "张".repeat(700) })}`,
    status: 200,
  },
  { name: "nobody searches", path: "/api/v1/search?q=a", as: null, status: 401 },
]);
