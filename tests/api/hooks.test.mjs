// hooks - what the leads plugin's Lua does to a lead on its way into the store.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { scenarios } from "../kit/scenario.mjs";
import { world } from "../kit/world.mjs";

const LEADS = "/api/v1/records/lead";
const w = world();

test("a lead gets its score and the reasons for it", async () => {
  const bare = await w.acme.create("sales1", "lead", { name: "只有名字" });
  const full = await w.acme.create("sales1", "lead", {
    name: "张伟",
    company: "启明软件",
    title: "总经理",
    phones: ["13800138000"],
    emails: ["zhang@example.com"],
    source: "referral",
    estimated_amount: { amount: "500000.00", currency: "CNY" },
  });
  assert.ok(Number.isInteger(bare.score) && Number.isInteger(full.score));
  assert.ok(full.score > bare.score, `${full.score} > ${bare.score}`);
  assert.ok(full.score <= 100);
  assert.ok(full.score_reasons.length > 0);
  const read = await w.acme.ok("sales1", "GET", `${LEADS}/${full.id}`);
  assert.equal(read.score, full.score, "stored, not only told");
});

test("a change scores again", async () => {
  const lead = await w.acme.create("sales1", "lead", { name: "later" });
  const more = { phones: ["13800138001"], emails: ["later@example.com"], company: "x" };
  const patched = await w.acme.ok("sales1", "PATCH", `${LEADS}/${lead.id}`, more);
  assert.ok(patched.score > lead.score, `${patched.score} > ${lead.score}`);
});

const empty = {
  method: "POST",
  path: LEADS,
  as: "sales1",
  body: { source: "website" },
  status: 422,
};
scenarios(w, [
  {
    ...empty,
    name: "a lead nobody could reach is refused, in Chinese",
    headers: { "accept-language": "zh-CN,zh;q=0.9" },
    check: ({ json }) => {
      const texts = Object.values(json.error.fields)
        .flat()
        .map(({ message }) => message);
      assert.ok(texts.length > 0 && texts.every((text) => /[一-龥]/.test(text)), texts.join("|"));
    },
  },
  {
    ...empty,
    name: "a lead nobody could reach is refused, in English",
    headers: { "accept-language": "en" },
    check: ({ json }) => {
      const texts = Object.values(json.error.fields)
        .flat()
        .map(({ message }) => message);
      assert.ok(texts.length > 0 && texts.every((text) => /^[ -~]+$/.test(text)), texts.join("|"));
    },
  },
  {
    ...empty,
    name: "the fields that would help are named",
    check: ({ json }) => {
      const named = Object.keys(json.error.fields).sort();
      assert.deepEqual(named, ["company", "emails", "name", "phones"]);
    },
  },
]);

for (const only of [
  { name: "x" },
  { company: "x" },
  { phones: ["13800138000"] },
  { emails: ["a@example.com"] },
]) {
  test(`${Object.keys(only)[0]} alone is enough for a lead`, async () => {
    const answer = await w.acme.as("sales1", "POST", LEADS, { body: only });
    assert.equal(answer.status, 201, answer.text);
  });
}

test("what makes a lead reachable cannot be taken away", async () => {
  const lead = await w.acme.create("sales1", "lead", { name: "only a name" });
  const answer = await w.acme.as("sales1", "PATCH", `${LEADS}/${lead.id}`, {
    body: { name: null },
  });
  assert.equal(answer.status, 422, answer.text);
  assert.equal((await w.acme.ok("sales1", "GET", `${LEADS}/${lead.id}`)).name, "only a name");
});

test("the same hooks run in bulk", async () => {
  const items = [
    { op: "create", data: { source: "event" } },
    { op: "create", data: { name: "y" } },
  ];
  const answer = await w.acme.as("sales1", "POST", `${LEADS}/bulk`, { body: { items } });
  const fates = answer.json.results.map((result) => result.ok || result.status);
  assert.deepEqual(fates, [422, true], answer.text);
});

test("duplicates are found before a lead is saved", async () => {
  const lead = await w.acme.create("sales1", "lead", { name: "重复", phones: ["13655556666"] });
  const ask = (tenant) =>
    tenant.as("sales1", "POST", `${LEADS}/duplicates`, { body: { phones: ["13655556666"] } });
  const answer = await ask(w.acme);
  assert.equal(answer.status, 200, answer.text);
  const hit = answer.json.items.find((item) => JSON.stringify(item).includes(lead.id));
  assert.ok(hit && hit.score >= 60, answer.text);
  const theirs = await ask(w.globex);
  assert.deepEqual(theirs.json.items, []);
});

test("picking a lead of the pool makes it mine, once", async () => {
  const lead = await w.acme.create("admin", "lead", { name: "free", owner: null });
  const pick = (login) =>
    w.acme.as(login, "POST", `${LEADS}/${lead.id}/actions/pick`, { body: {} });
  const [one, two] = await Promise.all([pick("sales1"), pick("sales2")]);
  const won = [one, two].filter(({ status }) => status === 200);
  assert.equal(won.length, 1, `${one.text} | ${two.text}`);
  const { owner } = await w.acme.ok("admin", "GET", `${LEADS}/${lead.id}`);
  assert.ok([w.acme.users.sales1, w.acme.users.sales2].includes(owner));
  assert.ok([403, 404].includes((await pick("viewer")).status));
  const none = await w.acme.as("sales1", "POST", `${LEADS}/${lead.id}/actions/fly`, { body: {} });
  assert.ok([403, 404].includes(none.status), none.text);
});
