// implementer - what a company's bundle and a plugin add to the console: a menu, a form section, an
// action, a dashboard, a notice; a widget as a module, also one that fails or hangs; help.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { DESKTOP, ENGLISH, browserPlace } from "../kit/browser.mjs";
import { bundle, packed } from "../kit/pack.mjs";
import { PASSWORD, world } from "../kit/world.mjs";

const R = "/api/v1/records";
const ID = "acme.yard";
const place = browserPlace({ leads: 3 });
const w = world(place.world);
const both = (zh, en) => ({ "i18n/zh-CN.json": zh, "i18n/en.json": en });

const FILES = bundle(ID, {
  ...both(
    {
      "yard": "场地",
      "yard.plural": "场地",
      "yard.name": "名称",
      "yard.state": "状态",
      "yard.state.free": "空闲",
      "yard.state.used": "占用",
      "lead.x_yard": "意向场地",
      "section.yard": "场地信息",
      "action.reserve": "预订场地",
      "action.free": "清空场地",
      "action.yards": "看场地",
      "action.here": "同场地的线索",
      "param.note": "备注",
      "dashboard.yard": "场地看板",
      "dash.all": "场地数",
      "report.by_state": "按状态",
      "told": "{name} 已预订",
    },
    {
      "yard": "Yard",
      "yard.plural": "Yards",
      "yard.name": "Name",
      "yard.state": "State",
      "yard.state.free": "Free",
      "yard.state.used": "Used",
      "lead.x_yard": "Yard",
      "section.yard": "Yard",
      "action.reserve": "Reserve",
      "action.free": "Clear the yard",
      "action.yards": "Look at yards",
      "action.here": "Leads of this yard",
      "param.note": "Note",
      "dashboard.yard": "Yards at a glance",
      "dash.all": "Yards",
      "report.by_state": "By state",
      "told": "{name} was reserved",
    },
  ),
  "help/zh-CN.md":
    '# 场地\n\n<img src=x onerror="boom()"> [坏](javascript:boom()) **预订**见[线索](/e/lead)。',
  "entities/yard.json": {
    name: "x_yard",
    label: "@yard",
    label_plural: "@yard.plural",
    fields: [
      { no: 1, name: "name", type: "text", required: true, label: "@yard.name", quick: true },
      {
        no: 2,
        name: "state",
        type: "enum",
        label: "@yard.state",
        values: [
          { value: "free", label: "@yard.state.free" },
          { value: "used", label: "@yard.state.used" },
        ],
        default: "free",
      },
    ],
  },
  "entities/lead.json": {
    extend: "lead",
    fields: [{ no: 1, name: "x_yard", type: "text", length: 60, label: "@lead.x_yard" }],
    actions: [{ name: "reserve" }],
  },
  "reports/yard.json": {
    name: "x_by_state",
    entity: "x_yard",
    label: "@report.by_state",
    query: { group: ["state"], measure: ["count"] },
    chart: "bar",
  },
  "views/yard.json": [
    {
      menu: "main",
      after: "lead",
      item: { id: "yard", label: "@yard.plural", icon: "box", entity: "x_yard" },
    },
    {
      form: "lead",
      after: "section.contact",
      section: { id: "section.yard", label: "@section.yard", cells: ["x_yard"] },
    },
    {
      kind: "action",
      entity: "lead",
      name: "reserve",
      label: "@action.reserve",
      icon: "box",
      place: "record",
      order: 0,
      params: [{ name: "note", type: "text", label: "@param.note", required: true }],
    },
    {
      kind: "action",
      entity: "lead",
      name: "free",
      label: "@action.free",
      place: "row",
      values: { x_yard: null },
      enabled_when: { x_yard: { ne: null } },
    },
    {
      kind: "action",
      entity: "lead",
      name: "yards",
      label: "@action.yards",
      place: "toolbar",
      open: { entity: "x_yard", filter: { state: "free" } },
    },
    {
      kind: "action",
      entity: "lead",
      name: "here",
      label: "@action.here",
      place: "palette",
      open: { filter: { x_yard: "$record.x_yard" } },
    },
    {
      kind: "dashboard",
      name: "yard",
      label: "@dashboard.yard",
      widgets: [
        {
          id: "all",
          kind: "kpi",
          label: "@dash.all",
          entity: "x_yard",
          query: { measure: ["count"] },
        },
        { id: "state", kind: "report", entity: "x_yard", report: "x_by_state" },
      ],
    },
  ],
  "roles/sales.json": {
    name: "sales",
    grants: {
      x_yard: { read: "all", create: true },
      lead: { fields: { x_yard: "write" } },
    },
  },
  "init.lua": `crm.action("lead", "reserve", function(ev, ctx)
  ctx.db.lead:update(ev.record.id, { x_yard = ev.params.note })
  ctx.notify(ev.record.owner, {
    text = "@told", args = { name = ev.record.name }, about = ev.record,
  })
  return { reserved = true }
end)
`,
});

async function working(device, login, work, prepare) {
  const screen = await place.open(device);
  try {
    if (prepare) await prepare(screen.page);
    await screen.signIn(login, PASSWORD);
    await work(screen.page, screen);
    await screen.sound();
  } catch (error) {
    await screen.shot(`failed-${Date.now()}`);
    throw error;
  } finally {
    await screen.close();
  }
}

test("a bundle adds menu, section, action and dashboard, and tells people", place, async () => {
  const path = `/api/v1/admin/plugins/${ID}/deploys`;
  const answer = await w.acme.as("admin", "POST", path, packed(FILES));
  assert.ok(answer.status < 300, answer.text);
  const lead = await w.acme.create("admin", "lead", { name: "订场地的" });
  await working(DESKTOP, "admin", async (page, screen) => {
    await page.locator(".nav").getByText("场地", { exact: true }).click();
    await page.locator(".list-head").getByRole("button", { name: "新建" }).click();
    await page.getByRole("dialog").locator("#q-name").fill("一号场");
    await page.locator("button[form='quick-form']").click();
    await page.getByText("已新建 一号场").waitFor();

    await page.goto(`/e/lead/${lead.id}/edit`);
    await page.getByText("场地信息").waitFor();
    await page.goto(`/e/lead/${lead.id}`);
    await page.getByRole("button", { name: "预订场地" }).click();
    await page.getByRole("dialog").getByRole("textbox").fill("一号场");
    await page.getByRole("dialog").getByRole("button", { name: "预订场地" }).click();
    await page.getByRole("button", { name: /通知，1 条未读/ }).click();
    await page.locator(".bell-panel").getByText("订场地的 已预订").click();
    await page.waitForURL((url) => url.pathname === `/e/lead/${lead.id}`);
    await page.getByRole("button", { name: "通知", exact: true }).waitFor();
    const now = await w.acme.ok("admin", "GET", `${R}/lead/${lead.id}`);
    assert.equal(now.x_yard, "一号场");

    await page.keyboard.press("Control+k");
    await page.locator(".palette-input").fill("同场地");
    await page.getByRole("option", { name: "同场地的线索" }).click();
    await page.waitForURL((url) => url.searchParams.get("f") === '{"x_yard":"一号场"}');
    const row = page.locator(".grid tbody tr", { hasText: lead.name });
    await row.getByRole("button", { name: "清空场地" }).click();
    await page.getByText("“清空场地”已完成").waitFor();
    const read = () => w.acme.ok("admin", "GET", `${R}/lead/${lead.id}`);
    assert.equal((await read()).x_yard, null);
    await page.locator(".toast").getByRole("button", { name: "撤销" }).click();
    while ((await read()).x_yard !== "一号场") await page.waitForTimeout(50);
    await page.goto("/e/lead");
    await screen.settled();
    await screen.shot("implementer-toolbar");
    await page.locator(".list-head").getByRole("button", { name: "看场地" }).click();
    await page.waitForURL((url) => url.pathname === "/e/x_yard");

    await page.goto("/dash/yard");
    await page.locator(".figure", { hasText: "场地数" }).getByRole("link", { name: "1" }).click();
    await page.waitForURL((url) => url.pathname === "/e/x_yard");
  });
});

test("who may see nothing on a dashboard is not offered it", place, async () => {
  const body = { login: "greeter1", name: "迎宾", roles: ["greeter"], password: PASSWORD };
  await w.acme.ok("admin", "POST", "/api/v1/admin/users", body);
  const offered = async (login) => {
    let found;
    await working(DESKTOP, login, async (page, screen) => {
      await page.goto("/reports");
      await page.getByText("截至").waitFor();
      await screen.settled();
      found = await page.locator("#main").innerText();
    });
    return found;
  };
  assert.match(await offered("sales1"), /场地/);
  assert.doesNotMatch(await offered("greeter1"), /场地/);
});

test("a bundle's page in the administration is an address as others are", place, async () => {
  await working(DESKTOP, "admin", async (page) => {
    await page.goto(`/admin/plugins/${ID}`);
    await page.getByRole("tab", { name: "部署历史" }).waitFor();
    await page.reload();
    await page.getByRole("tab", { name: "部署历史" }).waitFor();
  });
});

test("help is what plugins wrote, and nothing of it runs", place, async () => {
  await working(DESKTOP, "sales1", async (page) => {
    await page.goto(`/help/${ID}`);
    await page.locator(".markdown h2", { hasText: "场地" }).waitFor();
    assert.match(await page.locator(".markdown").innerText(), /<img src=x onerror="boom\(\)">/);
    assert.equal(await page.locator(".markdown img, .markdown a[href^=javascript]").count(), 0);
    await page.locator(".markdown").getByRole("link", { name: "线索" }).click();
    await page.waitForURL((url) => url.pathname === "/e/lead");
  });
  await working(ENGLISH, "sales1", async (page) => {
    await page.goto("/help/hello");
    await page.locator(".markdown h2", { hasText: "Greetings" }).waitFor();
  });
});

const greeting = () =>
  w.acme.create("admin", "greeting", { name: "hi", text: "你好，世界", times: 2 });

test("a plugin's widget shows its field and saves what it is told", place, async () => {
  const made = await greeting();
  await working(DESKTOP, "admin", async (page, screen) => {
    await page.goto(`/e/greeting/${made.id}`);
    const card = page.frameLocator(".widget-frame").locator("crm-hello-card");
    await card.getByText("你好，世界").waitFor();
    await card.getByRole("button", { name: "再说一次" }).click();
    await page.getByText("已保存").waitFor();
    const now = await w.acme.ok("admin", "GET", `${R}/greeting/${made.id}`);
    assert.equal(now.times, 3);
    await screen.axe("the widget");
  });
});

const MODULES = {
  "one that throws": "throw new Error('broken on purpose');",
  "one that never defines its element": "export default 1;",
  "one that throws when it is made": `customElements.define("crm-hello-card",
    class extends HTMLElement { constructor() { super(); throw new Error("broken"); } });`,
  "one that is no JavaScript": "<html>",
  "one that never ends": "for (;;);",
  "one that runs when it is made and never ends": `customElements.define("crm-hello-card",
    class extends HTMLElement { connectedCallback() { for (;;); } });`,
};

for (const [what, body] of Object.entries(MODULES)) {
  test(`${what} leaves a notice and the value; the page lives on`, place, async () => {
    const made = await greeting();
    const faulty = (page) =>
      page.route("**/plugins/hello/*/ui.js", (route) =>
        route.fulfill({
          body,
          contentType: "text/javascript",
          headers: { "access-control-allow-origin": "*" },
        }),
      );
    await working(
      DESKTOP,
      "admin",
      async (page, screen) => {
        await page.goto(`/e/greeting/${made.id}`);
        await page.getByText("组件“hello:card”无法显示。").waitFor();
        await page.locator(".plugin-widget").getByText("你好，世界").waitFor();
        await page.locator(".timeline li").first().waitFor();
        await screen.axe(what);
      },
      faulty,
    );
  });
}

const LATER = `customElements.define("crm-hello-card", class extends HTMLElement {
  set context({ record }) {
    this.textContent = record.text;
    setTimeout(() => { for (;;); }, 1500);
  }
});`;

test("a widget that hangs later is ended while the page is worked in", place, async () => {
  const made = await greeting();
  await working(
    DESKTOP,
    "admin",
    async (page, screen) => {
      await page.goto(`/e/greeting/${made.id}`);
      await page.frameLocator(".widget-frame").getByText("你好，世界").waitFor();
      await page.waitForTimeout(2000); // it hangs now
      await page.keyboard.press("Control+k");
      await page.locator(".palette-input").fill("zw");
      await page.keyboard.press("Escape");
      await page.getByText("组件“hello:card”没有响应").waitFor();
      await page.locator(".plugin-widget").getByText("你好，世界").waitFor();
      await screen.axe("the notice");
      await screen.shot("widget-hung");
      await page.unroute("**/plugins/hello/*/ui.js");
      await page.getByRole("button", { name: "重新启用" }).click();
      await page.frameLocator(".widget-frame").getByRole("button", { name: "再说一次" }).waitFor();
    },
    (page) =>
      page.route("**/plugins/hello/*/ui.js", (route) =>
        route.fulfill({
          body: LATER,
          contentType: "text/javascript",
          headers: { "access-control-allow-origin": "*", "cache-control": "no-store" },
        }),
      ),
  );
});

test("a widget has neither the session nor the page, only what it is given", place, async () => {
  const made = await greeting();
  const body = `customElements.define("crm-hello-card", class extends HTMLElement {
    set context({ api, record }) {
      const tries = [() => document.cookie, () => localStorage.length, () => parent.document.title,
        () => fetch("/api/v1/me").then((answer) => answer.json())];
      const tried = async (one) => { try { await one(); return "yes"; } catch { return "no"; } };
      Promise.all(tries.map(tried))
        .then(async (all) => {
          const own = await api.get("/records/greeting/" + record.id);
          this.textContent = all.join() + " " + own.text;
        });
    }
  });`;
  const screen = await place.open(DESKTOP);
  await screen.page.route("**/plugins/hello/*/ui.js", (route) =>
    route.fulfill({
      body,
      contentType: "text/javascript",
      headers: { "access-control-allow-origin": "*" },
    }),
  );
  await screen.signIn("admin", PASSWORD);
  await screen.page.goto(`/e/greeting/${made.id}`);
  await screen.page.frameLocator(".widget-frame").getByText("no,no,no,no 你好，世界").waitFor();
  await screen.close();
});
