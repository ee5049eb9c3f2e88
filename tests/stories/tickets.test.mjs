// tickets - a service desk answers its customers, and its clocks count working time only.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { checkDamaged, hasSqlite } from "../kit/damage.mjs";
import { bundle, packed } from "../kit/pack.mjs";
import { command, DATASETS, must, ROOT } from "../kit/server.mjs";
import { PASSWORD, world } from "../kit/world.mjs";

const RECORDS = "/api/v1/records";
const w = world({
  setup: async ({ server }) => {
    for (const name of ["acme", "globex"]) must(server.data, ["plugin", "enable", name, "tickets"]);
  },
});

const MINUTE = 60e3;
const OFFICE = ["09:00-12:00", "13:30-18:00"];
const WEEK = Object.fromEntries(["mon", "tue", "wed", "thu", "fri"].map((day) => [day, OFFICE]));

/** Is it working time in Shanghai? Minute by minute: slow and obvious. */
function isOpen(ms, holidays) {
  const local = new Date(ms + 8 * 3600e3);
  if (holidays.includes(local.toISOString().slice(0, 10))) return false;
  const day = local.getUTCDay();
  const minute = local.getUTCHours() * 60 + local.getUTCMinutes();
  return (
    day >= 1 && day <= 5 && ((minute >= 540 && minute < 720) || (minute >= 810 && minute < 1080))
  );
}

function slowDue(from, minutes, holidays) {
  let at = from;
  for (let left = minutes; left > 0; at += MINUTE) if (isOpen(at, holidays)) left--;
  return at;
}

const act = (tenant, login, entity, id, action, body = {}) =>
  tenant.as(login, "POST", `${RECORDS}/${entity}/${id}/actions/${action}`, { body });

async function done(tenant, id, action, body) {
  const answer = await act(tenant, "admin", "ticket", id, action, body);
  assert.equal(answer.status, 200, `${action}: ${answer.text}`);
  return answer.json;
}

async function refused(tenant, id, action, body, field) {
  const answer = await act(tenant, "admin", "ticket", id, action, body);
  assert.equal(answer.status, 422, `${action}: ${answer.text}`);
  assert.deepEqual(Object.keys(answer.json.error.fields), [field]);
}

const read = (tenant, id) => tenant.ok("admin", "GET", `${RECORDS}/ticket/${id}`);
const open = (tenant, subject, more = {}) =>
  tenant.create("admin", "ticket", { subject, ...more }).then(({ id }) => id);

async function clock(tenant, id, kind) {
  const { clocks } = await done(tenant, id, "clocks");
  return clocks.filter((one) => one.kind === kind).at(-1);
}

async function messages(tenant, id) {
  const { items } = await tenant.ok("admin", "GET", `${RECORDS}/ticket_message?ticket=${id}`);
  return items;
}

const write = (tenant, ticket, body, more = {}) =>
  tenant.create("admin", "ticket_message", { ticket, body, direction: "customer", ...more });

test("the service desk of two companies", async (t) => {
  const { acme, globex } = w;
  const holidays = ["2026-10-01", "2026-10-02"];
  const days = Object.fromEntries(holidays.map((day) => [day, []]));
  let calendar, policy;

  await t.test("hours that cannot be counted with are refused on their field", async () => {
    for (const [body, field] of [
      [{ week: { mon: ["9-12"] } }, "week"],
      [{ week: {} }, "week"],
      [{ week: WEEK, days: { "2026-02-30": [] } }, "days"],
      [{ week: WEEK, zone: "Moon/Base" }, "zone"],
    ]) {
      const answer = await acme.as("admin", "POST", `${RECORDS}/calendar`, {
        body: { name: "x", ...body },
      });
      assert.equal(answer.status, 422, answer.text);
      assert.deepEqual(Object.keys(answer.json.error.fields), [field]);
    }
    for (const [lang, said] of [
      ["zh-CN", "工作时间有误：周一：时段写作 09:00-18:00。"],
      ["en", "These hours cannot be counted with: Monday: a range is written 09:00-18:00"],
    ]) {
      const { json } = await acme.as("admin", "POST", `${RECORDS}/calendar`, {
        body: { name: "x", week: { mon: ["9-12"] } },
        headers: { "accept-language": lang },
      });
      assert.equal(json.error.fields.week[0].message, said);
    }
  });

  await t.test("a company says what it promises to whom", async () => {
    const office = { name: "办公时间", zone: "Asia/Shanghai", week: WEEK, days };
    calendar = (await acme.create("admin", "calendar", office)).id;
    const own = { calendar, order: 10, match: { type: "complaint" } };
    policy = (await acme.create("admin", "sla_policy", { name: "投诉", ...own })).id;
    const targets = { first_response: 60, next_response: 120, resolution: 480 };
    for (const priority of ["normal", "high"]) {
      const target = { policy, priority, ...targets, resolution: priority === "high" ? 240 : 480 };
      await acme.create("admin", "sla_target", target);
    }
  });

  await t.test("deadlines agree with counting minute by minute", async () => {
    let seed = 7;
    for (let round = 0; round < 25; round++) {
      seed = (seed * 48271) % 2147483647;
      const at = Date.UTC(2026, 8, 21) + (seed % (20 * 1440)) * MINUTE;
      const received_at = new Date(at).toISOString();
      const id = await open(acme, `投诉 ${round}`, { type: "complaint", received_at });
      const due = (one) => Date.parse(one.due_at);
      assert.equal(due(await clock(acme, id, "first_response")), slowDue(at, 60, holidays));
      assert.equal(due(await clock(acme, id, "resolution")), slowDue(at, 480, holidays));
      const ticket = await read(acme, id);
      assert.equal(Date.parse(ticket.due_at), slowDue(at, 60, holidays));
      assert.equal(ticket.sla_state, "breached");
      assert.equal(ticket.raised_outside_hours, !isOpen(at, holidays));
    }
  });

  await t.test("what nobody promised has no clock", async () => {
    const ticket = await read(acme, await open(acme, "请问营业时间"));
    assert.deepEqual([ticket.sla_policy, ticket.due_at, ticket.sla_state], [null, null, null]);
  });

  await t.test("an answer meets the first clock; the customer's next starts another", async () => {
    const id = await open(acme, "漏水", { type: "complaint" });
    assert.equal((await clock(acme, id, "first_response")).state, "running");
    await done(acme, id, "note", { body: "只给同事看" });
    assert.equal((await clock(acme, id, "first_response")).state, "running");
    await done(acme, id, "reply", { body: "我们马上处理。", status: "waiting_customer" });
    assert.equal((await clock(acme, id, "first_response")).state, "met");
    assert.equal((await clock(acme, id, "resolution")).state, "paused");
    const waiting = await read(acme, id);
    assert.deepEqual(
      [waiting.status, waiting.due_at, waiting.sla_state],
      ["waiting_customer", null, "paused"],
    );
    await write(acme, id, "还在漏");
    const again = await read(acme, id);
    assert.equal(again.status, "open");
    assert.equal((await clock(acme, id, "next_response")).state, "running");
    assert.equal((await clock(acme, id, "resolution")).state, "running");
    await done(acme, id, "reply", { body: "师傅已出发。" });
    assert.equal((await clock(acme, id, "next_response")).state, "met");
    const { items } = await acme.ok("admin", "GET", `${RECORDS}/ticket_pause?ticket=${id}`);
    assert.equal(items.length, 1);
    assert.ok(items[0].to_at);
  });

  await t.test("another priority keeps what was used and moves the deadline", async () => {
    const received_at = "2026-11-02T01:00:00Z"; // a Monday, nine o'clock
    const id = await open(acme, "换优先级", { type: "complaint", received_at });
    const before = await clock(acme, id, "resolution");
    await acme.ok("admin", "PATCH", `${RECORDS}/ticket/${id}`, { priority: "high" });
    const after = await clock(acme, id, "resolution");
    assert.deepEqual([before.target_minutes, after.target_minutes], [480, 240]);
    assert.equal(after.started_at, before.started_at);
    assert.equal(Date.parse(after.due_at), slowDue(Date.parse(received_at), 240, holidays));
  });

  await t.test("back from the bin its clocks are those of now", async () => {
    const received_at = "2026-11-02T01:00:00Z";
    const due = async (id) => {
      const path = `${RECORDS}/ticket_clock?ticket=${id}&kind=resolution`;
      return Date.parse((await acme.ok("admin", "GET", path)).items[0].due_at);
    };
    const id = await open(acme, "误删的投诉", { type: "complaint", received_at });
    const beside = await open(acme, "没删的投诉", { type: "complaint", received_at });
    const before = await due(id);
    assert.equal(before, slowDue(Date.parse(received_at), 480, holidays));
    await acme.ok("admin", "DELETE", `${RECORDS}/ticket/${id}`);
    const more = [...holidays, "2026-11-02", "2026-11-03"];
    const off = (list) => ({ days: Object.fromEntries(list.map((day) => [day, []])) });
    await acme.ok("admin", "PATCH", `${RECORDS}/calendar/${calendar}`, off(more));
    const after = slowDue(Date.parse(received_at), 480, more);
    for (let tries = 0; (await due(beside)) !== after; tries += 1) {
      assert.ok(tries < 1500, "the ticket beside it follows the calendar");
      await new Promise((next) => setTimeout(next, 20));
    }
    await acme.ok("admin", "POST", `${RECORDS}/ticket/${id}/restore`, {});
    assert.ok(after > before);
    assert.equal(await due(id), after);
    const ticket = await read(acme, id);
    assert.equal(Date.parse(ticket.due_at), Date.parse((await read(acme, beside)).due_at));
    assert.equal((await clock(acme, id, "resolution")).state, "running");
    await acme.ok("admin", "PATCH", `${RECORDS}/calendar/${calendar}`, off(holidays));
    for (let tries = 0; (await due(id)) !== before; tries += 1) {
      assert.ok(tries < 1500, "and it follows the next change");
      await new Promise((next) => setTimeout(next, 20));
    }
    // The others follow in the same job, a batch after the other.
    for (let tries = 0; w.server.command(["check", "acme"]).status !== 0; ) {
      assert.ok((tries += 1) < 300, "every clock agrees in the end");
      await new Promise((next) => setTimeout(next, 100));
    }
  });

  await t.test("solving ends every clock, reopening goes on with the same", async () => {
    const id = await open(acme, "打不开", { type: "complaint" });
    await done(acme, id, "resolve", { resolution: "已更换" });
    const solved = await read(acme, id);
    assert.deepEqual([solved.status, solved.kind, solved.due_at], ["resolved", "resolved", null]);
    assert.equal((await clock(acme, id, "resolution")).state, "met");
    await refused(acme, id, "resolve", {}, "status");
    await write(acme, id, "又坏了");
    const back = await read(acme, id);
    assert.deepEqual([back.status, back.reopen_count, back.resolved_at], ["open", 1, null]);
    const { clocks } = await done(acme, id, "clocks");
    const solution = clocks.filter(({ kind }) => kind === "resolution");
    assert.deepEqual([solution.length, solution[0].state], [1, "running"]);
  });

  await t.test("every clock is told interval by interval", async () => {
    const received_at = "2026-09-30T09:00:00Z"; // an hour before the holidays
    const id = await open(acme, "明细", { type: "complaint", received_at });
    await done(acme, id, "resolve", {});
    const { intervals, worked_minutes } = await clock(acme, id, "resolution");
    assert.equal(intervals[0].from, "2026-09-30T09:00:00.000Z");
    assert.equal(intervals[0].to, "2026-09-30T10:00:00.000Z");
    assert.equal(intervals[1].from, "2026-10-05T01:00:00.000Z");
    const sum = intervals.reduce((total, { minutes }) => total + minutes, 0);
    assert.ok(Math.abs(sum - worked_minutes) <= intervals.length);
  });

  await t.test("what was turned away keeps no clock and is not merged", async () => {
    const id = await open(acme, "广告", { type: "complaint" });
    await acme.ok("admin", "PATCH", `${RECORDS}/ticket/${id}`, { status: "rejected" });
    const says = { ticket: id, direction: "customer", body: "为什么" };
    await acme.create("admin", "ticket_message", says);
    const clocks = await acme.ok("admin", "GET", `${RECORDS}/ticket_clock?ticket=${id}&limit=50`);
    assert.ok(clocks.items.every(({ met_at, stopped_at }) => met_at || stopped_at));
    await refused(acme, id, "merge", { into: await open(acme, "别的") }, "status");
  });

  await t.test(
    "messages to a merged ticket land on the one that is left; it can be undone",
    async () => {
      const [a, b] = [await open(acme, "甲"), await open(acme, "乙")];
      await write(acme, a, "第一条");
      await done(acme, a, "merge", { into: b });
      await refused(acme, a, "merge", { into: b }, "status");
      await refused(acme, b, "merge", { into: a }, "into");
      await write(acme, a, "第二条");
      assert.deepEqual(
        (await messages(acme, b)).map(({ came_from }) => came_from),
        [a, a],
      );
      await refused(acme, a, "note", { body: "x" }, "status");
      const edit = { body: { subject: "改" } };
      assert.equal((await acme.as("admin", "PATCH", `${RECORDS}/ticket/${a}`, edit)).status, 422);
      await done(acme, a, "unmerge");
      assert.equal((await messages(acme, a)).length, 2);
      assert.equal((await messages(acme, b)).length, 0);
    },
  );

  await t.test("one ticket becomes two, and the messages say where they came from", async () => {
    const owner = acme.users.sales1; // who is in a team
    const id = await open(acme, "两件事", { owner });
    const one = await write(acme, id, "第一件");
    const two = await write(acme, id, "第二件");
    await refused(acme, id, "split", { subject: "x", messages: [] }, "messages");
    await refused(acme, id, "split", { messages: [two.id] }, "subject");
    const { ticket } = await done(acme, id, "split", { subject: "第二件", messages: [two.id] });
    assert.deepEqual(
      (await messages(acme, id)).map((m) => m.id),
      [one.id],
    );
    assert.equal((await messages(acme, ticket))[0].came_from, id);
    const part = await read(acme, ticket);
    assert.deepEqual([part.split_from, part.owner], [id, owner]);
  });

  await t.test("the same mail is never taken in twice", async () => {
    const id = await open(acme, "邮件");
    await write(acme, id, "正文", { message_id: "<1@example.com>" });
    const again = await acme.as("admin", "POST", `${RECORDS}/ticket_message`, {
      body: { ticket: id, body: "正文", direction: "customer", message_id: "<1@example.com>" },
    });
    assert.equal(again.status, 409);
  });

  await t.test("a parameter that an operation does not take is refused by its name", async () => {
    const id = await open(acme, "笔误");
    const wrong = { body: "您好", minuts: 5 };
    const answer = await act(acme, "admin", "ticket", id, "reply", wrong);
    assert.equal(answer.status, 422, answer.text);
    assert.match(answer.json.error.fields.minuts[0].message, /minutes/);
    await refused(acme, id, "resolve", { colour: 1 }, "colour");
    assert.deepEqual([(await read(acme, id)).status, await messages(acme, id)], ["new", []]);
  });

  await t.test("knowledge keeps every version", async () => {
    const body = { title: "如何退货", body: "<p>七天内</p>" };
    const { id } = await acme.create("admin", "article", body);
    await acme.ok("admin", "PATCH", `${RECORDS}/article/${id}`, { body: "<p>十五天内</p>" });
    await acme.ok("admin", "PATCH", `${RECORDS}/article/${id}`, { state: "published" });
    const { items } = await acme.ok(
      "admin",
      "GET",
      `${RECORDS}/article_version?article=${id}&sort=version_no`,
    );
    assert.deepEqual(
      items.map(({ version_no }) => version_no),
      [1, 2],
    );
  });

  const X = "/api/v1/x/tickets";
  const nobody = (tenant, method, path, body) => tenant.as(null, method, X + path, { body });
  let token;

  const NOTES =
    "Internal notes never reach the customer: not by mail, portal, search, export or webhook.";
  await t.test(NOTES, async () => {
    const body = { email: "li@example.com", subject: "门户", body: "打不开" };
    const asked = await nobody(acme, "POST", "/requests", body);
    assert.equal(asked.status, 201, asked.text);
    ({ token } = asked.json);
    const { items } = await acme.ok("admin", "GET", `${RECORDS}/ticket?subject=门户`);
    const [{ id }] = items;
    await done(acme, id, "note", { body: "内部秘密" });
    await done(acme, id, "reply", { body: "请重启。" });
    const answer = await nobody(acme, "POST", "/answers", { token, body: "好了" });
    assert.equal(answer.status, 201, answer.text);
    const seen = await nobody(acme, "GET", `/progress?token=${token}`);
    assert.deepEqual(
      seen.json.messages.map(({ body: text }) => text),
      ["请重启。", "好了"],
    );
    assert.ok(!seen.text.includes("内部秘密"));
    const found = await nobody(acme, "GET", `/articles?q=${encodeURIComponent("内部秘密")}`);
    assert.deepEqual(found.json.items, []);
    for (const path of ["search?q=内部秘密", "records/ticket_message", "changes"]) {
      assert.equal((await acme.as(null, "GET", `/api/v1/${path}`)).status, 401, path);
    }
    const sent = await acme.ok("admin", "GET", "/api/v1/admin/mail/letters");
    assert.ok(!JSON.stringify(sent).includes("内部秘密"));
    // Webhooks are told of events, which name records and hold none of their words.
    const log = await acme.ok("admin", "GET", "/api/v1/changes?limit=200");
    assert.ok(!JSON.stringify(log).includes("内部秘密"));
    assert.equal((await nobody(globex, "GET", `/progress?token=${token}`)).status, 422);
    for (const bad of ["", "x", "0".repeat(32), "' or 1=1"]) {
      const found = await nobody(acme, "GET", `/progress?token=${encodeURIComponent(bad)}`);
      assert.equal(found.status, 422, found.text);
    }
  });

  await t.test("a form asks what its type needs, of customers and of agents", async () => {
    const form = await acme.create("admin", "ticket_form", { name: "退款", type: "refund" });
    const own = { form: form.id, portal: true };
    const ask = (fields) => acme.create("admin", "ticket_form_field", { ...own, ...fields });
    await ask({ field: "serial", required: true, label: "机身号" });
    await ask({ field: "priority" });
    await ask({ field: "category" });
    const level = { name: "x_level", type: "enum", values: ["gold"], label: "级别" };
    const document = { entities: [{ extend: "ticket", fields: [level] }] };
    await acme.ok("admin", "PUT", "/api/v1/admin/customization/draft", { document });
    await acme.ok("admin", "POST", "/api/v1/admin/customization/publish", {});
    await ask({ field: "x_level" });
    const agents = await acme.ok("admin", "GET", `${X}/asked`);
    const [told] = agents.items;
    assert.deepEqual([told.when, told.label], [{ type: "refund" }, "退款"]);
    assert.deepEqual(told.fields[0], {
      name: "serial",
      label: "机身号",
      required_when: { channel: { ne: "mail" } },
    });
    assert.deepEqual(await globex.ok("admin", "GET", `${X}/asked`), { items: [] });
    const greeter = { login: "asked.not", name: "迎宾", roles: ["greeter"], password: PASSWORD };
    await acme.ok("admin", "POST", "/api/v1/admin/users", greeter);
    assert.equal((await acme.as(greeter.login, "GET", `${X}/asked`)).status, 403);
    assert.equal((await acme.as(null, "GET", `${X}/asked`)).status, 401);
    const { items } = (await nobody(acme, "GET", "/forms")).json;
    const [serial, priority, category, mine] = items[0].fields;
    assert.ok(category.choices.some(({ value, label }) => value === "billing" && label !== value));
    assert.deepEqual([mine.label, mine.choices[0].value], ["级别", "gold"]);
    assert.deepEqual([items[0].type, serial.label, serial.required], ["refund", "机身号", true]);
    assert.ok(priority.choices.some(({ value, label }) => value === "urgent" && label !== value));
    assert.deepEqual((await nobody(globex, "GET", "/forms")).json.items, []);
    const body = { email: "li@example.com", subject: "退款单", body: "x", type: "refund" };
    for (const [fields, field] of [
      [undefined, "serial"],
      [{ serial: "" }, "serial"],
      [{ serial: 7 }, "serial"],
      [{ serial: "S1", priority: "never" }, "priority"],
      ["S1", "fields"],
    ]) {
      const wrong = await nobody(acme, "POST", "/requests", { ...body, fields });
      assert.equal(wrong.status, 422, wrong.text);
      assert.deepEqual(Object.keys(wrong.json.error.fields), [field]);
    }
    const found = () => acme.ok("admin", "GET", `${RECORDS}/ticket?subject=退款单`);
    assert.deepEqual((await found()).items, []);
    const said = { serial: "S1", priority: "high", category: "billing", x_level: "gold" };
    const fields = { ...said, owner: "me", status: "closed" };
    const taken = await nobody(acme, "POST", "/requests", { ...body, fields });
    assert.equal(taken.status, 201, taken.text);
    const [made] = (await found()).items;
    assert.deepEqual([made.serial, made.priority, made.status], ["S1", "high", "new"]);
    assert.deepEqual([made.form, made.owner], [form.id, null]);
    assert.deepEqual([made.category, made.x_level], ["billing", "gold"]);
    const agent = { subject: "x", type: "refund" };
    const refused = await acme.as("admin", "POST", `${RECORDS}/ticket`, { body: agent });
    assert.deepEqual(Object.keys(refused.json.error.fields), ["serial"]);
    for (const [tenant, login, status] of [
      [acme, "sales1", 404],
      [globex, "admin", 404],
    ]) {
      const path = `${RECORDS}/ticket_form/${form.id}`;
      const answer = await tenant.as(login, "PATCH", path, { body: { active: false } });
      assert.equal(answer.status, status, answer.text);
    }
  });

  await t.test("what nobody has goes round among those who take requests", async () => {
    const path = "/api/v1/admin/plugins/tickets/config";
    const config = await acme.ok("admin", "GET", path);
    const settings = { ...config, dispatch: "round_robin", dispatch_role: "sales" };
    await acme.ok("admin", "PUT", path, settings);
    const owners = [];
    for (const nth of ["一", "二", "三"]) {
      const id = await open(acme, `轮流 ${nth}`, { owner: null });
      owners.push((await read(acme, id)).owner);
    }
    assert.equal(new Set(owners).size, 3, "each time somebody else's turn");
    const sellers = [acme.users.sales1, acme.users.sales2, acme.users.sales3];
    assert.ok(owners.every((one) => sellers.includes(one)), owners.join());
    const over = await open(acme, "早已完结", { owner: null, status: "closed" });
    assert.equal((await read(acme, over)).owner, null);
    await acme.ok("admin", "PUT", path, config);
  });

  await t.test("programs that fill in the hidden field are thanked for nothing", async () => {
    const body = { email: "bot@example.com", subject: "中奖通知", body: "x", website: "http://x" };
    const asked = await nobody(acme, "POST", "/requests", body);
    assert.deepEqual([asked.status, Object.keys(asked.json).sort()], [201, ["taken", "token"]]);
    const { items } = await acme.ok("admin", "GET", `${RECORDS}/ticket?subject=中奖通知`);
    assert.deepEqual(items, []);
    for (const [more, field] of [
      [{ email: "x" }, "email"],
      [{ subject: " " }, "subject"],
      [{ body: "" }, "body"],
    ]) {
      const wrong = await nobody(acme, "POST", "/requests", {
        ...body,
        website: undefined,
        ...more,
      });
      assert.equal(wrong.status, 422, wrong.text);
      assert.deepEqual(Object.keys(wrong.json.error.fields), [field]);
      if (more.email) assert.match(wrong.json.error.fields.email[0].message, /邮箱/);
    }
  });

  await t.test("whoever has the link rates once solved, and may change it", async () => {
    const early = await nobody(acme, "POST", "/rate", { token, score: 5 });
    assert.equal(early.status, 422);
    const { items } = await acme.ok("admin", "GET", `${RECORDS}/ticket?subject=门户`);
    await done(acme, items[0].id, "resolve", { minutes: 12 });
    for (const score of [0, 6]) {
      assert.equal((await nobody(acme, "POST", "/rate", { token, score })).status, 422);
    }
    for (const score of [2, 4]) {
      const rated = await nobody(acme, "POST", "/rate", { token, score, text: "还行" });
      assert.equal(rated.status, 200, rated.text);
    }
    const ticket = await read(acme, items[0].id);
    assert.deepEqual([ticket.score, ticket.score_text, ticket.cost_minutes], [4, "还行", 12]);
    assert.equal((await nobody(globex, "POST", "/rate", { token, score: 1 })).status, 422);
  });

  await t.test("one sender is answered automatically five times at most", async () => {
    const config = "/api/v1/admin/plugins/tickets/config";
    await acme.ok("admin", "PUT", config, { letters: true });
    const letters = async (to) => {
      const { items } = await acme.ok("admin", "GET", "/api/v1/admin/mail/letters");
      return items.filter((letter) => JSON.stringify(letter).includes(to)).length;
    };
    for (let i = 0; i < 7; i++) {
      const body = { email: "loop@example.com", subject: `第${i}次`, body: "自动" };
      assert.equal((await nobody(acme, "POST", "/requests", body)).status, 201);
    }
    assert.equal(await letters("loop@example.com"), 5);
    const id = await open(acme, "秘密", { requester_email: "wang@example.com" });
    await done(acme, id, "note", { body: "内部" });
    assert.equal(await letters("wang@example.com"), 0);
    await done(acme, id, "reply", { body: "您好" });
    await done(acme, id, "resolve", {});
    assert.equal(await letters("wang@example.com"), 2);
    await acme.ok("admin", "PUT", config, { letters: false });
  });

  await t.test("a macro answers many tickets, with the rights of who asks", async () => {
    const macro = await acme.create("admin", "macro", {
      name: "等待",
      reply: "请补充。",
      status: "waiting_customer",
    });
    const tickets = [await open(acme, "宏一"), await open(acme, "宏二")];
    const apply = (login, body) => act(acme, login, "macro", macro.id, "apply", body);
    assert.ok([403, 404].includes((await apply("sales1", { tickets })).status));
    const asked = await apply("admin", { tickets: [...tickets, "nobody"] });
    assert.equal(asked.status, 200, asked.text);
    const job = await acme.settled("admin", `/api/v1/jobs/${asked.json.job}`);
    assert.deepEqual(job.result.failed, ["nobody"]);
    for (const id of tickets) assert.equal((await read(acme, id)).status, "waiting_customer");
  });

  await t.test("what it promises is true, and strangers are held to a rate", async () => {
    must(w.server.data, ["check", "acme"]);
    let last = 0;
    for (let i = 0; i < 25 && last !== 429; i++) {
      last = (await nobody(acme, "POST", "/rate", { token: "0".repeat(32), score: 1 })).status;
    }
    assert.equal(last, 429);
  });

  await t.test("a seller cannot answer; another company sees nothing", async () => {
    const id = await open(acme, "别人看不到");
    assert.ok(
      [403, 404].includes((await act(acme, "sales1", "ticket", id, "reply", { body: "x" })).status),
    );
    assert.equal((await act(globex, "admin", "ticket", id, "reply", { body: "x" })).status, 404);
    const { items } = await globex.ok("admin", "GET", `${RECORDS}/ticket`);
    assert.deepEqual(items, []);
  });
});

const LAST = "order by id desc limit 1";
const DAMAGE = [
  `update {ticket_clock} set {ticket_clock.due_at} = {ticket_clock.due_at} + 1 where id in (
    select id from {ticket_clock} where {ticket_clock.state} = 'running')`,
  `update {ticket} set {ticket.last_customer_message_at} = 1 where id in (
    select {ticket_clock.ticket} from {ticket_clock}
    where {ticket_clock.kind} = 'next_response' and {ticket_clock.state} = 'running')`,
  "update {ticket} set {ticket.due_at} = 5 where {ticket.due_at} is not null",
  "update {ticket_pause} set {ticket_pause.to_at} = 1",
  `update {ticket_clock} set {ticket_clock.met_at} = null, {ticket_clock.stopped_at} = null`,
  `update {ticket} set {ticket.merged_into} = (select id from {ticket} ${LAST})
    where {ticket.status} = 'resolved'`,
  `update {ticket_message} set {ticket_message.ticket} = (select id from {ticket}
    where {ticket.merged_into} is not null ${LAST})`,
];

test("each check of the desk finds what was done to it", { skip: !hasSqlite }, async () => {
  const { acme } = w;
  const [a, b] = [await open(acme, "坏一", { type: "complaint" }), await open(acme, "坏二")];
  await done(acme, a, "reply", { body: "您好" });
  await write(acme, a, "在吗");
  await acme.ok("admin", "PATCH", `${RECORDS}/ticket/${b}`, { status: "waiting_customer" });
  const { found, all } = checkDamaged(w.server, "acme", "tickets", DAMAGE);
  assert.ok(all.length >= 7, all.join(" "));
  assert.deepEqual(found, all);
});

test("hours come from a file, as an export writes them", async () => {
  const { globex, server } = w;
  const csv = join(server.data, "hours.csv");
  const week = JSON.stringify(WEEK).replaceAll('"', '""');
  writeFileSync(csv, `name,week\nOffice,"${week}"\nBad,"{""mon"":1}"\n`);
  const load = ["import", "globex", "calendar", csv];
  const { stdout } = command(server.data, load, { cwd: server.data });
  assert.match(stdout, /created 1, updated 0, skipped 0, failed 1/);
  const { items } = await globex.ok("admin", "GET", `${RECORDS}/calendar`);
  assert.deepEqual(items[0].week, WEEK);
});

const TICKETS = join(DATASETS, "support_tickets.csv");

test("8,469 tickets of a help desk come in", { skip: !existsSync(TICKETS) }, async () => {
  const { globex, server } = w;
  const map = join(ROOT, "tests/fixtures/import/support_tickets.json");
  const run = (...more) =>
    must(server.data, ["import", "globex", "ticket", TICKETS, "--map", map, ...more], {
      cwd: server.data,
    });
  assert.match(run(), /created 8469, updated 0, skipped 0, failed 0/);
  const { groups } = await globex.ok("admin", "POST", `${RECORDS}/ticket/query`, {
    group: ["status"],
    measure: ["count"],
  });
  const counts = Object.fromEntries(groups.map((group) => [group.status, group.count]));
  assert.deepEqual(counts, { closed: 2769, open: 2819, waiting_customer: 2881 });
  must(server.data, ["check", "globex"]);
  const many = await globex.ok("admin", "GET", `${RECORDS}/ticket?external_no=3`);
  assert.match(many.items[0].body, /\n/);
});

/* Each script point of the desk, replaced for what is named after it. */
const wraps = (agent, policy, article) => `
crm.wrap("ticket.classify", function(next_one, asked)
  if asked.subject ~= "WRAP" then return next_one(asked) end
  return { type = "request", category = "billing", priority = "high", reasons = { "WRAP" } }
end)
crm.wrap("ticket.dispatch", function(next_one, asked)
  if asked.category ~= "billing" then return next_one(asked) end
  return { owner = crm.id_parse("${agent}"), reasons = { "WRAP" } }
end)
crm.wrap("sla.match", function(next_one, asked)
  return { policy = crm.id_parse("${policy}"), reasons = { "WRAP" } }
end)
crm.wrap("ticket.escalate", function() return { priority = "low", reasons = { "WRAP" } } end)
crm.wrap("ticket.auto_reply", function(next_one, asked)
  return asked.email == "silent@example.com" and {} or next_one(asked)
end)
crm.wrap("article.suggest", function()
  return { items = { { id = "${article}", title = "WRAP", score = 9 } } }
end)
`;

test("a company replaces every script point of the desk", async () => {
  const { acme } = w;
  const never = { name: "WRAP", order: 999, match: { subject: "nothing has this" } };
  const policy = (await acme.create("admin", "sla_policy", never)).id;
  const article = (await acme.create("admin", "article", { title: "WRAP", body: "<p>x</p>" })).id;
  const init = wraps(acme.users.sales2, policy, article);
  const files = bundle("acme.desk", { "init.lua": init }, { requires: { tickets: "^1" } });
  const path = "/api/v1/admin/plugins/acme.desk/deploys";
  const deployed = await acme.as("admin", "POST", path, packed(files));
  assert.equal(deployed.status, 201, deployed.text);
  await acme.ok("admin", "PUT", "/api/v1/admin/plugins/tickets/config", { letters: true });
  const id = await open(acme, "WRAP", { owner: null });
  const made = await read(acme, id);
  assert.deepEqual(
    [made.type, made.category, made.priority, made.owner, made.sla_policy],
    ["request", "billing", "high", acme.users.sales2, policy],
  );
  await done(acme, id, "escalate", { reason: "x" });
  assert.equal((await read(acme, id)).priority, "low");
  assert.equal((await done(acme, id, "suggest")).items[0].id, article);
  for (const email of ["silent@example.com", "heard@example.com"]) {
    const body = { email, subject: "门户", body: "x" };
    const asked = await acme.as(null, "POST", "/api/v1/x/tickets/requests", { body });
    assert.equal(asked.status, 201, asked.text);
  }
  const sent = JSON.stringify(await acme.ok("admin", "GET", "/api/v1/admin/mail/letters"));
  assert.deepEqual([sent.includes("silent@"), sent.includes("heard@")], [false, true]);
});
