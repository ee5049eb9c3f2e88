// work - a day's work in the console: the workbench, a record's timeline, converting and merging,
// the calendar, tickets, members, approvals by thumb, dashboards, favourites.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { DESKTOP, ENGLISH, PHONE, browserPlace } from "../kit/browser.mjs";
import { must } from "../kit/server.mjs";
import { PASSWORD, world } from "../kit/world.mjs";

const R = "/api/v1/records";
const HOUR = 3_600_000;
const PLUGINS = ["approval", "opportunities", "quotes", "tickets", "membership", "contracts"];
const place = browserPlace({ leads: 5 });
const w = world({
  ...place.world,
  setup: async (at) => {
    for (const plugin of PLUGINS) must(at.server.data, ["plugin", "enable", "acme", plugin]);
    await place.world.setup(at);
  },
});

const cny = (amount) => ({ amount, currency: "CNY" });
const read = (entity, id) => w.acme.ok("admin", "GET", `${R}/${entity}/${id}`);
const act = (login, entity, id, action, body = {}) =>
  w.acme.ok(login, "POST", `${R}/${entity}/${id}/actions/${action}`, body);
const listOf = async (entity, filter) =>
  (await w.acme.ok("admin", "POST", `${R}/${entity}/query`, { filter })).items;

const working = place.working;

const dialog = (page) => page.getByRole("dialog");

test("the workbench shows what is due, and a task is done there", place, async () => {
  const due = new Date(Date.now() - HOUR).toISOString();
  const task = await w.acme.create("sales1", "task", { subject: "今天回电", due_at: due });
  const lead = await w.acme.create("sales1", "lead", { name: "待联系人", next_contact_at: due });
  await w.acme.create("sales1", "opportunity", { name: "大单", amount: cny("5000.00") });
  await working(DESKTOP, "sales1", async (page) => {
    await page.getByRole("link", { name: /待联系人/ }).waitFor();
    await page.getByText("我的商机漏斗").waitFor();
    await page.getByText("¥5,000.00").waitFor();
    await page.getByRole("button", { name: "完成“今天回电”" }).click();
    await page.getByText("今天没有待办").waitFor();
    assert.equal((await read("task", task.id)).status, "done");
    await page.getByRole("link", { name: /待联系人/ }).click();
    await page.waitForURL((url) => url.pathname === `/e/lead/${lead.id}`);
  });
});

test("a deal stands on the path of its pipeline and is moved along it", place, async () => {
  const pipeline = await w.acme.create("admin", "pipeline", { name: "渠道流程" });
  const stages = [];
  for (const [order, name, kind] of [
    [10, "接触", "open"],
    [20, "报价中", "open"],
    [30, "成交", "won"],
  ]) {
    const stage = { pipeline: pipeline.id, order, name, kind, probability: order };
    stages.push(await w.acme.create("admin", "stage", stage));
  }
  const deal = { name: "路径上的单", pipeline: pipeline.id, stage: stages[0].id };
  const made = await w.acme.create("sales1", "opportunity", { ...deal, amount: cny("800.00") });
  await working(DESKTOP, "sales1", async (page) => {
    await page.goto(`/e/opportunity/${made.id}`);
    const path = page.locator(".path");
    await path.getByText("成交").waitFor();
    assert.deepEqual(await path.locator("li").allInnerTexts(), ["接触", "报价中", "成交"]);
    await path.locator(".now", { hasText: "接触" }).waitFor();
    await path.getByRole("button", { name: "报价中" }).click();
    await path.locator(".now", { hasText: "报价中" }).waitFor();
    assert.equal((await read("opportunity", made.id)).stage, stages[1].id);
  });
  const account = (await w.acme.create("admin", "account", { name: "渠道客户" })).id;
  for (const at of [0, 1]) {
    const more = { name: `渠道单${at}`, account, pipeline: pipeline.id, stage: stages[at].id };
    await w.acme.create("admin", "opportunity", more);
  }
  await working(DESKTOP, "admin", async (page, screen) => {
    await page.goto("/dash/sales");
    const funnel = page.locator(".report", { hasText: "销售漏斗" }).first();
    await funnel.locator(".chart svg").waitFor();
    await screen.settled();
    await screen.shot("funnel");
    await funnel.getByRole("button", { name: "表格" }).click();
    const rows = await funnel.locator("tbody tr", { hasText: "渠道流程" }).allInnerTexts();
    assert.equal(rows.length, 2);
    assert.match(rows[0], /接触\s+1\b/, "the stages' order, not that of their numbers");
    assert.match(rows[1], /报价中\s+2\b/);
    await page.goto(`/e/account/${account}`);
    for (const name of ["商机 2", "合同 0", "工单 0"])
      await page.locator(".record-right").getByRole("heading", { name }).waitFor();
    await screen.axe("a customer's page");
    await screen.shot("customer-panels");
  });
});

test("deals stand by stage, are added to one, and asked for what it wants", place, async () => {
  const account = await w.acme.create("admin", "account", { name: "看板公司" });
  const deal = await w.acme.create("sales1", "opportunity", { name: "没有金额的单子" });
  const { pipeline } = await read("opportunity", deal.id);
  const stages = (await listOf("stage", { pipeline })).sort((a, b) => a.order - b.order);
  const lost = stages.find((one) => one.kind === "lost");
  await working(DESKTOP, "sales1", async (page, screen) => {
    await page.goto("/e/opportunity?mode=board");
    await page.locator(`.board-card[data-id="${deal.id}"]`).waitFor();
    const values = (all) => all.map((one) => one.dataset.value);
    const columns = await page.locator(".board-cards").evaluateAll(values);
    const ids = stages.map(({ id }) => id);
    assert.deepEqual(columns.filter((id) => ids.includes(id)), ids);

    await page
      .locator(`.board-column:has([data-value="${stages[1].id}"])`)
      .getByRole("button", { name: /中新建/ })
      .click();
    await page.locator("#q-name").fill("从看板新建");
    await page.locator("button[form='quick-form']").click();
    await page.locator(".toast", { hasText: "从看板新建" }).waitFor();
    const made = (await listOf("opportunity", { name: "从看板新建" }))[0];
    await page.locator(`.board-card[data-id="${made.id}"]`).waitFor();
    assert.equal(made.stage, stages[1].id);

    await page.getByRole("button", { name: "移动 没有金额的单子" }).click();
    await page.getByRole("menuitem", { name: lost.name }).click();
    const asks = dialog(page);
    await asks.locator("#param-lost_reason").waitFor();
    await screen.axe("what a stage asks for");
    await asks.locator("#param-lost_reason").selectOption({ index: 1 });
    await asks.getByRole("button", { name: /转为/ }).click();
    await asks.waitFor({ state: "detached" });
    assert.equal((await read("opportunity", deal.id)).kind, "lost");

    const owner = w.acme.users.sales1;
    await w.acme.create("admin", "opportunity", { name: "派来的", account: account.id, owner });
    await page.getByText("看板有更新。").waitFor();
  });
});

test("the palette goes on in steps, and does what the record's page can", place, async () => {
  const lead = await w.acme.create("sales1", "lead", { name: "命令面板", status: "working" });
  await working(DESKTOP, "sales1", async (page, screen) => {
    await page.goto(`/e/lead/${lead.id}`);
    await page.getByRole("heading", { name: "命令面板" }).waitFor();
    const option = (name) => page.getByRole("option", { name });
    await page.keyboard.press("Control+k");
    await option("推进阶段…").waitFor();
    await screen.axe("palette with commands");
    await option("推进阶段…").click();
    await option("转为“已确认”").waitFor();
    await page.keyboard.press("Backspace");
    await option("前往…").waitFor();
    await page.keyboard.type("推进");
    await page.keyboard.press("Enter");
    await option("转为“已确认”").click();
    await page.locator(".path .now", { hasText: "已确认" }).waitFor();
    assert.equal((await read("lead", lead.id)).status, "qualified");

    await page.keyboard.press("Control+k");
    await option("新建…").click();
    await page.keyboard.press("Escape");
    await option("新建…").waitFor();
    await page.locator(".palette-input").fill("前往报表");
    await page.keyboard.press("Enter");
    await page.waitForURL((url) => url.pathname === "/reports");
    await page.getByRole("heading", { name: "报表" }).waitFor();
  });
});

test("calls are written down, drafts stay, a task is planned and completed", place, async () => {
  const lead = await w.acme.create("sales1", "lead", { name: "时间线", status: "working" });
  await working(DESKTOP, "sales1", async (page) => {
    await page.goto(`/e/lead/${lead.id}`);
    const text = page.locator(".composer textarea").first();
    await page.getByRole("radio", { name: "电话" }).click();
    await text.fill("谈了报价\n对方想要九折");
    await page.goto("/e/lead");
    await page.locator("h1").waitFor();
    await page.goto(`/e/lead/${lead.id}`);
    await page.waitForFunction(() =>
      document.querySelector(".composer textarea")?.value.startsWith("谈了报价"),
    );
    // while an input method composes, Ctrl+Enter is its own
    await text.dispatchEvent("keydown", {
      key: "Enter",
      ctrlKey: true,
      keyCode: 229,
      isComposing: true,
      bubbles: true,
    });
    assert.match(await text.inputValue(), /九折/);
    await text.press("Control+Enter");
    await page.getByRole("link", { name: "谈了报价" }).waitFor();
    await page.getByText("对方想要九折").waitFor();
    assert.equal(await text.inputValue(), "");
    const [call] = await listOf("activity", { about: lead.id });
    assert.deepEqual([call.type, call.subject], ["call", "谈了报价"]);

    await page.getByRole("radio", { name: "任务" }).click();
    await text.fill("发送报价单");
    await page.getByRole("button", { name: "添加任务" }).click();
    await page.locator(".planned").getByRole("button", { name: "完成" }).click();
    await page.getByText("“发送报价单”已完成").waitFor();
    const [task] = await listOf("task", { about: lead.id });
    assert.equal(task.status, "done");
  });
});

test("what cannot be sent stays in the composer, and is sent later", place, async () => {
  const lead = await w.acme.create("sales1", "lead", { name: "断网" });
  const screen = await place.open(DESKTOP);
  const { page } = screen;
  await screen.signIn("sales1", PASSWORD);
  await page.goto(`/e/lead/${lead.id}`);
  await page.locator(".composer textarea").first().fill("断网时写的");
  await page.locator("#compose-files").waitFor();
  await page.route("**/api/v1/records/activity", (route) => route.abort());
  await page.getByRole("button", { name: "记录", exact: true }).click();
  await page.locator(".composer .form-error").waitFor();
  assert.equal(await page.locator(".composer textarea").first().inputValue(), "断网时写的");
  for (const [status, code] of [
    [403, "forbidden"],
    [429, "too_many"],
    [409, "conflict"],
  ]) {
    await page.unroute("**/api/v1/records/activity");
    await page.route("**/api/v1/records/activity", (route) =>
      route.fulfill({ status, json: { error: { code, message: `said ${status}` } } }),
    );
    await page.getByRole("button", { name: "记录", exact: true }).click();
    await page.locator(".composer .form-error", { hasText: `said ${status}` }).waitFor();
    assert.equal(await page.locator(".composer textarea").first().inputValue(), "断网时写的");
  }
  await page.unroute("**/api/v1/records/activity");
  await page.getByRole("button", { name: "记录", exact: true }).click();
  await page.getByRole("link", { name: "断网时写的" }).waitFor();
  assert.equal((await listOf("activity", { about: lead.id })).length, 1);
  await screen.close(); // the aborted request stands in the console
});

test("a lead is converted to what is there already, and back", place, async () => {
  const known = await w.acme.create("sales1", "account", { name: "远望集团" });
  const lead = await w.acme.create("sales1", "lead", {
    name: "转化人",
    company: "远望集团",
    status: "working",
  });
  await working(DESKTOP, "sales1", async (page) => {
    await page.goto(`/e/lead/${lead.id}`);
    await page.getByRole("button", { name: "转化", exact: true }).click();
    await dialog(page)
      .getByLabel(/使用已有的 远望集团/)
      .waitFor();
    await dialog(page).getByLabel(/同时新建/).check();
    await dialog(page).getByRole("button", { name: "转化", exact: true }).click();
    await page.getByText("转化人 已转化").waitFor();
    await page.locator(".path .now", { hasText: "已转化" }).waitFor();
    const now = await read("lead", lead.id);
    assert.equal(now.converted_account, known.id);
    assert.ok(now.converted_opportunity);
    await page.locator(".acts-row").getByRole("button", { name: "更多" }).click();
    await page.getByRole("menuitem", { name: "撤销转化" }).click();
    await page.locator(".path .now", { hasText: "跟进中" }).waitFor();
  });
});

test("two leads are merged field by field, and taken apart again", place, async () => {
  const one = await w.acme.create("sales1", "lead", {
    name: "合并甲",
    company: "甲公司",
    phones: ["13911112222"],
  });
  const two = await w.acme.create("sales1", "lead", {
    name: "合并乙",
    company: "乙公司",
    title: "经理",
    phones: ["13911112222"],
  });
  await working(DESKTOP, "manager", async (page) => {
    await page.goto(`/e/lead/${two.id}`);
    await page.getByRole("button", { name: "合并", exact: true }).click();
    await dialog(page)
      .getByLabel(/合并甲/)
      .first()
      .check();
    await dialog(page).getByLabel("公司: 合并乙").check();
    await dialog(page).getByLabel("姓名: 合并甲").check();
    await dialog(page).getByRole("button", { name: "合并", exact: true }).click();
    await page.waitForURL((url) => url.pathname === `/e/lead/${one.id}`);
    const after = await read("lead", one.id);
    assert.deepEqual([after.name, after.company, after.title], ["合并甲", "乙公司", "经理"]);
    await page.getByRole("button", { name: "撤销", exact: true }).click();
    await page.waitForURL((url) => url.pathname === `/e/lead/${two.id}`);
    assert.equal((await read("lead", one.id)).company, "甲公司");
  });
});

test("on the record page somebody else's change is shown before mine is saved", place, async () => {
  const lead = await w.acme.create("sales1", "lead", { name: "同时", status: "working" });
  await working(DESKTOP, "sales1", async (page) => {
    await page.goto(`/e/lead/${lead.id}`);
    await page.locator(".path .now").waitFor();
    await w.acme.ok("manager", "PATCH", `${R}/lead/${lead.id}`, {
      status: "dead",
      lost_reason: "no_need",
    });
    await page.locator(".path").getByRole("button", { name: "已确认" }).click();
    await dialog(page).getByText("别人也修改了这条记录").waitFor();
    await dialog(page).getByLabel(/对方：/).check();
    await dialog(page).getByRole("button", { name: "按选择保存" }).click();
    await page.locator(".path .now", { hasText: "无效" }).waitFor();
    assert.equal((await read("lead", lead.id)).status, "dead");
  });
});

test("two tickets, cards and customers are merged field by field as well", place, async () => {
  const ticket = (fields) => w.acme.create("admin", "ticket", fields);
  const one = await ticket({ subject: "老水管漏水", requester_name: "报修人甲", serial: "SN-1" });
  const two = await ticket({ subject: "漏水（重复）", requester_name: "报修人乙", serial: "SN-2" });
  const program = await w.acme.create("admin", "program", { name: "并卡计划" });
  const card = (name, email) =>
    w.acme.create("admin", "member", { name, email, program: program.id });
  const [old, left] = [await card("旧卡", "old@x.cn"), await card("新卡", "new@x.cn")];
  const firm = (name, website) => w.acme.create("sales1", "account", { name, website });
  const [stays, goes] = [
    await firm("并入之家有限公司", "https://stays.example.com"),
    await firm("并出之家有限公司", "https://goes.example.com"),
  ];
  const merge = async (page, from, into, title, label, action) => {
    await page.goto(from);
    await page.locator(".record-title").waitFor();
    const press = page.getByRole("button", { name: action, exact: true });
    if (await press.count()) await press.click();
    else {
      await page.locator(".record-head").getByRole("button", { name: "更多" }).click();
      await page.getByRole("menuitem", { name: action, exact: true }).click();
    }
    await dialog(page).getByRole("combobox").fill(title);
    await page
      .getByRole("option", { name: new RegExp(title) })
      .first()
      .click();
    await dialog(page).getByLabel(label).check();
    await dialog(page).getByRole("button", { name: action, exact: true }).click();
    await page.waitForURL((url) => url.pathname === into);
  };
  await working(DESKTOP, "admin", async (page, screen) => {
    const at = (entity, { id }) => `/e/${entity}/${id}`;
    const label = "提出人: 漏水（重复）";
    await merge(page, at("ticket", two), at("ticket", one), "老水管漏水", label, "合并");
    const kept = await read("ticket", one.id);
    assert.deepEqual([kept.requester_name, kept.serial], ["报修人乙", "SN-1"]);
    assert.equal((await read("ticket", two.id)).status, "merged");
    await merge(page, at("member", old), at("member", left), "新卡", "邮箱: 旧卡", "合并会员");
    const now = await read("member", left.id);
    assert.deepEqual([now.name, now.email], ["新卡", "old@x.cn"]);
    await screen.fits("the card");
    const [from, into] = [at("account", goes), at("account", stays)];
    await merge(page, from, into, "并入之家", "网址: 并出之家有限公司", "合并");
    const customer = await read("account", stays.id);
    assert.deepEqual(
      [customer.name, customer.website],
      ["并入之家有限公司", "https://goes.example.com"],
    );
    await screen.axe("a customer that another was merged into");
    await screen.shot("account-merged");
    await page.getByRole("button", { name: "撤销", exact: true }).click();
    await page.waitForURL((url) => url.pathname === from);
    assert.equal((await read("account", stays.id)).website, "https://stays.example.com");
  });
});

test("a task is dragged to another day of the calendar", place, async () => {
  const task = await w.acme.create("sales1", "task", {
    subject: "要改期",
    due_at: "2026-03-11T02:00:00Z",
  });
  await working(DESKTOP, "sales1", async (page) => {
    await page.goto("/e/task?mode=calendar&p=month&d=2026-03-11");
    const item = page.locator(`[data-id="${task.id}"]`);
    await item.waitFor();
    await item.dragTo(page.locator('[data-day="2026-03-19"]'));
    await page.getByText("要改期 已移到 2026-03-19").waitFor();
    assert.equal((await read("task", task.id)).due_at, "2026-03-19T02:00:00.000Z");
    await page.getByRole("button", { name: "日", exact: true }).click();
    await page.waitForURL(/p=day/);
    await page.goto("/e/task?mode=calendar&p=day&d=2026-03-19");
    await item.getByRole("button").click();
    await page.getByRole("menuitem", { name: "推迟 1 天" }).click();
    await page.getByText("要改期 已移到 2026-03-20").waitFor();
  });
});

test("a ticket's clocks run, and say stretch by stretch why", place, async () => {
  const hours = ["00:00-24:00"];
  const days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
  const week = Object.fromEntries(days.map((day) => [day, hours]));
  const calendar = await w.acme.create("admin", "calendar", { name: "全天", week });
  const policy = await w.acme.create("admin", "sla_policy", {
    name: "标准",
    calendar: calendar.id,
    active: true,
  });
  await w.acme.create("admin", "sla_target", {
    policy: policy.id,
    priority: "normal",
    first_response: 30,
    resolution: 600,
  });
  const ticket = await w.acme.create("admin", "ticket", {
    subject: "打不开",
    priority: "normal",
    owner: w.acme.users.admin,
  });
  await working(DESKTOP, "admin", async (page, screen) => {
    await page.goto(`/e/ticket/${ticket.id}`);
    const first = page.locator(".clock", { hasText: "首次响应" });
    await first.getByText(/剩 \d\d:\d\d/).waitFor();
    const before = await first.getByRole("timer").innerText();
    await page.waitForFunction(
      (text) => document.querySelector(".clock [role=timer]")?.textContent !== text,
      before,
    );
    await page.getByRole("button", { name: "逐段说明" }).click();
    await page.locator(".told").first().getByText(/已用/).waitFor();
    const composer = page.locator(".composer");
    await composer.getByPlaceholder("写给客户的回复…").fill("请重启试试");
    await page.reload(); // what is typed stays
    await composer.getByPlaceholder("写给客户的回复…").click();
    await composer.getByRole("button", { name: "回复" }).click();
    await first.getByText("按时完成").waitFor();
    // what was said stands in the timeline, and what is only for ourselves is marked
    const said = (text) => page.locator(".timeline > li", { hasText: text });
    await said("请重启试试").waitFor();
    assert.equal(await said("请重启试试").getByText("仅内部可见").count(), 0);
    await composer.getByRole("radio", { name: "内部备注" }).click();
    await composer.getByPlaceholder("只给同事看的备注…").fill("多半是电源");
    await screen.axe("the composer of a ticket");
    await screen.shot("ticket-composer");
    await page.keyboard.press("Control+Enter");
    await said("多半是电源").getByText("仅内部可见").waitFor();
  });
});

test("what is done with many stays open when it could not be done", place, async () => {
  const made = [];
  for (const subject of ["批量甲", "批量乙"])
    made.push((await w.acme.create("admin", "ticket", { subject, priority: "low" })).id);
  const read = async (id) => (await w.acme.ok("admin", "GET", `${R}/ticket/${id}`)).priority;
  await working(DESKTOP, "admin", async (page, screen) => {
    screen.provoked = true;
    await page.goto("/e/ticket?q=批量");
    await page.locator(".grid tbody tr", { hasText: "批量甲" }).getByRole("checkbox").check();
    await page.locator(".grid tbody tr", { hasText: "批量乙" }).getByRole("checkbox").check();
    await page.locator(".bulk").getByRole("button", { name: "标为紧急" }).click();
    const act = dialog(page).getByRole("button", { name: "标为紧急" });
    await page.route("**/records/ticket/bulk", (route) => route.abort());
    await act.click();
    await dialog(page).getByRole("alert").waitFor();
    assert.deepEqual([await read(made[0]), await read(made[1])], ["low", "low"]);
    await page.unroute("**/records/ticket/bulk");
    await act.click();
    await page.getByText("已修改 2 条记录").waitFor();
    assert.deepEqual([await read(made[0]), await read(made[1])], ["urgent", "urgent"]);
  });
});

test("a ticket's form asks what its type asks, in the company's words", place, async () => {
  const form = await w.acme.create("admin", "ticket_form", { name: "退款问题", type: "refund" });
  const asks = [
    { field: "serial", required: true, label: "机身号", help: "在铭牌上" },
    { field: "external_no", order: 200 },
  ];
  for (const one of asks)
    await w.acme.create("admin", "ticket_form_field", { form: form.id, ...one });
  await working(DESKTOP, "admin", async (page, screen) => {
    await page.goto("/e/ticket/new");
    await page.locator("#f-subject").fill("要退货");
    await page.locator("#f-type").selectOption("refund");
    await page.locator(".field", { hasText: "机身号" }).locator(".star").waitFor();
    await page.getByRole("group", { name: "退款问题" }).waitFor();
    await page.getByRole("button", { name: "保存" }).click();
    await page.locator("#f-serial[aria-invalid=true]").waitFor();
    await screen.axe("a form of its type");
    await screen.shot("ticket-form");
    await page.locator("#f-serial").fill("S-77");
    await page.getByRole("button", { name: "保存" }).click();
    await page.waitForURL((url) => /^\/e\/ticket\/0[0-9A-Z]+$/.test(url.pathname));
    const [made] = await listOf("ticket", { subject: "要退货" });
    assert.deepEqual([made.serial, made.type], ["S-77", "refund"]);
  });
});

test("what holds the name of an object is chosen by its label", place, async () => {
  await working(DESKTOP, "admin", async (page, screen) => {
    await page.goto("/e/approval_flow/new");
    await page.locator(".pick input").first().waitFor();
    await page.locator("#f-entity").fill("线索");
    await page.getByRole("option", { name: "线索" }).first().click();
    await page.locator(".field", { hasText: "线索" }).first().waitFor();
    await screen.axe("an object chosen by label");
    await page.locator("#f-trigger").selectOption({ label: "状态变更前" });
    await page.locator("#f-transition_field").fill("状态");
    await page.getByRole("option", { name: "状态", exact: true }).first().click();
    await page.locator("#f-transition_to").selectOption({ label: "跟进中" });
    await screen.shot("flow-state-by-label");
    await page.goto("/e/ticket_form_field/new");
    await page.locator("#f-field").fill("主题");
    await page.getByRole("option", { name: "主题" }).first().click();
    await screen.shot("form-field-by-label");
  });
});

test("a member redeems points, and the ledger has the entry", place, async () => {
  const program = await w.acme.create("admin", "program", { name: "会员" });
  const member = await w.acme.create("admin", "member", {
    name: "张伟",
    phone: "13900007777",
    program: program.id,
  });
  await act("admin", "member", member.id, "adjust", { points: 500, reason: "期初" });
  await working(DESKTOP, "admin", async (page) => {
    await page.keyboard.press("Control+k");
    await page.locator(".palette-input").fill("7777");
    await page.getByRole("option", { name: /张伟/ }).first().click();
    await page.waitForURL((url) => url.pathname === `/e/member/${member.id}`);
    await page.getByRole("button", { name: "兑换积分" }).click();
    await dialog(page).getByLabel(/积分/).first().fill("120");
    await dialog(page).getByRole("button", { name: "兑换积分" }).click();
    await page.locator(".table-plain .loss", { hasText: "-120" }).waitFor();
    assert.equal((await read("member", member.id)).balance, 380);
  });
});

async function flow() {
  const [boss, second] = [w.acme.users.manager, w.acme.users.admin];
  const nodes = [
    { id: "boss", name: "上级", approvers: [{ kind: "member", users: [boss] }] },
    { id: "cfo", name: "财务", approvers: [{ kind: "member", users: [second] }] },
  ];
  await w.acme.create("admin", "approval_flow", { name: "合同审批", entity: "contract", nodes });
}

async function submitted(name) {
  const account = await w.acme.create("sales1", "account", { name: `${name}客户` });
  const contract = await w.acme.create("sales1", "contract", {
    name,
    account: account.id,
    total: cny("36000.00"),
    start_on: "2026-01-01",
    end_on: "2026-12-31",
  });
  const answer = await act("sales1", "contract", contract.id, "submit");
  return { contract: contract.id, id: answer.approval };
}

test("a contract is approved on the phone, and its page says by whom", place, async () => {
  await flow();
  const made = await submitted("手机审批");
  await working(PHONE, "manager", async (page, screen) => {
    await page.goto("/approvals");
    await page.getByRole("link", { name: /手机审批/ }).click();
    await page.getByText("¥36,000.00").first().waitFor();
    await screen.fits("the case");
    await page.getByRole("button", { name: "同意", exact: true }).click();
    await dialog(page).getByRole("textbox").fill("条款可以");
    await dialog(page).getByRole("button", { name: "同意" }).click();
    await page.locator(".way").getByText("条款可以").waitFor();
    assert.equal(await page.getByRole("button", { name: "同意", exact: true }).count(), 0);
  });
  await working(DESKTOP, "sales1", async (page) => {
    await page.goto(`/e/contract/${made.contract}`);
    const panel = page.locator(".record-right");
    await panel.getByText("条款可以").waitFor();
    await panel.getByText("审批中").first().waitFor();
  });
  await working(DESKTOP, "admin", async (page) => {
    await page.goto(`/approvals/${made.id}`);
    await page.getByRole("button", { name: "驳回" }).click();
    await dialog(page).getByRole("button", { name: "驳回" }).click();
    await dialog(page).getByText("此项必填。").waitFor();
    await dialog(page).locator("textarea").fill("金额有误");
    await dialog(page).getByRole("button", { name: "驳回" }).click();
    await page.locator(".case-head .tag", { hasText: "已驳回" }).waitFor();
  });
});

test("somebody else is asked first, it is sent back, and taken back", place, async () => {
  const made = await submitted("加签退回");
  await working(DESKTOP, "manager", async (page) => {
    await page.goto(`/approvals/${made.id}`);
    await page.locator(".case-bar").getByRole("button", { name: "更多" }).click();
    await page.getByRole("menuitem", { name: "前加签" }).click();
    await dialog(page).getByRole("combobox").first().fill("sales2");
    await page.getByRole("option", { name: /sales2/ }).click();
    await page.keyboard.press("Escape");
    await dialog(page).locator("textarea").click();
    await dialog(page).getByRole("button", { name: "前加签" }).click();
    await page.locator(".way").getByText(/sales2/).waitFor();
  });
  await working(PHONE, "sales2", async (page) => {
    await page.goto(`/approvals/${made.id}`);
    await page.locator(".case-bar").getByRole("button", { name: "更多" }).click();
    await page.getByRole("menuitem", { name: "退回" }).click();
    await dialog(page).locator("textarea").fill("请补充附件");
    await dialog(page).getByRole("button", { name: "退回" }).click();
    await page.locator(".case-head .tag", { hasText: "已退回" }).waitFor();
  });
  const again = await submitted("撤回的");
  await working(DESKTOP, "sales1", async (page) => {
    await page.goto("/approvals?box=mine");
    await page.getByRole("link", { name: /撤回的/ }).click();
    await page.getByRole("button", { name: "撤回" }).click();
    await dialog(page).getByRole("button", { name: "撤回" }).click();
    await page.locator(".case-head .tag", { hasText: "已撤回" }).waitFor();
    assert.equal((await read("approval", again.id)).state, "withdrawn");
  });
});

test("a dashboard is narrowed, and a number opens the list behind it", place, async () => {
  await working(DESKTOP, "manager", async (page) => {
    await page.goto("/dash/leads");
    await page.locator(".figure").first().waitFor();
    await page.getByLabel("时间").selectOption("this_month");
    await page.waitForURL(/date=this_month/);
    await page.locator(".report svg").first().waitFor();
    const source = page.locator(".report", { hasText: "来源" }).first();
    await source.getByRole("button", { name: "表格" }).click();
    const row = source.locator("tbody tr").first();
    const count = Number(await row.locator(".num").innerText());
    await row.getByRole("link").click();
    await page.waitForURL(/\/e\/lead\?f=/);
    assert.match(decodeURIComponent(page.url()), /this_month/);
    await page.locator("h1 .count", { hasText: String(count) }).waitFor();
  });
});

const shown = async (page, path) => {
  await page.goto(path);
  await page.locator("#main h1").first().waitFor();
};

test("what stands below a column is of all that the list finds", place, async () => {
  for (const i of [1, 2, 3]) {
    const deal = { name: `合计单${i}`, amount: cny(`${i}00.00`) };
    await w.acme.create("sales1", "opportunity", deal);
  }
  const filter = { name: { prefix: "合计单" } };
  const list = `/e/opportunity?f=${encodeURIComponent(JSON.stringify(filter))}`;
  await working(DESKTOP, "sales1", async (page, screen) => {
    await shown(page, list);
    const foot = page.locator(".grid tfoot");
    await foot.getByText("¥600.00", { exact: true }).waitFor();
    const [row] = await listOf("opportunity", { name: "合计单3" });
    await w.acme.ok("admin", "PATCH", `${R}/opportunity/${row.id}`, { amount: cny("400.00") });
    await page.getByRole("button", { name: "刷新" }).click();
    await foot.getByText("¥700.00", { exact: true }).waitFor();
    await screen.axe("a list with totals");
    await screen.shot("list-totals");
  });
  await working(PHONE, "sales1", async (page, screen) => {
    await shown(page, list);
    await page.locator(".list-totals", { hasText: "¥700.00" }).waitFor();
    await screen.fits("cards with totals");
    await page.getByRole("button", { name: "视图", exact: true }).click();
    await page.getByRole("menuitemradio", { name: "图表" }).click();
    await page.waitForURL(/mode=chart/);
    await page.locator(".chart svg").waitFor();
    await screen.fits("a chart on the phone");
    await screen.axe("a chart on the phone");
    await screen.shot("phone-chart");
  });
});

test("a list as a chart keeps its filter, and its link reproduces it", place, async () => {
  const account = await w.acme.create("admin", "account", { name: "图表公司" });
  for (const [name, priority] of [["图甲", "high"], ["图乙", "low"], ["图丙", "low"]]) {
    await w.acme.create("admin", "opportunity", { name, priority, account: account.id });
  }
  const filter = encodeURIComponent(JSON.stringify({ account: account.id }));
  await working(DESKTOP, "admin", async (page, screen) => {
    await shown(page, `/e/opportunity?f=${filter}`);
    await page.getByRole("button", { name: "图表", exact: true }).click();
    await page.getByLabel("分组").selectOption({ label: "优先级" });
    await page.getByLabel("统计").selectOption({ label: "计数" });
    await page.getByLabel("图形").selectOption({ label: "表格" });
    const low = page.locator(".report-table tr", { hasText: /低\s*2/ });
    await low.waitFor();
    assert.match(page.url(), /g=priority&m=count&k=table/);
    await screen.axe("a chart's table");
    await page.reload();
    await low.waitFor();
    await page.getByLabel("图形").selectOption({ label: "柱状图" });
    await page.locator(".chart svg").waitFor();
    await screen.shot("list-chart");
    await page.getByLabel("图形").selectOption({ label: "表格" });
    await low.getByRole("link").click();
    await page.locator(".grid tbody .name", { hasText: "图乙" }).waitFor();
    assert.equal(await page.locator(".grid tbody .name").count(), 2);
  });
});

test("companies stand below their parents; keys open them, the link keeps them open", place,
  async () => {
    const of = async (name, parent) =>
      (await w.acme.create("admin", "account", { name, parent })).id;
    const top = await of("树根集团");
    const branch = await of("树枝公司", top);
    await of("树叶门店", branch);
    const filter = encodeURIComponent(JSON.stringify({ name: { prefix: "树" } }));
    const leaf = JSON.stringify({ name: { prefix: "树叶" } });
    const names = (page) => page.locator(".tree-name a").allInnerTexts();
    const name = (page, text) => page.locator(".tree-name a", { hasText: text });
    await working(DESKTOP, "admin", async (page, screen) => {
      await shown(page, `/e/account?mode=tree&o=-&f=${filter}`);
      await name(page, "树根集团").focus();
      await page.keyboard.press("ArrowRight");
      await name(page, "树枝公司").waitFor();
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("ArrowRight");
      await name(page, "树叶门店").waitFor();
      assert.deepEqual(await names(page), ["树根集团", "树枝公司", "树叶门店"]);
      await page.waitForURL(new RegExp(`o=${top}(,|%2C)${branch}`));
      await screen.axe("a tree");
      await screen.shot("list-tree");
      await page.reload();
      await name(page, "树叶门店").waitFor();
      await page.getByRole("button", { name: "树根集团的 1 个下级" }).click();
      await name(page, "树枝公司").waitFor({ state: "detached" });
      await shown(page, `/e/account?mode=tree&f=${encodeURIComponent(leaf)}`);
      await page.getByText("属于树枝公司").waitFor();
    });
    await working(PHONE, "admin", async (page, screen) => {
      await shown(page, `/e/account?mode=tree&f=${filter}`);
      await name(page, "树叶门店").waitFor();
      await screen.fits("a tree on the phone");
      await screen.axe("a tree on the phone");
      await screen.shot("phone-tree");
    });
  },
);

test("contacts stand below their customers, and customers below theirs", place,
  async () => {
    const of = async (entity, values) => (await w.acme.create("admin", entity, values)).id;
    const top = await of("account", { name: "枝头集团" });
    const branch = await of("account", { name: "枝头分公司", parent: top });
    for (const [name, account] of [["叶一", branch], ["叶二", branch], ["叶三", null]]) {
      await of("contact", { name, account });
    }
    const filter = encodeURIComponent(JSON.stringify({ name: { prefix: "叶" } }));
    const names = (page) => page.locator(".tree-name > :first-child").allInnerTexts();
    await working(DESKTOP, "admin", async (page, screen) => {
      await shown(page, `/e/contact?mode=tree&f=${filter}`);
      await page.locator(".tree-name", { hasText: "叶三" }).waitFor();
      // by pinyin
      const all = ["枝头集团", "枝头分公司", "叶二", "叶一", "未填客户", "叶三"];
      assert.deepEqual(await names(page), all);
      await screen.axe("a tree below customers");
      await screen.shot("list-tree-below");
      await page.getByRole("button", { name: "枝头集团的 2 个下级" }).click();
      await page.locator(".tree-name", { hasText: "叶一" }).waitFor({ state: "detached" });
      await page.reload();
      await page.locator(".tree-name", { hasText: "叶三" }).waitFor();
      assert.deepEqual(await names(page), ["枝头集团", "未填客户", "叶三"]);
      await page.getByRole("link", { name: "枝头集团" }).click();
      await page.waitForURL(new RegExp(`/e/account/${top}`));
    });
    await working(PHONE, "admin", async (page, screen) => {
      await shown(page, `/e/contact?mode=tree&f=${filter}`);
      await page.locator(".tree-name", { hasText: "叶三" }).waitFor();
      await screen.fits("a tree below customers on the phone");
      await screen.shot("phone-tree-below");
    });
  },
);

test("contracts lie along time, from begin to end", place, async () => {
  const account = await w.acme.create("admin", "account", { name: "时间公司" });
  const year = new Date().getFullYear();
  const of = (name, start_on, end_on) =>
    w.acme.create("admin", "contract", { name, account: account.id, start_on, end_on });
  await of("跨年合同", `${year - 1}-06-01`, `${year}-03-31`);
  await of("明年合同", `${year + 1}-02-01`, `${year + 1}-12-31`);
  const filter = encodeURIComponent(JSON.stringify({ account: account.id }));
  const row = (page, name) => page.locator("a.time-row", { hasText: name });
  await working(DESKTOP, "admin", async (page, screen) => {
    await shown(page, `/e/contract?mode=timeline&f=${filter}`);
    await row(page, "跨年合同").waitFor();
    assert.equal(await row(page, "明年合同").count(), 0);
    assert.equal(await row(page, "跨年合同").locator(".time-bar.begins").count(), 0);
    await screen.axe("records along time");
    await screen.shot("list-timeline");
    await page.getByRole("button", { name: "往后" }).click();
    await row(page, "明年合同").waitFor();
    assert.match(page.url(), new RegExp(`d=${year + 1}-01-01`));
    await page.reload();
    await row(page, "明年合同").focus();
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/e\/contract\/\w{13}/);
  });
  await working(PHONE, "admin", async (page, screen) => {
    await shown(page, `/e/contract?mode=timeline&d=${year}-01-01&f=${filter}`);
    await row(page, "跨年合同").waitFor();
    await screen.fits("records along time on the phone");
    await screen.axe("records along time on the phone");
    await screen.shot("phone-timeline");
  });
});

test("who is first, where I stand, and how much of the goal is reached", place, async () => {
  const me = (await w.acme.ok("sales1", "GET", "/api/v1/me")).id;
  const today = new Date(Date.now() + 8 * HOUR).toISOString().slice(0, 10);
  const month = `${today.slice(0, 7)}-01`;
  const goal = { name: "本月", user: me, month, kind: "sales", amount: cny("1000.00") };
  await w.acme.create("admin", "target", goal);
  const won = async (login, name, amount) => {
    const account = (await w.acme.create(login, "account", { name: `${name}的客户` })).id;
    const fields = { name, account, amount: cny(amount) };
    const deal = await w.acme.create(login, "opportunity", fields);
    await act(login, "opportunity", deal.id, "win");
  };
  await won("sales1", "我赢的单", "250.00");
  await won("admin", "管理员赢的单", "900.00");
  await working(DESKTOP, "sales1", async (page, screen) => {
    await page.goto("/dash/sales");
    const mine = page.locator(".goal", { hasText: "我的业绩目标" });
    await mine.getByText("25%", { exact: true }).waitFor();
    await mine.getByText("还差 ¥750.00").waitFor();
    assert.equal(await page.locator(".goal").count(), 1, "the team's goal is its manager's");
    await mine.getByRole("button", { name: "表格" }).click();
    await mine.locator("tr", { hasText: "完成率" }).getByText("25%").waitFor();
    const own = page.locator(".ranking li.mine");
    await own.getByText("我", { exact: true }).waitFor();
    await own.getByText("¥250.00").waitFor();
    await screen.axe("a ranking and a goal");
    await screen.theme("dark");
    await screen.axe("a ranking and a goal, dark");
    await screen.shot("ranking-dark");
    await own.getByRole("link").click();
    await page.locator(".grid tbody .name", { hasText: "我赢的单" }).waitFor();
  });
  await working({ ...PHONE, locale: "en" }, "admin", async (page, screen) => {
    await page.goto("/dash/sales");
    const board = page.locator(".report", { hasText: "Won amount by seller" });
    await board.locator(".ranking li").nth(1).waitFor();
    assert.match(await board.locator(".ranking li").first().innerText(), /^1\s[\s\S]*¥900/);
    await board.getByRole("button", { name: "Table" }).click();
    await board.locator("tr.mine", { hasText: "900" }).waitFor();
    await page.locator(".goal", { hasText: "Sales target of the team" }).waitFor();
    await screen.fits("a ranking on the phone");
    await screen.axe("a ranking on the phone");
    await screen.shot("phone-ranking");
  });
});

test("a chart is taken along as picture and figures, and leads to the list", place, async () => {
  await working(DESKTOP, "manager", async (page) => {
    await page.goto("/dash/leads");
    const source = page.locator(".report", { hasText: "各来源线索" }).first();
    await source.locator("svg").first().waitFor();
    const card = await source.elementHandle();
    const light = await source.locator("svg text").first().getAttribute("fill");
    for (const theme of ["dark", "light"]) {
      await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
      await page.waitForFunction(
        ([one, was, isSame]) => {
          const text = one.querySelector(".chart svg text");
          return text && (text.getAttribute("fill") === was) === isSame;
        },
        [card, light, theme === "light"],
      );
    }
    const taken = async (what) => {
      await source.getByRole("button", { name: /下载/ }).click();
      const file = page.waitForEvent("download");
      await source.getByRole("menuitem", { name: what }).click();
      return readFileSync(await (await file).path());
    };
    const png = await taken("图片（PNG）");
    assert.equal(png.subarray(1, 4).toString(), "PNG");
    assert.ok(png.readUInt32BE(16) > 600, "as sharp as screens are");
    assert.ok(png.length > 5000, "something is drawn");
    assert.match((await taken("数据（CSV）")).toString(), /来源,计数\r\n.+,\d+/);
    const box = await source.locator(".chart").boundingBox();
    await page.mouse.click(box.x + box.width * 0.75, box.y + box.height * 0.4);
    await page.waitForURL(/\/e\/lead\?f=/);
    assert.match(decodeURIComponent(page.url()), /"source":/);
    await page.locator(".grid tbody .name").first().waitFor();
  });
});

test("every bar has its name on the phone, and filters stand in line", place, async () => {
  const { fields } = await w.acme.ok("manager", "GET", "/api/v1/meta/lead");
  const { options } = fields.find((one) => one.name === "source");
  const owner = w.acme.users.manager;
  for (const { value } of options)
    await w.acme.create("manager", "lead", { name: `来自${value}`, source: value, owner });
  await working(PHONE, "manager", async (page, screen) => {
    await page.goto("/dash/leads");
    const source = page.locator(".report", { hasText: "各来源线索" }).first();
    await source.locator(".chart svg text").first().waitFor();
    const shown = await source.locator(".chart svg text").allTextContents();
    await source.scrollIntoViewIfNeeded();
    await screen.shot("phone-bars");
    await source.getByRole("button", { name: "表格" }).click();
    const names = await source.locator("tbody td:first-child").allTextContents();
    assert.ok(names.length >= options.length, "each source has a bar");
    for (const name of names) assert.ok(shown.includes(name.trim()), `${name} of ${shown}`);
    await screen.fits("a table on the phone");
    const [first, second] = await page.locator(".dash-head label").all();
    const head = await page.locator(".dash-head h1").boundingBox();
    const [from, beside] = [await first.boundingBox(), await second.boundingBox()];
    assert.equal(from.x, head.x);
    assert.equal(from.y, beside.y);
  });
});

test("a favourite stands in the menu, also after signing in elsewhere", place, async () => {
  const lead = await w.acme.create("sales2", "lead", { name: "收藏的人" });
  await working(DESKTOP, "sales2", async (page) => {
    await page.goto(`/e/lead/${lead.id}`);
    await page.getByRole("button", { name: "收藏" }).click();
    await page.locator(".nav").getByText("收藏的人").waitFor();
    await page.waitForLoadState("networkidle").catch(() => undefined);
  });
  await working(DESKTOP, "sales2", async (page) => {
    await page.locator(".nav").getByRole("link", { name: "收藏的人" }).click();
    await page.locator(".record-title", { hasText: "收藏的人" }).waitFor();
  });
});

const KINDS = [
  ["desktop", DESKTOP, "light"],
  ["phone", PHONE, "dark"],
  ["phone", PHONE, "light"],
  ["english", ENGLISH, "dark"],
];

for (const [name, device, theme] of KINDS) {
  test(`the screens of work: ${name}, ${theme}`, place, async (t) => {
    const first = async (entity) => (await listOf(entity))[0].id;
    const made = await submitted(`屏幕 ${name} ${theme}`);
    const screens = {
      workbench: "/",
      lead: `/e/lead/${await first("lead")}`,
      contract: `/e/contract/${made.contract}`,
      approvals: "/approvals",
      case: `/approvals/${made.id}`,
      ticket: `/e/ticket/${await first("ticket")}`,
      member: `/e/member/${await first("member")}`,
      deals: "/e/opportunity?mode=calendar&p=month",
      sales: "/dash/sales",
      service: "/dash/service",
    };
    const screen = await place.open(device);
    await screen.theme(theme);
    await screen.signIn("admin", PASSWORD);
    for (const [what, path] of Object.entries(screens)) {
      await t.test(what, async () => {
        await screen.page.goto(path);
        await screen.page.locator("h1").first().waitFor();
        await screen.settled();
        await screen.shot(`${name}-${theme}-${what}`);
        assert.equal(await screen.page.locator("h1").count(), 1);
        await screen.fits(what);
        await screen.axe(what);
        await screen.sound();
      });
    }
    await screen.close();
  });
}
