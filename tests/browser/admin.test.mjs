// admin - an administrator's day: a field into the form, a role's rows seen as that role, a table
// in and out again, the audit trail, an industry plugin with its settings; and the other screens.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { DESKTOP, ENGLISH, PHONE, browserPlace } from "../kit/browser.mjs";
import { totp } from "../kit/totp.mjs";
import { PASSWORD, world } from "../kit/world.mjs";

const LEADS = "/api/v1/records/lead";
const place = browserPlace({ leads: 20 });
const w = world(place.world);

const as = (login, work, device = DESKTOP) => place.working(device, login, work);

const admin = (work, device) => as("admin", work, device);
const button = (page, name) => page.getByRole("button", { name, exact: true });

test("a field is added, put into the form and published; sellers fill it in", place, async () => {
  await admin(async (page, screen) => {
    await page.goto("/admin/fields/lead");
    await button(page, "添加字段").click();
    const dialog = page.getByRole("dialog");
    await dialog.locator("[id='field-label-zh-CN']").fill("客户级别");
    await dialog.locator("#field-label-en").fill("Level");
    assert.equal(await dialog.locator("#field-name").inputValue(), "x_level");
    await dialog.locator("#field-type").selectOption("enum");
    await button(dialog, "存入草稿").click();
    await dialog.getByText("请至少添加一个选项").waitFor();
    for (const [zh, en] of [
      ["战略", "Strategic"],
      ["普通", "Plain"],
    ]) {
      await button(dialog, "添加选项").click();
      await dialog.locator(".value-rows li").last().locator("input").first().fill(zh);
      await dialog.locator(".value-rows li").last().locator("input").nth(1).fill(en);
    }
    await screen.axe("a field");
    await button(dialog, "存入草稿").click();
    await page.locator('tr[data-field="x_level"]').waitFor();
    await page.getByText("草稿中有").waitFor();
    const meta = await w.acme.ok("sales1", "GET", "/api/v1/meta/lead");
    assert.ok(!meta.fields.some(({ name }) => name === "x_level"), "a draft is nobody else's");

    await page.goto("/admin/layouts/lead");
    await page.locator('[data-section="section.contact"] h3').click();
    await page.locator(".palette-list").getByRole("button", { name: "客户级别" }).click();
    const cell = page.locator('[data-section="section.contact"] [data-cell="x_level"]');
    await cell.locator(".cell-grip").focus();
    await page.keyboard.press("ArrowUp");
    await button(page, "存入草稿").click();
    await page.getByText("已存入草稿").waitFor();
    await page.goto("/admin/layouts/lead");
    const cells = page.locator('[data-section="section.contact"] [data-cell]');
    await cells.first().waitFor();
    const names = await cells.evaluateAll((all) => all.map((one) => one.dataset.cell));
    assert.equal(names.at(-2), "x_level");

    await page.goto("/admin/publish");
    await page.locator(".change-list b", { hasText: "lead.x_level" }).first().waitFor();
    await page.locator(".change-list summary").first().click();
    await screen.axe("changes");
    await button(page, "检查").click();
    await page.getByText("检查通过").waitFor();
    await button(page, "发布").click();
    await page.getByText("没有待发布的修改").waitFor();
    await page.getByText("当前版本").waitFor();
  });
  await as("sales1", async (page) => {
    await page.goto("/e/lead/new");
    await page.locator("#f-name").fill("级别客户");
    await page.locator("#f-x_level").selectOption({ label: "战略" });
    await button(page, "保存").click();
    await page.waitForURL((url) => /\/e\/lead\/0[0-9A-Z]+$/.test(url.pathname));
  });
  const found = await w.acme.ok("admin", "GET", `${LEADS}?x_level=strategic`);
  assert.deepEqual(
    found.items.map(({ name }) => name),
    ["级别客户"],
  );
});

test(
  "a field of a plugin is made stricter and renamed; the draft is taken back",
  place,
  async () => {
    await admin(async (page, screen) => {
      await page.goto("/admin/fields/lead");
      await page.locator('tr[data-field="company"]').getByRole("button").first().click();
      const dialog = page.getByRole("dialog");
      await dialog.locator("[id='field-label-zh-CN']").fill("单位");
      await dialog.getByLabel("必填", { exact: true }).check();
      await button(dialog, "存入草稿").click();
      const row = page.locator('tr[data-field="company"]');
      await row.getByText("单位", { exact: true }).waitFor();
      await row.getByText("必填").waitFor();
      await page.goto("/admin/publish");
      await button(page, "放弃草稿").click();
      const asked = page.getByRole("dialog");
      await asked.getByText(/处修改会丢失/).waitFor();
      await screen.axe("throwing a draft away");
      await screen.shot("draft-discard");
      await button(asked, "取消").click();
      await asked.waitFor({ state: "detached" });
      const draft = await w.acme.ok("admin", "GET", "/api/v1/admin/customization");
      assert.ok(draft.draft, "it stays until somebody means it");
      await button(page, "放弃草稿").click();
      await page.keyboard.press("Escape");
      await asked.waitFor({ state: "detached" });
      await button(page, "放弃草稿").click();
      await button(asked, "放弃草稿").click();
      await page.getByText("没有待发布的修改").waitFor();
      await page.goto("/admin/fields/lead");
      await row.getByText("公司", { exact: true }).waitFor();
    });
  },
);

test("cells and sections are dragged; a section gets words and a condition", place, async () => {
  await admin(async (page, screen) => {
    await page.goto("/admin/layouts/lead");
    const main = page.locator('[data-section="section.main"]');
    const follow = page.locator('ul[data-section="2"]');
    await screen.draggable(main.locator('[data-cell="title"] .cell-grip'));
    await main.locator('[data-cell="title"] .cell-grip').dragTo(follow.locator("li").first());
    await follow.locator('[data-cell="title"]').waitFor();
    await button(page, "添加分区").click();
    const fresh = page.locator(".layout-section").last();
    await fresh.getByRole("button", { name: /的操作/ }).click();
    await page.getByRole("menuitem", { name: "改名" }).click();
    await page.locator("[id='section-words-zh-CN']").fill("补充");
    await button(page.getByRole("dialog"), "完成").click();
    await fresh.getByText("补充").waitFor();
    await page
      .locator(".palette-list")
      .getByRole("button", { name: /评分依据/ })
      .click();
    await fresh.locator('[data-cell="score_reasons"]').waitFor();
    await fresh.getByRole("button", { name: "补充 的操作" }).click();
    await page.getByRole("menuitem", { name: "显示条件" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("字段").selectOption("score");
    await dialog.getByLabel("条件").selectOption("gte");
    await dialog.locator("#filter-0").fill("10");
    await button(dialog, "应用").click();
    await fresh.getByText("有条件").waitFor();
    await button(page, "存入草稿").click();
    await page.getByText("已存入草稿").waitFor();
  });
  const look = await w.acme.ok(
    "admin",
    "GET",
    "/api/v1/admin/customization/entities/lead?of=draft",
  );
  const form = look.entity.views.find(({ kind }) => kind === "form");
  const of = (id) => form.sections.find((one) => one.id === id);
  assert.ok(!of("section.main").cells.includes("title"));
  assert.equal(of("section.follow").cells[0], "title");
  assert.deepEqual(form.sections.at(-1), {
    id: form.sections.at(-1).id,
    cells: ["score_reasons"],
    label: "补充",
    visible_when: { score: { gte: 10 } },
  });
  await w.acme.ok("admin", "DELETE", "/api/v1/admin/customization/draft");
});

test("a role gets a rule of rows, and the console is seen as that role", place, async () => {
  await admin(async (page, screen) => {
    await page.goto("/admin/roles/viewer");
    await page.getByLabel("添加对象…").selectOption("lead");
    const read = page.getByLabel("线索 查看", { exact: true });
    await read.selectOption("rule");
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("字段").selectOption("owner");
    await dialog.getByLabel("条件").selectOption("eq");
    await dialog.getByLabel("是谁").selectOption("$me");
    await screen.axe("a rule");
    await button(dialog, "应用").click();
    await page.getByRole("button", { name: "线索的字段与操作" }).click();
    await page.locator("#grant-company").selectOption("none");
    await button(page.getByRole("dialog"), "完成").click();
    await screen.shot("role-editor");
    await button(page, "保存").click();
    await page.getByText("已保存").waitFor();
    const kept = await w.acme.ok("admin", "GET", "/api/v1/admin/roles/viewer");
    assert.deepEqual(kept.grants.lead, { read: { owner: "$me" }, fields: { company: "none" } });

    await w.acme.create("admin", "lead", { name: "预览可见", owner: w.acme.users.viewer });
    await button(page, "以此角色预览").click();
    await page.locator("#preview-user").selectOption(w.acme.users.viewer);
    await button(page, "开始预览").click();
    await page.locator(".preview-bar").waitFor();
    await page.goto("/e/lead");
    await page.locator(".grid tbody tr").first().waitFor();
    assert.equal(await page.locator(".grid tbody tr").count(), 1);
    const grid = await page.locator(".grid").innerText();
    assert.ok(grid.includes("预览可见") && !grid.includes("公司"), grid);
    assert.equal(await page.locator(".nav a[href='/admin']").count(), 0);
    await screen.axe("a preview");
    await page.reload();
    await page.locator(".preview-bar").waitFor();
    await button(page, "退出预览").click();
    await page.waitForURL(/admin\/roles\/viewer/);
    await button(page, "恢复插件默认").click();
    await page.getByRole("dialog").getByRole("button", { name: "恢复插件默认" }).click();
    await page.getByText("已恢复插件默认").waitFor();
  });
});

test("a table is mapped, tried, imported and taken back", place, async () => {
  const count = async () =>
    (await w.acme.ok("admin", "GET", `${LEADS}?company=导入公司&count=true`)).count;
  await admin(async (page) => {
    await page.goto("/import/lead");
    const rows = [
      "姓名,单位名称,电话",
      "导入一,导入公司,13711110001",
      "导入二,导入公司,13711110002",
    ];
    await page.locator("#import-file").setInputFiles({
      name: "leads.csv",
      mimeType: "text/csv",
      buffer: Buffer.from(rows.join("\n")),
    });
    await page.getByLabel("单位名称").selectOption("company");
    await button(page, "试运行全部行").click();
    await button(page, "开始导入").waitFor();
    assert.equal(await count(), 0);
    await button(page, "开始导入").click();
    await button(page, "撤销此次导入").waitFor();
    assert.equal(await count(), 2);
    await button(page, "撤销此次导入").click();
    await page.getByText("此次导入已撤销。").waitFor();
    assert.equal(await count(), 0);
  });
  await admin(async (page) => {
    await page.goto("/import/lead"); // in another browser
    await page.locator("#import-file").setInputFiles({
      name: "more.csv",
      mimeType: "text/csv",
      buffer: Buffer.from("姓名,单位名称\n导入三,导入公司"),
    });
    const column = page.getByLabel("单位名称");
    await column.waitFor();
    assert.equal(await column.inputValue(), "company", "what it meant is kept with the account");
  });
});

test("rows that fail say why, an import is found again by its address", place, async () => {
  await admin(async (page, screen) => {
    await page.goto("/import/account");
    await page.getByRole("button", { name: "下载模板" }).waitFor();
    const rows = ["叫法,状态", "坏状态公司,没有这个", "好状态公司,"];
    const buffer = Buffer.from(rows.join("\n"));
    const file = { name: "accounts.csv", mimeType: "text/csv", buffer };
    await page.locator("#import-file").setInputFiles(file);
    await page.getByText(/没有列对应必填字段：/).waitFor();
    await page.getByLabel("叫法").selectOption("name");
    await page.getByText(/没有列对应必填字段/).waitFor({ state: "detached" });
    await button(page, "试运行全部行").click();
    await page.locator(".reasons .error-text", { hasText: "可选值" }).waitFor();
    assert.match(await page.locator(".reasons").innerText(), /坏状态公司/);
    await screen.axe("reasons of an import");
    const { search } = new URL(page.url());
    assert.match(search, /id=/);
    await page.reload();
    await button(page, "开始导入").click();
    await button(page, "撤销此次导入").waitFor();
    await page.getByRole("button", { name: "再导入一个文件" }).click();
    await page.locator("#import-file").setInputFiles(file);
    await page.getByLabel("叫法").waitFor();
    assert.equal(await page.getByLabel("叫法").inputValue(), "name");
  });
});

test("the audit trail is read: who did what, and every field that changed", place, async () => {
  const lead = await w.acme.create("sales1", "lead", { name: "审计线索", company: "旧公司" });
  await w.acme.ok("sales1", "PATCH", `${LEADS}/${lead.id}`, { company: "新公司" });
  await admin(async (page, screen) => {
    await page.goto("/admin/audit");
    await page.getByLabel("操作", { exact: true }).selectOption("role.*");
    await page.waitForURL(/action=role/);
    await page.getByText("修改角色").first().waitFor();
    assert.equal(await page.getByText("新建用户").count(), 0);
    await page.locator("details summary").first().click();
    await page.getByRole("tab", { name: "数据变更" }).click();
    await page.getByLabel("对象").selectOption("lead");
    const card = page.locator(".trail > li", { hasText: "新公司" });
    await card.waitFor();
    assert.match(await card.innerText(), /旧公司[\s\S]*→[\s\S]*新公司/);
    assert.match(await card.innerText(), /审计线索/);
    await screen.shot("audit-trail");
    await page.reload();
    await card.waitFor();
  });
});

test("an industry plugin is enabled, its settings filled in, and disabled", place, async () => {
  await admin(async (page, screen) => {
    await page.goto("/admin/plugins");
    await page.getByLabel("来自").selectOption("industry");
    const card = page.locator('[data-plugin="industry_retail"]');
    await button(card, "启用").click();
    await card.getByText("已启用").waitFor();
    await page.goto("/admin/plugins/industry_retail");
    const days = page.locator("#setting-return_days");
    await days.fill("999");
    await button(page, "保存").click();
    await page.locator("#setting-return_days[aria-invalid='true']").waitFor();
    await days.fill("30");
    await button(page, "保存").click();
    await page.getByText("已保存").waitFor();
    await screen.shot("plugin-settings");
    const kept = await w.acme.ok("admin", "GET", "/api/v1/admin/plugins/industry_retail/config");
    assert.equal(kept.return_days, 30);
    await page.getByRole("tab", { name: "运行状况" }).click();
    await page.getByText("正常").waitFor();
    await button(page, "停用").click();
    await page.getByRole("dialog").getByRole("button", { name: "停用" }).click();
    await page.getByText("未启用").first().waitFor();
  });
});

test("somebody is invited by a link and sets a password with it", place, async () => {
  let link = "";
  await admin(async (page, screen) => {
    await page.goto("/admin/users");
    await button(page, "邀请用户").click();
    await page.locator("#user-login").fill("newcomer");
    await page.locator("#user-name").fill("新同事");
    await page.getByRole("dialog").getByRole("combobox", { name: "角色" }).click({ force: true });
    const role = page.locator(".el-select-dropdown__item").filter({ hasText: /^销售\s*$/ });
    await role.click();
    await screen.axe("inviting");
    await page.locator("#user-name").click();
    await button(page, "保存").click();
    const field = page.getByLabel("只显示一次的内容");
    await field.waitFor();
    link = await field.inputValue();
    await button(page.getByRole("dialog"), "关闭").first().click();
    await page.getByText("新同事").waitFor();
  });
  const screen = await place.open(PHONE);
  await screen.page.goto(new URL(link).pathname);
  await screen.page.locator("input[type='password']").first().fill("Newcomer-Chosen-77!");
  await screen.page.keyboard.press("Enter");
  await screen.page.getByText("密码已更新").waitFor();
  await screen.sound();
  await screen.close();
  assert.ok((await w.acme.signIn("newcomer", "Newcomer-Chosen-77!")).token);
});

const person = (login, roles) =>
  w.acme.ok("admin", "POST", "/api/v1/admin/users", {
    login,
    name: login,
    roles,
    password: PASSWORD,
  });
/** The key that stands beside the QR code, as it would be typed. */
async function keyOf(page) {
  await page.getByRole("img", { name: "验证器应用的二维码" }).waitFor();
  return (await page.locator(".factor-key").innerText()).replaceAll(" ", "");
}
const codesOf = (page) => page.locator(".me-codes li").allInnerTexts();

test("a second factor: scanned or typed, its codes copied, kept and printed", place, async () => {
  await person("wanda", ["viewer"]);
  let codes;
  const work = async (page, screen) => {
    await screen.context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.goto("/me");
    await button(page, "开启两步验证").click();
    await page.locator("#factor-current").fill(PASSWORD);
    await button(page, "下一步").click();
    const key = await keyOf(page);
    await button(page, "复制密钥").click();
    await page.getByText("已复制").waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), key);
    const link = await page.getByRole("link", { name: "在验证器应用中打开" }).getAttribute("href");
    assert.ok(link.startsWith("otpauth://totp/") && link.includes(key), link);
    await screen.axe("a second factor");
    await screen.shot("factor");
    await page.locator("#factor-code").fill("000000");
    await button(page, "下一步").click();
    await page.locator("#factor-code[aria-invalid='true']").waitFor();
    await page.locator("#factor-code").fill(totp(key));
    await button(page, "下一步").click();
    await page.getByText("每个只能用一次").waitFor();
    codes = await codesOf(page);
    assert.ok(codes.length >= 8 && new Set(codes).size === codes.length, codes.join(" "));
    const kept = page.waitForEvent("download");
    await button(page, "下载").click();
    const file = await (await kept).createReadStream();
    const text = (await file.toArray()).join("");
    await button(page, "复制").click();
    await page.waitForFunction(
      async (first) => (await navigator.clipboard.readText()).startsWith(first),
      codes[0],
    );
    await page.evaluate(() => {
      window.print = () => (window.printed = document.querySelector(".print-sheet").textContent);
    });
    await button(page, "打印").click();
    const printed = await (await page.waitForFunction(() => window.printed)).jsonValue();
    for (const code of codes) assert.ok(text.includes(code) && printed.includes(code), code);
    assert.ok(printed.includes("wanda"), "whose they are");
    await screen.axe("recovery codes");
    await screen.shot("factor-codes");
    await button(page, "我已保存").click();
    await page.getByText("已开启", { exact: true }).waitFor();
  };
  await as("wanda", work);
  const screen = await place.open(PHONE);
  const { page } = screen;
  await page.goto("/login");
  await page.locator("#login").fill("wanda");
  await page.locator("#password").fill(PASSWORD);
  await button(page, "登录").click();
  await page.locator("#otp").fill(codes[0]);
  await button(page, "登录").click();
  await page.locator("#main h1").first().waitFor();
  await screen.sound();
  await screen.close();
});

test("where the company asks for a second factor it is set up at the door", place, async () => {
  await person("yara", ["admin"]);
  await w.acme.ok("admin", "PATCH", "/api/v1/admin/settings", { mfa: "admins" });
  const screen = await place.open(PHONE);
  const { page } = screen;
  await page.goto("/login");
  await page.locator("#login").fill("yara");
  await page.locator("#password").fill(PASSWORD);
  await button(page, "登录").click();
  await page.locator("#due-current").fill(PASSWORD);
  await button(page, "下一步").click();
  const key = await keyOf(page);
  await screen.fits("setting up a second factor");
  await screen.axe("a second factor that is due");
  await screen.shot("factor-due");
  await page.locator("#due-code").fill(totp(key));
  await button(page, "下一步").click();
  await page.locator(".me-codes").waitFor();
  const [otp] = await codesOf(page);
  await screen.shot("factor-due-codes");
  await button(page, "我已保存").click();
  await page.locator("#main h1").first().waitFor();
  await screen.sound();
  await screen.close();
  const body = { login: "yara", password: PASSWORD, otp };
  const { token } = (await w.acme.as(null, "POST", "/api/v1/sessions", { body })).json;
  const offered = { token, body: { mfa: "offered" } };
  const back = await w.acme.as(null, "PATCH", "/api/v1/admin/settings", offered);
  assert.equal(back.status, 200, back.text);
});

test("a device is signed out by its owner, or by an administrator; it is told", place, async () => {
  await person("vera", ["sales"]);
  const userAgent = "Mozilla/5.0 (Linux; Android 14) Chrome/126.0 Mobile Safari/537.36";
  const phone = await place.open({ ...PHONE, userAgent });
  await phone.signIn("vera", PASSWORD);
  await as("vera", async (page, screen) => {
    await page.goto("/me");
    const rows = page.locator(".session-list li");
    await rows.nth(1).waitFor();
    assert.equal(await rows.count(), 2);
    const here = rows.filter({ hasText: "当前" });
    assert.equal(await here.getByRole("button").count(), 0, "one's own is left by signing out");
    await rows.getByText("127.0.0.1").first().waitFor();
    await rows.filter({ hasText: "Android" }).waitFor();
    await screen.axe("devices");
    await screen.shot("devices");
    await rows.filter({ hasText: "Android" }).getByRole("button").click();
    await page.getByRole("dialog").getByRole("button", { name: "退出", exact: true }).click();
    await page.getByText("Chrome · Android 已退出").waitFor();
    await page.waitForFunction(() => document.querySelectorAll(".session-list li").length === 1);
  });
  await phone.page.goto("/e/lead");
  await phone.page.locator("#login").waitFor();
  await phone.signIn("vera", PASSWORD);
  await admin(async (page, screen) => {
    await page.goto("/admin/users");
    await page.getByRole("button", { name: "vera 的操作" }).click();
    await page.getByRole("menuitem", { name: "登录设备" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.locator("li").first().waitFor();
    await screen.axe("somebody's devices");
    await screen.shot("user-devices");
    await dialog.locator("li", { hasText: "Android" }).getByRole("button").click();
    await page.getByRole("button", { name: "退出", exact: true }).click();
    await page.getByText("Chrome · Android 已退出").waitFor();
    await page.keyboard.press("Escape");
    await page.goto("/admin/audit");
    await page.locator("tr", { hasText: "结束会话" }).first().waitFor();
  });
  await phone.page.locator("nav a:visible:not([aria-current])").first().click();
  await phone.page.getByRole("dialog", { name: "请重新登录" }).waitFor();
  await phone.shot("device-ended");
  await phone.sound();
  await phone.close();
});

test("departments: one below another, moved, and not deleted while in use", place, async () => {
  await admin(async (page) => {
    await page.goto("/admin/departments");
    await page.getByRole("button", { name: "在“sales”下新建部门" }).click();
    await page.locator("#department-name").fill("渠道部");
    await button(page, "保存").click();
    await page.locator(".tree .level-2", { hasText: "渠道部" }).waitFor();
    await page.getByRole("button", { name: "删除sales" }).click();
    await button(page.getByRole("dialog"), "删除").click();
    await page.getByRole("alert").waitFor();
    await button(page.getByRole("dialog"), "取消").click();
    await page.getByRole("button", { name: "删除渠道部" }).click();
    await button(page.getByRole("dialog"), "删除").click();
    await page.locator(".tree", { hasText: "渠道部" }).waitFor({ state: "detached" });
  });
});

test("a key is told once, works within its scopes, and is revoked", place, async () => {
  await admin(async (page, screen) => {
    await page.goto("/admin/keys");
    await button(page, "新建密钥").click();
    await page.locator("#key-name").fill("报表程序");
    await page.getByLabel("对象 1").selectOption("lead");
    await screen.axe("a key");
    await button(page, "新建").last().click();
    const field = page.getByLabel("只显示一次的内容");
    await field.waitFor();
    const token = await field.inputValue();
    const read = await w.acme.as(null, "GET", LEADS, { token });
    assert.equal(read.status, 200, read.text);
    const write = await w.acme.as(null, "POST", LEADS, { token, body: { name: "no" } });
    assert.equal(write.status, 403);
    await button(page, "完成").click();
    await page.getByRole("button", { name: "吊销“报表程序”" }).click();
    await button(page.getByRole("dialog"), "吊销").click();
    await page.getByText("密钥已吊销").waitFor();
    assert.equal((await w.acme.as(null, "GET", LEADS, { token })).status, 401);
  });
});

test("a dictionary and a list are changed; English says it, too", place, async () => {
  await admin(async (page) => {
    await page.goto("/admin/dictionaries/industry");
    await page.getByLabel("it English").fill("Software");
    await button(page, "Save").click();
    await page.getByText("Saved").waitFor();
    await page.goto("/admin/views/lead");
    await button(page, "New view").click();
    await page.locator("#view-words-en").fill("Big ones");
    await button(page, "Set").click();
    const rule = page.getByRole("dialog").last();
    await rule.getByLabel("Field").selectOption("score");
    await rule.getByLabel("Operator").selectOption("gte");
    await rule.locator("#filter-0").fill("5");
    await button(rule, "Apply").click();
    await button(page, "Keep in draft").click();
    await page.getByText("Big ones").waitFor();
    await page.goto("/admin/publish");
    await button(page, "Publish").click();
    await page.getByText("Nothing to publish").waitFor();
    await page.goto("/e/lead");
    await page.getByRole("button", { name: "Big ones" }).first().waitFor();
  }, ENGLISH);
});

test("who administers nothing is told so, and what was typed is not lost", place, async () => {
  await as("sales1", async (page) => {
    await page.goto("/admin/roles");
    await page.getByText("您没有这里的管理权限").waitFor();
  });
  await admin(async (page) => {
    await page.goto("/admin/roles/sales");
    await page.locator("#role-label").fill("销售顾问");
    const users = page.locator(".admin-nav a[href='/admin/users']");
    await users.click();
    const question = page.getByRole("dialog", { name: "有未保存的修改" });
    await question.waitFor();
    await page.keyboard.press("Escape");
    await question.waitFor({ state: "detached" });
    assert.equal(await page.locator("#role-label").inputValue(), "销售顾问");
    assert.ok(await users.evaluate((link) => link === document.activeElement), "focus is back");
    await users.click();
    await button(question, "放弃修改并离开").click();
    await page.waitForURL(/admin\/users/);
  });
});

test("in English nothing is cut of what a role may, nor of settings", place, async () => {
  const cut = (selects) =>
    selects
      .map((one) => {
        const pen = document.createElement("canvas").getContext("2d");
        const { font, paddingLeft, paddingRight } = getComputedStyle(one);
        pen.font = font;
        const ARROW = 20;
        const room = one.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight) - ARROW;
        const text = one.selectedOptions[0]?.text ?? "";
        return pen.measureText(text).width > room ? text : "";
      })
      .filter(Boolean);
  await admin(async (page, screen) => {
    await page.goto("/admin/roles/sales");
    await page.locator(".grants select").first().waitFor();
    assert.deepEqual([...new Set(await page.locator(".grants select").evaluateAll(cut))], []);
    await screen.fits("what a role may");
  }, ENGLISH);
  await admin(
    async (page) => {
      await page.goto("/admin/settings");
      await page.locator(".admin-form select").first().waitFor();
      assert.deepEqual(await page.locator(".admin-form select").evaluateAll(cut), []);
    },
    { ...PHONE, locale: "en" },
  );
});
