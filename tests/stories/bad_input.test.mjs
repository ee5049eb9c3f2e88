// bad_input - what people and other systems get wrong is told on the right field or in the log, and
// what they had stays for another try.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { must } from "../kit/server.mjs";
import { Target, until } from "../kit/target.mjs";
import { world } from "../kit/world.mjs";

const RECORDS = "/api/v1/records";
const IMPORTS = "/api/v1/imports";
const PLUGINS = ["quotes", "opportunities", "approval", "contracts", "membership", "tickets"];
const w = world({
  env: { PERIGEE_OUTBOUND_PRIVATE: "127.0.0.1" },
  setup: async ({ server }) => {
    for (const plugin of [...PLUGINS, "integrations"])
      must(server.data, ["plugin", "enable", "acme", plugin]);
  },
});
const targets = [];
after(async () => {
  for (const target of targets) await target.stop();
});

const cny = (amount) => ({ amount, currency: "CNY" });
const usd = (amount) => ({ amount, currency: "USD" });
const list = async (entity, filter) => {
  const query = encodeURIComponent(JSON.stringify(filter));
  return (await w.acme.ok("admin", "GET", `${RECORDS}/${entity}?filter=${query}&limit=200`)).items;
};

async function refused(entity, body, field, id) {
  const path = id ? `${RECORDS}/${entity}/${id}` : `${RECORDS}/${entity}`;
  const answer = await w.acme.as("admin", id ? "PATCH" : "POST", path, { body });
  assert.equal(answer.status, 422, answer.text);
  assert.deepEqual(Object.keys(answer.json.error.fields), [field], answer.text);
  const [told] = answer.json.error.fields[field];
  assert.match(told.message, /[\u4e00-\u9fff]/, "a sentence, in the reader's language");
}

test("a column that is unknown, or points at no field", async () => {
  const csv = "姓名,公司,说不清\n王五,某公司,什么\n";
  const made = await w.acme.as("manager", "POST", `${IMPORTS}?entity=lead`, {
    body: csv,
    headers: { "content-type": "text/csv" },
  });
  assert.equal(made.status, 201, made.text);
  const path = `${IMPORTS}/${made.json.id}`;
  const put = (mapping) => w.acme.as("manager", "PUT", `${path}/mapping`, { body: mapping });
  const field = await put({ columns: { 姓名: "name", 公司: "no_such_field" } });
  assert.equal(field.status, 422, field.text);
  assert.ok(JSON.stringify(field.json.error.fields).includes("no_such_field"), field.text);
  const heading = await put({ columns: { 没有这一列: "name" } });
  assert.equal(heading.status, 422, heading.text);
  assert.ok(JSON.stringify(heading.json.error.fields).includes("没有这一列"), heading.text);
  const guessed = await put({});
  assert.deepEqual(guessed.json.left_out, ["说不清"], "what fits no field is named");
  // The upload is still there, and goes through once it is put right.
  assert.equal((await put({ columns: { 姓名: "name", 公司: "company" } })).status, 200);
  await w.acme.ok("manager", "POST", `${path}/run`, {});
  assert.equal((await w.acme.settled("manager", path)).counts.created, 1);
});

test("a value of a file that is none of the choices", async () => {
  const csv = "姓名,公司,来源\n钱一,甲,市场活动\n钱二,乙,EVENT\n钱三,丙,道听途说\n";
  const made = await w.acme.as("manager", "POST", `${IMPORTS}?entity=lead`, {
    body: csv,
    headers: { "content-type": "text/csv" },
  });
  const path = `${IMPORTS}/${made.json.id}`;
  await w.acme.ok("manager", "PUT", `${path}/mapping`, {});
  await w.acme.ok("manager", "POST", `${path}/run`, {});
  const { counts } = await w.acme.settled("manager", path);
  assert.deepEqual([counts.created, counts.failed], [2, 1]);
  const sources = (await list("lead", { company: { in: ["甲", "乙"] } })).map((one) => one.source);
  assert.deepEqual(sources, ["event", "event"], "known by its label, or in capitals");
  const { text } = await w.acme.as("manager", "GET", `${path}/errors.csv`);
  assert.match(text, /钱三.*道听途说.*官网/, text);
});

test("a calendar without working time", async () => {
  const week = { mon: ["09:00-12:00", "13:30-18:00"] };
  const { id } = await w.acme.create("admin", "calendar", { name: "工作日", week });
  await refused("calendar", { name: "空", week: {} }, "week");
  await refused("calendar", { name: "空", week: { mon: [] } }, "week");
  await refused("calendar", { week: { mon: ["12:00-09:00"] } }, "week", id);
  await refused("calendar", { days: { "2026-13-01": [] } }, "days", id);
  await refused("calendar", { zone: "Mars/Phobos" }, "zone", id);
  const kept = await w.acme.ok("admin", "GET", `${RECORDS}/calendar/${id}`);
  assert.deepEqual([kept.week, kept.version], [week, 1]);
});

test("money of another currency", async () => {
  const account = (await w.acme.create("admin", "account", { name: `外币 ${w.acme.mark}` })).id;
  const contract = await w.acme.create("admin", "contract", {
    name: "合同",
    account,
    total: cny("100.00"),
  });
  const plan = { contract: contract.id, due_on: "2027-01-31", amount: usd("50.00") };
  await refused("payment_plan", plan, "amount");
  await refused("contract", { discount: usd("5.00") }, "discount", contract.id);
  await refused("receipt", { contract: contract.id, amount: usd("1.00") }, "amount");
  const deal = await w.acme.create("admin", "opportunity", { name: "商机", account });
  const line = { opportunity: deal.id, name: "甲", quantity: "1" };
  await w.acme.create("admin", "opportunity_line", { ...line, price: cny("10.00") });
  await refused("opportunity_line", { ...line, price: usd("10.00") }, "price");
  const after = await w.acme.ok("admin", "GET", `${RECORDS}/opportunity/${deal.id}`);
  assert.deepEqual([after.amount.amount, after.amount.currency], ["10.00", "CNY"]);
  const program = await w.acme.create("admin", "program", { name: "会员", points_per_unit: "1" });
  const member = await w.acme.create("admin", "member", { name: "张三", program: program.id });
  const rule = { name: "翻倍", program: program.id, kind: "multiply", multiplier: "2" };
  for (const match of ["tea", ["tea"], { category: 5 }, { category: [] }, { colour: "red" }])
    await refused("earning_rule", { ...rule, match }, "match");
  const doubled = await w.acme.create("admin", "earning_rule", {
    ...rule,
    match: { category: ["tea", "coffee"], store: "总店" },
  });
  assert.equal(doubled.active, true);
  const bought = { number: "X1", member: member.id, bought_on: "2026-11-01" };
  await refused("purchase", { ...bought, amount: usd("10.00") }, "amount");
  const kept = await w.acme.ok("admin", "GET", `${RECORDS}/member/${member.id}`);
  assert.equal(kept.balance, 0);
});

test("a webhook's target that hangs, and one that points inward", async () => {
  let hangs = true;
  const target = await new Target(() => (hangs ? null : 200)).start();
  targets.push(target);
  const config = "/api/v1/admin/plugins/integrations/config";
  await w.acme.ok("admin", "PUT", config, { allow_http: true });
  const hook = (name, url) => ({
    name,
    url,
    secret: "a-secret-of-thirty-two-characters",
    entities: ["account"],
    events: ["create"],
  });
  await refused("webhook", hook("内网", "http://10.0.0.1/"), "url");
  await refused("webhook", hook("本机", "http://[::ffff:10.0.0.1]/"), "url");
  const url = `http://127.0.0.1:${target.port}/`;
  const slow = await w.acme.create("admin", "webhook", hook("挂起", url));
  const account = await w.acme.create("admin", "account", { name: `推送 ${w.acme.mark}` });
  const [waiting] = await until("the hang is in the log", async () => {
    const found = await list("delivery", { webhook: slow.id, tries: { gte: 1 } });
    return found.length && found;
  });
  assert.equal(waiting.state, "waiting", "it is kept for another try");
  assert.match(waiting.error, /./);
  hangs = false;
  const replay = `${RECORDS}/delivery/${waiting.id}/actions/replay`;
  assert.equal((await w.globex.as("admin", "POST", replay, { body: {} })).status, 404);
  assert.ok([403, 404].includes((await w.acme.as("sales1", "POST", replay, { body: {} })).status));
  await w.acme.ok("admin", "POST", replay, {});
  await until("it has arrived", async () => {
    const [now] = await list("delivery", { id: waiting.id });
    return now.state === "sent";
  });
  assert.equal((await w.acme.ok("admin", "GET", `${RECORDS}/account/${account.id}`)).version, 1);
});

test("a condition that nothing can be asked by", async () => {
  const match = { no_such_field: 1 };
  await refused("sla_policy", { name: "错", match }, "match");
  await refused("route_rule", { name: "错", match }, "match");
  await refused("recycle_rule", { name: "错", match }, "match");
  await refused("segment", { name: "错", of: "account", filter: match }, "filter");
  const { id, version } = await w.acme.create("admin", "route_rule", {
    name: "对",
    match: { source: "website" },
  });
  await refused("route_rule", { match }, "match", id);
  const kept = await w.acme.ok("admin", "GET", `${RECORDS}/route_rule/${id}`);
  assert.deepEqual([kept.version, kept.match], [version, { source: "website" }]);
  await w.acme.create("sales1", "lead", { name: "线索照样进来" });
});

test("a form of the web site that is filled in badly", async () => {
  const send = (body) => w.acme.as(null, "POST", "/api/v1/x/leads/web", { body });
  for (const [body, field] of [
    [{}, "name"],
    [{ name: "赵六", phone: "12" }, "phone"],
    [{ name: "赵六", email: "nobody" }, "email"],
    [{ name: "赵六", colour: "red" }, "colour"],
  ]) {
    const answer = await send(body);
    assert.equal(answer.status, 422, answer.text);
    assert.deepEqual(Object.keys(answer.json.error.fields), [field]);
    assert.doesNotMatch(answer.text, /VALIDATION|phones|emails/, "as the form calls it");
    const [told] = answer.json.error.fields[field];
    assert.match(told.code, /^[\w.:]+$/, "a code, not a sentence");
    assert.equal(told.args, undefined, "nothing that the sentence does not name");
  }
  assert.equal((await send({ name: "赵六", phone: "13900002222" })).status, 202);
});
