// builders - what an administrator builds without programming: an object of the company's own, the
// page of a record, the menu, dashboards; and a draft that somebody else was faster than.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { DESKTOP, ENGLISH, PHONE, browserPlace } from "../kit/browser.mjs";
import { PASSWORD, world } from "../kit/world.mjs";

const CUSTOM = "/api/v1/admin/customization";
const place = browserPlace({ leads: 20 });
const w = world(place.world);

const as = (login, work, device = DESKTOP) => place.working(device, login, work);

const admin = (work, device) => as("admin", work, device);
const button = (page, name) => page.getByRole("button", { name, exact: true });
const kept = async (page) => {
  await button(page, "存入草稿").click();
  await page.getByText("已存入草稿").first().waitFor();
};
const discard = () => w.acme.as("admin", "DELETE", `${CUSTOM}/draft`);
const publish = async () => {
  const answer = await w.acme.as("admin", "POST", `${CUSTOM}/publish`, { body: {} });
  assert.equal(answer.status, 201, answer.text);
};
/** Both themes of a screen, with findings of axe in each. */
async function looked(screen, name) {
  await screen.settled();
  for (const theme of ["light", "dark"]) {
    await screen.theme(theme);
    await screen.axe(`${name}, ${theme}`);
    await screen.shot(`${name}-${theme}`);
  }
  await screen.theme("light");
}

test(
  "an object of one's own: made, published, used by sellers, with numbers and a board",
  place,
  async () => {
    await admin(async (page, screen) => {
      await page.goto("/admin/entities");
      await page.getByText("还没有自建对象").waitFor();
      await looked(screen, "entities-none");
      await page.locator(".admin-head").getByRole("link", { name: "新建对象" }).click();
      await button(page, "存入草稿").click();
      await page.getByText("有些内容还没有填好").waitFor();
      await page.locator("[id='entity-words-zh-CN']").fill("拜访");
      await page.locator("#entity-words-en").fill("Visit");
      await page.locator("#entity-plural-en").fill("Visits");
      await page.locator("[id='entity-plural-zh-CN']").fill("拜访");
      assert.equal(await page.locator("#entity-name").inputValue(), "x_visit");
      await page.getByLabel("自动编号").check();
      assert.match(await page.locator("#entity-pattern-says").innerText(), /VI-\d{6}-0001/);
      await page.getByLabel(/有阶段/).check();
      for (const [zh, en] of [
        ["计划", "Planned"],
        ["完成", "Done"],
      ]) {
        await button(page, "添加选项").click();
        await page.locator(".value-rows li").last().locator("input").first().fill(zh);
        await page.locator(".value-rows li").last().locator("input").nth(1).fill(en);
      }
      await page.locator("#access-sales").selectOption("own");
      await looked(screen, "entity-new");
      await kept(page);
      const row = page.locator('[data-entity="x_visit"]');
      await row.getByText("新增").waitFor();
      await looked(screen, "entities");
      await row.getByRole("link", { name: "字段" }).click();
      await page.locator('tr[data-field="x_stage"]').waitFor();
      await button(page.locator(".admin-head"), "添加字段").click();
      await page.locator("[id='field-label-zh-CN']").fill("地点");
      await page.locator("#field-label-en").fill("Place");
      await button(page.getByRole("dialog"), "存入草稿").click();
      await page.locator('tr[data-field="x_place"]').waitFor();
      await page.goto("/admin/layouts/x_visit");
      await page.locator(".palette-list").getByRole("button", { name: "地点" }).click();
      await kept(page);
      await page.goto("/admin/publish");
      await button(page, "检查").click();
      await page.getByText("检查通过").waitFor();
      await button(page, "发布").click();
      await page.getByText("没有待发布的修改").waitFor();
    });
    await as("sales1", async (page, screen) => {
      await page.locator(".nav").getByRole("link", { name: "拜访" }).click();
      await page.waitForURL(/\/e\/x_visit/);
      await page.goto("/e/x_visit/new");
      await page.locator("#f-name").fill("上门拜访");
      await page.locator("#f-x_place").fill("上海");
      await button(page, "保存").click();
      await page.waitForURL((url) => /\/e\/x_visit\/0[0-9A-Z]+$/.test(url.pathname));
      await page.getByText(/VI-\d{6}-0001/).first().waitFor();
      await looked(screen, "entity-record");
      await page.goto("/e/x_visit?mode=board");
      await page.getByText("上门拜访").first().waitFor();
      await page.getByText("计划").first().waitFor();
    });
    const strange = await w.globex.as("admin", "GET", "/api/v1/meta/x_visit");
    assert.equal(strange.status, 404);
    assert.equal((await w.acme.as("manager", "GET", "/api/v1/records/x_visit")).status, 403);
  },
);

test(
  "the page of a record: tabs and related lists, their columns and conditions",
  place,
  async () => {
    await admin(async (page, screen) => {
      await page.goto("/admin/layouts/account");
      await page.getByRole("tab", { name: "详情页" }).click();
      const panels = page.locator('[data-parts="panel"]');
      const tabs = page.locator('[data-parts="tab"]');
      await panels.locator('[data-part="panel.contacts"]').waitFor();
      await tabs.locator(".parts-add").selectOption("related contact.account");
      const fresh = tabs.locator('[data-part="tab.x1"]');
      await fresh.getByRole("button", { name: /的操作/ }).click();
      await page.getByRole("menuitem", { name: "改名" }).click();
      await page.locator("[id='part-words-zh-CN']").fill("人");
      await page.locator("#part-words-en").fill("People");
      await button(page.getByRole("dialog"), "完成").click();
      await fresh.getByRole("button", { name: "人 的操作" }).click();
      await page.getByRole("menuitem", { name: "显示的列" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.locator(".more").getByRole("button").first().click();
      await screen.axe("columns of a tab");
      await button(dialog, "完成").click();
      await panels.getByRole("button", { name: /下移.*联系人/ }).click();
      const children = panels.locator('[data-part="panel.children"]');
      await children.getByRole("button", { name: /的操作/ }).click();
      await page.getByRole("menuitem", { name: "显示条件" }).click();
      const rule = page.getByRole("dialog");
      await rule.getByLabel("字段").selectOption("name");
      await rule.getByLabel("条件").selectOption("eq");
      await rule.locator("#filter-0").fill("总公司");
      await button(rule, "应用").click();
      await children.getByText("有条件").waitFor();
      await looked(screen, "page-parts");
      await kept(page);
    });
    await publish();
    const one = await w.acme.create("admin", "account", { name: "别的公司" });
    const head = await w.acme.create("admin", "account", { name: "总公司" });
    await admin(async (page, screen) => {
      await page.goto(`/e/account/${one.id}`);
      await page.getByRole("tab", { name: "人", exact: true }).waitFor();
      const right = page.locator(".record-right .panel");
      await right.first().waitFor();
      const of = async () => (await right.locator("h2").allInnerTexts()).join(" ");
      assert.match(await of(), /联系人/);
      await right.filter({ hasText: "归属历史" }).waitFor();
      assert.doesNotMatch(await of(), /下级公司/);
      await page.goto(`/e/account/${head.id}`);
      await right.filter({ hasText: "下级公司" }).waitFor();
      assert.match(await of(), /地址.*联系人/, "moved down by one");
      const history = right.filter({ hasText: "归属历史" });
      await history.locator("li, .panel-none").first().waitFor();
      assert.equal(await history.getByRole("button").count(), 0, "nobody adds to a history");
      await looked(screen, "page-built");
    });
  },
);

test("the menu: order, a group of one's own, what is hidden, and for whom", place, async () => {
  await admin(async (page, screen) => {
    await page.goto("/admin/menus");
    const row = (id) => page.locator(`[data-node="${id}"]`);
    await row("home").waitFor();
    await button(page, "添加分组").click();
    await page.locator("[id='menu-words-zh-CN']").fill("重点");
    await page.locator("#menu-words-en").fill("First");
    await button(page.getByRole("dialog"), "完成").click();
    await row("group.x1").waitFor();
    const grip = page.locator('[data-grip="group.x1"]');
    await grip.focus();
    const second = page.locator('.menu-list > [data-node="group.x1"]:nth-child(2)');
    for (let i = 0; i < 30 && !(await second.count()); i++) await page.keyboard.press("ArrowUp");
    const focused = await grip.evaluate((one) => document.activeElement === one);
    assert.ok(focused, "the grip keeps the focus");
    for (const id of ["account", "contact"]) {
      await row(id).getByRole("button", { name: /的操作/ }).click();
      await page.getByRole("menuitem", { name: "移到“重点”" }).click();
      await page.locator(`[data-group="group.x1"] [data-node="${id}"]`).waitFor();
    }
    await row("activity").getByRole("button", { name: /的操作/ }).click();
    await page.getByRole("menuitem", { name: "从菜单中隐藏" }).click();
    await page.locator('[data-choice="hidden activity"]').waitFor();
    await row("task").getByRole("button", { name: /的操作/ }).click();
    await page.getByRole("menuitem", { name: "谁能看到" }).click();
    await page.getByLabel("只有这些角色").check();
    await page.getByRole("checkbox", { name: "销售", exact: true }).check();
    await screen.axe("who sees it");
    await screen.shot("menu-roles");
    await button(page.getByRole("dialog"), "完成").click();
    await button(page, "添加链接").click();
    await page.locator("[id='link-words-zh-CN']").fill("新线索");
    await page.locator("#link-to").fill("https://elsewhere.example.com");
    await button(page.getByRole("dialog"), "添加").click();
    await page.locator("#link-to[aria-invalid='true']").waitFor();
    await page.locator("#link-to").fill("/e/lead?view=default");
    await screen.shot("menu-link");
    await button(page.getByRole("dialog"), "添加").click();
    await looked(screen, "menus");
    await kept(page);
    await page.goto("/admin/publish");
    await looked(screen, "menu-changes");
  });
  await publish();
  const ids = (menu) => menu.flatMap((one) => [one.id, ...(one.items ?? []).map(({ id }) => id)]);
  const sales = ids((await w.acme.ok("sales1", "GET", "/api/v1/boot")).menu);
  assert.deepEqual(sales.slice(0, 4), ["home", "group.x1", "account", "contact"]);
  assert.ok(sales.includes("task") && !sales.includes("activity"), String(sales));
  assert.ok(!ids((await w.acme.ok("manager", "GET", "/api/v1/boot")).menu).includes("task"));
  await as("sales1", async (page, screen) => {
    await page.locator(".nav-label", { hasText: "重点" }).waitFor();
    await page.locator(".nav").getByRole("link", { name: "新线索" }).click();
    await page.waitForURL(/view=default/);
    await screen.shot("menu-built");
  });
});

test(
  "dashboards: one for a role, a plugin's one changed, and a person's own copy",
  place,
  async () => {
    await admin(async (page, screen) => {
      await page.goto("/admin/dashboards");
      await button(page, "新建仪表盘").click();
      await page.locator("[id='board-words-zh-CN']").fill("销售早会");
      await page.locator("#board-words-en").fill("Morning");
      await button(page.getByRole("dialog"), "完成").click();
      await page.waitForURL(/x_board1/);
      await page.getByText("还没有组件").waitFor();
      const add = async (fill) => {
        await button(page, "添加组件").click();
        const dialog = page.getByRole("dialog");
        await dialog.locator("#widget-entity").selectOption("lead");
        await fill(dialog);
        await button(dialog, "完成").click();
      };
      await add(async (dialog) => {
        await dialog.locator("[id='widget-words-zh-CN']").fill("全部线索");
      });
      await add(async (dialog) => {
        await dialog.locator("input[value='chart']").check();
        await button(dialog, "完成").click();
        await dialog.getByText("请选择一项").waitFor();
        await dialog.locator("#widget-group").selectOption("source");
        await dialog.locator("#widget-chart").selectOption("pie");
        await dialog.locator("[id='widget-words-zh-CN']").fill("来源");
        await looked(screen, "widget");
      });
      await add(async (dialog) => {
        await dialog.locator("input[value='list']").check();
        await dialog.locator("#widget-limit").fill("4");
      });
      const tile = (n) => page.locator(".edit-tile").nth(n - 1);
      await tile(3).locator("table").waitFor();
      await tile(3).locator(".cell-grip").focus();
      await page.keyboard.press("ArrowLeft");
      await page.keyboard.press("Shift+ArrowRight");
      await page.locator(".edit-tile:nth-child(2).span-3").waitFor();
      await page.locator(".edit-tile").first().scrollIntoViewIfNeeded();
      const corner = await page.locator(".edit-tile:nth-child(1) .edit-corner").boundingBox();
      await page.mouse.move(corner.x + 14, corner.y + 14);
      await page.mouse.down();
      await page.mouse.move(corner.x + 260, corner.y + 14, { steps: 5 });
      await page.mouse.up();
      await page.locator(".edit-tile:nth-child(1).span-2").waitFor();
      await page.locator(".edit-tile:nth-child(1) .cell-grip").focus();
      await page.keyboard.press("Shift+ArrowLeft");
      await page.locator(".edit-tile:nth-child(1).span-1").waitFor();
      await button(page, "谁能看到…").click();
      await page.getByLabel("只有这些角色").check();
      await page.getByLabel("销售", { exact: true }).check();
      await button(page.getByRole("dialog"), "完成").click();
      await looked(screen, "dashboard-editor");
      await kept(page);
      await page.goto("/admin/dashboards/leads");
      await page.locator('[data-widget="pool"]').getByRole("button", { name: /的操作/ }).click();
      await page.getByRole("menuitem", { name: "移除" }).click();
      await add(async (dialog) => {
        await dialog.locator("input[value='leaderboard']").check();
        assert.equal(await dialog.locator("#widget-person").inputValue(), "owner");
        await dialog.locator("[id='widget-words-zh-CN']").fill("谁的线索多");
      });
      await add(async (dialog) => {
        await dialog.locator("input[value='goal']").check();
        await button(dialog, "完成").click();
        await dialog.getByText("请填写大于 0 的数").waitFor();
        await dialog.locator("#widget-target").fill("40");
        await dialog.locator("#widget-period").selectOption("this_month");
        await dialog.locator("[id='widget-words-zh-CN']").fill("本月新线索");
      });
      await button(page, "预览草稿").click();
      const preview = page.locator(".board-preview");
      await preview.locator(".ranking li").first().waitFor();
      await preview.getByRole("progressbar", { name: /本月新线索/ }).waitFor();
      await page.getByText("新增 2 个组件 · 移除：").waitFor();
      assert.equal(await preview.locator(".preview-tile > .tag").count(), 2);
      await looked(screen, "dashboard-preview");
      await button(page, "预览草稿").click();
      await kept(page);
      await page.goto("/admin/dashboards");
      await looked(screen, "dashboards");
    });
    await publish();
    const meta = await w.acme.ok("sales1", "GET", "/api/v1/meta");
    const leads = meta.views.find(({ kind, name }) => kind === "dashboard" && name === "leads");
    assert.ok(!leads.widgets.some(({ id }) => id === "pool") && leads.widgets.length === 9);
    const theirs = await w.acme.ok("manager", "GET", "/api/v1/meta");
    assert.ok(!theirs.views.some(({ name }) => name === "x_board1"));
    await as("sales1", async (page, screen) => {
      await page.goto("/dash/x_board1");
      await page.locator(".list-card table tbody tr").nth(3).waitFor();
      await looked(screen, "dashboard-built");
      await page.goto("/dash/leads");
      await page.locator(".figure").nth(2).waitFor();
      await button(page, "自定义").click();
      await page.locator('[data-widget="won"]').getByRole("button", { name: /的操作/ }).click();
      await page.getByRole("menuitem", { name: "移除" }).click();
      await looked(screen, "dashboard-own");
      await button(page, "保存我的副本").click();
      await page.locator(".own-bar").waitFor({ state: "detached" });
      await page.waitForFunction(() => document.querySelectorAll(".figure").length === 2);
      await page.reload();
      await page.locator(".figure").nth(1).waitFor();
      assert.equal(await page.locator(".figure").count(), 2);
    });
    await as("sales2", async (page) => {
      await page.goto("/dash/leads");
      await page.locator(".figure").nth(2).waitFor();
    });
    await as("sales1", async (page) => {
      await page.goto("/dash/leads");
      await button(page, "自定义").click();
      await button(page, "恢复共享版本").click();
      await page.getByRole("dialog").getByRole("button", { name: "恢复共享版本" }).click();
      await page.locator(".figure").nth(2).waitFor();
      await page.goto("/reports");
      await button(page, "新建我的仪表盘").click();
      await page.locator("#board-name").fill("我的一天");
      await button(page.getByRole("dialog"), "新建").click();
      await page.waitForURL(/\/dash\/my_1/);
      await button(page, "添加组件").click();
      await page.locator("#widget-entity").selectOption("lead");
      await page.locator("#widget-label").fill("线索数");
      await button(page.getByRole("dialog"), "完成").click();
      await button(page, "保存我的副本").click();
      await page.locator(".figure", { hasText: "线索数" }).waitFor();
    });
  },
);

test("who publishes later merges: one keeps mine, the other takes theirs", place, async () => {
  const extend = (more) => ({ extend: "lead", fields: [{ ...FIELD, ...more }] });
  const FIELD = { name: "x_both", type: "text" };
  const { document } = await w.acme.ok("admin", "GET", CUSTOM);
  const others = (document.entities ?? []).filter((one) => one.extend !== "lead");
  const keep = (as, more) => {
    const draft = { ...document, entities: [...others, extend(more)] };
    return w.acme.ok(as, "PUT", `${CUSTOM}/draft`, { document: draft });
  };
  const person = { login: "second", name: "s", roles: ["admin"], password: PASSWORD };
  await w.acme.ok("admin", "POST", "/api/v1/admin/users", person);
  await keep("admin", { length: 10 });
  await publish();
  await keep("second", { no: 1, length: 20, import_alias: "mine" });
  await keep("admin", { no: 1, length: 30, required: true });
  await publish();
  await as("second", async (page, screen) => {
    await page.goto("/admin/publish");
    await button(page, "合并…").click();
    const dialog = page.getByRole("dialog");
    const clash = dialog.locator(".clash");
    await clash.first().waitFor();
    assert.match(await clash.innerText(), /length[\s\S]*20[\s\S]*30/);
    await looked(screen, "merge");
    await clash.getByRole("radio").last().check();
    await button(dialog, "合并到草稿").click();
    await page.getByText("已合并到草稿").waitFor();
    await button(page, "发布").click();
    await page.getByText("没有待发布的修改").waitFor();
  });
  const now = await w.acme.ok("admin", "GET", CUSTOM);
  const lead = now.document.entities.find((one) => one.extend === "lead");
  assert.deepEqual(lead.fields[0], {
    name: "x_both",
    type: "text",
    no: 1,
    length: 30,
    required: true,
    import_alias: "mine",
  });
});

test("a user whom two change: each field keeps one of the two", place, async () => {
  await admin(async (page, screen) => {
    const path = `/api/v1/admin/users/${w.acme.users.sales2}`;
    await page.goto("/admin/users");
    const row = page.getByRole("row", { name: /sales2/ });
    await row.getByRole("button", { name: /的操作/ }).click();
    await page.getByRole("menuitem", { name: "编辑" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.locator("#user-name").fill("我写的");
    await w.acme.ok("admin", "PATCH", path, { name: "别人写的", phone: "13800001111" });
    await button(dialog, "保存").click();
    const clash = page.locator(".clash");
    await clash.waitFor();
    assert.equal(await clash.count(), 1);
    await looked(screen, "clash");
    await clash.getByRole("radio").first().check();
    await button(page.getByRole("dialog").last(), "按选择保存").click();
    await page.getByText("已保存").first().waitFor();
    const now = await w.acme.ok("admin", "GET", `/api/v1/records/user/${w.acme.users.sales2}`);
    assert.equal(now.name, "我写的");
    assert.match(now.phone, /13800001111/);
  });
});

test("a role and settings that two change keep what both wrote", place, async () => {
  const role = "/api/v1/admin/roles/two";
  const settings = "/api/v1/admin/settings";
  const config = "/api/v1/admin/plugins/leads/config";
  await w.acme.ok("admin", "PUT", role, { label: "两人", grants: { lead: { read: "all" } } });
  await admin(async (page, screen) => {
    await page.goto("/admin/roles/two");
    await page.locator("#role-label").fill("我的叫法");
    await w.acme.ok("admin", "PUT", role, {
      label: "别人的叫法",
      grants: { lead: { read: "all" }, account: { read: "own" } },
    });
    await button(page, "保存").click();
    const clash = page.locator(".clash");
    await clash.waitFor();
    assert.match(await clash.innerText(), /两人[\s\S]*我的叫法[\s\S]*别人的叫法/);
    await looked(screen, "clash-role");
    await button(page.getByRole("dialog"), "取消").click();
    assert.equal(await page.locator("#role-label").inputValue(), "我的叫法");
    await button(page, "保存").click();
    await clash.waitFor();
    await button(page.getByRole("dialog"), "按选择保存").click();
    await page.locator('tr[data-entity="account"]').waitFor();
    const now = await w.acme.ok("admin", "GET", role);
    assert.deepEqual([now.label, now.grants.account], ["我的叫法", { read: "own" }]);

    await page.goto("/admin/settings");
    await page.locator("#company-title").fill("我改的名字");
    await w.acme.ok("admin", "PATCH", settings, { title: "别人改的名字", currency: "USD" });
    await button(page, "保存").click();
    await clash.getByRole("radio").last().check();
    await button(page.getByRole("dialog"), "按选择保存").click();
    await page.getByText("已保存").first().waitFor();
    const { title, currency } = await w.acme.ok("admin", "GET", settings);
    assert.deepEqual([title, currency], ["别人改的名字", "USD"]);
    await w.acme.ok("admin", "PATCH", settings, { currency: "CNY" });

    await page.goto("/admin/plugins/leads");
    await page.locator("#setting-max_open").fill("41");
    await w.acme.ok("admin", "PUT", config, { idle_days: 9 });
    await button(page, "保存").click();
    await page.getByText("已保存").first().waitFor();
    const { max_open, idle_days } = await w.acme.ok("admin", "GET", config);
    assert.deepEqual([max_open, idle_days], [41, 9]);
  });
});

test("a dictionary that two change; a value in use stays", place, async () => {
  const path = "/api/v1/admin/dictionaries/industry";
  const { values } = await w.acme.ok("admin", "GET", path);
  const used = values[0].value;
  await w.acme.ok("sales1", "POST", "/api/v1/records/account", { name: "在用", industry: used });
  await admin(async (page, screen) => {
    await page.goto("/admin/dictionaries/industry");
    await page.getByLabel(`${values[1].value} 中文`).fill("我写的行业");
    await w.acme.ok("admin", "PUT", path, { values: [...values, { value: "theirs" }] });
    await button(page, `删除${used}`).click();
    await button(page, "保存").click();
    const alert = page.locator(".form-error");
    await alert.getByText(`${used} (1)`).waitFor();
    await looked(screen, "conflict");
    const mine = page.getByLabel(`${values[1].value} 中文`);
    assert.equal(await mine.inputValue(), "我写的行业");
    const before = await w.acme.ok("admin", "GET", path);
    assert.equal(before.values.length, values.length + 1, "nothing has changed");
    await button(page, "添加选项").click();
    await page.locator(".dictionary tbody tr").last().locator("input").first().fill(used);
    await button(page, "保存").click();
    await page.getByText("已保存").first().waitFor();
    const now = await w.acme.ok("admin", "GET", path);
    const names = now.values.map(({ value }) => value).sort();
    assert.deepEqual(names, [...values.map(({ value }) => value), "theirs"].sort());
    const label = now.values.find(({ value }) => value === values[1].value).label["zh-CN"];
    assert.equal(label, "我写的行业");
  });
});

test("every editor is usable on a phone", place, async () => {
  await admin(async (page, screen) => {
    const at = async (path, wait, name) => {
      await page.goto(path);
      await page.locator(wait).first().waitFor();
      await screen.settled();
      await screen.fits(name);
      await looked(screen, `phone-${name}`);
    };
    await at("/admin/entities", "[data-entity]", "entities");
    await at("/admin/fields/lead", "[data-field='title']", "fields");
    const title = page.locator("[data-field='title'] td[data-label='规则']");
    assert.equal(await title.isVisible(), false, "a field without rules has no empty line");
    await at("/admin/entities/new", "#entity-name", "entity");
    await at("/admin/menus", "[data-node='home']", "menus");
    await at("/admin/dashboards", "[data-board]", "dashboards");
    await at("/admin/dashboards/x_board1", ".edit-tile", "dashboard");
    await page.goto("/admin/layouts/account");
    await page.getByRole("tab", { name: "详情页" }).click();
    await page.locator('[data-parts="tab"]').scrollIntoViewIfNeeded();
    await screen.fits("page parts");
    await looked(screen, "phone-page-parts");
    await page.goto("/dash/x_board1");
    await screen.settled();
    await screen.fits("a dashboard");
    await page.goto("/admin/dashboards/x_board1");
    const last = page.locator(".edit-tile").last();
    const before = await last.getAttribute("data-widget");
    await last.getByRole("button", { name: /的操作/ }).click();
    await page.getByRole("menuitem", { name: "前移" }).click();
    assert.notEqual(await page.locator(".edit-tile").last().getAttribute("data-widget"), before);
  }, PHONE);
});

test("in English, too", place, async () => {
  await admin(async (page, screen) => {
    await page.goto("/admin/roles/sales");
    const matrix = page.locator(".grants");
    await matrix.locator("tbody tr").first().waitFor();
    const over = await matrix.evaluate((box) => box.scrollWidth - box.clientWidth);
    assert.ok(over <= 0, `the matrix of rights is cut off by ${over} px`);
    const cut = await page
      .locator(".admin-link .ellipsis")
      .evaluateAll((all) => all.filter((one) => one.scrollWidth > one.clientWidth).length);
    assert.equal(cut, 0, "names of screens are cut off");
    for (const [path, text] of [
      ["/admin/entities", "Objects"],
      ["/admin/menus", "Menu"],
      ["/admin/dashboards", "Dashboards"],
    ]) {
      await page.goto(path);
      await page.getByRole("heading", { level: 1, name: text }).waitFor();
      await screen.settled();
      await screen.shot(`en-${text}`);
      assert.doesNotMatch(await page.locator(".admin-head").innerText(), /[一-鿿]/);
    }
    await page.goto("/admin/dashboards/leads");
    await page.locator(".edit-tile").first().waitFor();
    await screen.shot("en-dashboard");
    await page.goto("/admin/entities/x_visit");
    await page.locator("#entity-name").waitFor();
    await screen.shot("en-entity");
  }, ENGLISH);
  await discard();
});
