// platform - what an administrator sees of other systems: letters and their server, webhooks with
// every delivery, jobs, handlers that are paused.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { certify } from "../kit/certify.mjs";
import { browserPlace } from "../kit/browser.mjs";
import { ImapServer } from "../kit/imap.mjs";
import { limit } from "../kit/limits.mjs";
import { bundle, packed } from "../kit/pack.mjs";
import { SmtpServer } from "../kit/smtp.mjs";
import { Target } from "../kit/target.mjs";
import { PASSWORD, world } from "../kit/world.mjs";

const certificate = certify();
const place = browserPlace({ leads: 4 });
const w = world({
  ...place.world,
  env: {
    PERIGEE_OUTBOUND_PRIVATE: "127.0.0.1",
    PERIGEE_OUTBOUND_CA: certificate.paths.cert,
  },
});
const stops = [];
after(() => Promise.all(stops.map((stop) => stop())));

async function admin(work) {
  const screen = await place.open();
  try {
    await screen.signIn("admin", PASSWORD);
    await work(screen.page, screen);
    await screen.sound();
  } catch (error) {
    await screen.shot(`failed-${Date.now()}`);
    throw error;
  } finally {
    await screen.close();
  }
}

const deliveries = async (asked) =>
  (await w.acme.ok("admin", "GET", `/api/v1/records/delivery?${asked}`)).items;

async function until(what, ask) {
  for (let i = 0; i < 300; i++) {
    if (await ask()) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  assert.fail(`waited in vain until something was ${what}`);
}

const button = (page, name) => page.getByRole("button", { name, exact: true });

test("the mail server is set up, tried, and its password never shown again", place, async () => {
  const server = await new SmtpServer({ certificate, user: "crm", password: "Mail-1" }).start();
  stops.push(() => server.stop());
  await admin(async (page, screen) => {
    await page.goto("/admin/mail");
    await page.locator("#mail-host").fill("localhost");
    await page.locator("#mail-port").fill(String(server.port));
    await page.locator("#mail-tls").selectOption(server.mode);
    await button(page, "保存").click();
    await page.locator("#mail-from[aria-invalid='true']").waitFor();
    await page.locator("#mail-from").fill("crm@acme.example.com");
    await button(page, "保存").click();
    await page.getByText("已保存").waitFor();
    await page.getByLabel("收件人").fill("boss@example.com");
    await button(page, "发送测试邮件").click();
    await page.getByText("服务器已接收测试邮件").waitFor();
    assert.equal(server.letters.length, 1);
    await page.reload();
    assert.equal(await page.locator("#mail-host").inputValue(), "localhost");
    await screen.axe("mail");
  });
});

test("a mailbox is set up, refused where it cannot be, looked into, removed", place, async () => {
  const server = await new ImapServer({ certificate, users: { crm: "Box-1" } }).start();
  stops.push(() => server.stop());
  await admin(async (page, screen) => {
    await page.goto("/admin/mailboxes");
    await page.getByText("还没有收件箱").waitFor();
    await button(page, "添加收件箱").click();
    await page.locator("#mailbox-name").fill("Sales Box");
    await page.locator("#mailbox-host").fill("not a host");
    await button(page, "保存").click();
    await page.locator("#mailbox-name[aria-invalid='true']").waitFor();
    await page.locator("#mailbox-name").fill("sales");
    await button(page, "保存").click();
    await page.locator("#mailbox-host[aria-invalid='true']").waitFor();
    await page.locator("#mailbox-host").fill("localhost");
    await page.locator("#mailbox-port").fill(String(server.port));
    await page.locator("#mailbox-tls").selectOption(server.mode);
    await page.locator("#mailbox-user").fill("crm");
    await page.locator("#mailbox-password").fill("Box-1");
    await screen.axe("a mailbox");
    await button(page, "保存").click();
    const card = page.locator(".list-cards .card", { hasText: "sales" });
    await button(card, "立即查看").click();
    await until("looked into", async () => {
      const { items } = await w.acme.ok("admin", "GET", "/api/v1/admin/mailboxes");
      return items[0]?.looked_at && !items[0].error;
    });
    await button(page, "刷新").click();
    await card.getByText(/上次查看/).waitFor();
    await button(card, "编辑").click();
    assert.equal(await page.locator("#mailbox-password").inputValue(), "", "never shown again");
    await page.locator("#mailbox-minutes").fill("30");
    const path = "/api/v1/admin/mailboxes";
    const [{ host, port, tls, user }] = (await w.acme.ok("admin", "GET", path)).items;
    const theirs = { host, port, tls, user, folder: "INBOX", minutes: 7 };
    await w.acme.ok("admin", "PUT", `${path}/sales`, theirs);
    await button(page, "保存").click();
    const clash = page.getByRole("dialog").last();
    await clash.getByText("别人也修改了这项内容").waitFor();
    await screen.axe("a mailbox that two change");
    await screen.shot("mailbox-clash");
    await button(clash, "按选择保存").click();
    await page.getByRole("dialog").first().waitFor({ state: "detached" });
    assert.equal((await w.acme.ok("admin", "GET", path)).items[0].minutes, 30);
    await button(card, "移除收件箱“sales”").click();
    await w.acme.ok("admin", "PUT", `${path}/sales`, theirs);
    await button(page.getByRole("dialog"), "删除").click();
    await page.getByRole("dialog").locator(".form-error").waitFor();
    assert.equal((await w.acme.ok("admin", "GET", path)).items.length, 1, "what has changed stays");
    await button(page.getByRole("dialog"), "删除").click();
    await page.getByText("还没有收件箱").waitFor();
  });
});

test("what is held of a person is exported, and forgotten when that is meant", place, async () => {
  const one = await w.acme.create("admin", "lead", { name: "请忘记我", status: "working" });
  await admin(async (page, screen) => {
    await page.goto("/admin/privacy");
    await button(page, "永久删除").click();
    await page.getByText("此项必填").first().waitFor();
    await page.locator("input#privacy-record").click();
    await page.locator(".el-select-dropdown__item", { hasText: "请忘记我" }).click();
    await page.locator("#privacy-reason").fill("本人来信要求");
    await button(page, "导出全部数据").click();
    await page.getByRole("link", { name: "查看任务" }).waitFor();
    await button(page, "永久删除").click();
    const dialog = page.getByRole("dialog");
    await dialog.locator("#privacy-confirm").fill("别人");
    await button(dialog, "确认永久删除").click();
    await dialog.locator(".error-text, .form-error").first().waitFor();
    await screen.axe("forgetting a person");
    await screen.shot("privacy-refused");
    assert.equal((await w.acme.as("admin", "GET", `/api/v1/records/lead/${one.id}`)).status, 200);
    await dialog.locator("#privacy-confirm").fill("请忘记我");
    await button(dialog, "确认永久删除").click();
    await page.getByText("已永久删除").waitFor();
    assert.equal((await w.acme.as("admin", "GET", `/api/v1/records/lead/${one.id}`)).status, 404);
  });
});

test("letters are worded anew, with what they may say; handlers are listed", place, async () => {
  await admin(async (page, screen) => {
    await page.goto("/admin/templates");
    const row = page.locator("tr", { hasText: "重设密码邮件 · 中文" });
    await button(row, "编辑 重设密码邮件 · 中文").click();
    const text = page.locator("#template-text");
    const before = await text.inputValue();
    await screen.axe("a letter");
    await text.fill(`${before}\n{{ nobody.knows }}`);
    await button(page, "存入草稿").click();
    await page.getByRole("dialog").locator(".error-text").first().waitFor();
    await text.fill(`${before}\n祝好`);
    await button(page, "存入草稿").click();
    await row.getByText("已改写").waitFor();
    await button(row, "编辑 重设密码邮件 · 中文").click();
    await button(page, "恢复原文").click();
    await row.getByText("插件原文").waitFor();
    await w.acme.as("admin", "DELETE", "/api/v1/admin/customization/draft");
    await page.goto("/admin/handlers");
    await page.getByRole("row", { name: /保存时校验/ }).first().waitFor();
    await page.getByLabel("对象").selectOption("");
    await page.getByRole("row", { name: /客户/ }).first().waitFor();
  });
});

test("a webhook is looked into: what was sent, every try, sent again", place, async () => {
  let status = 500;
  const target = new Target(() => status);
  await target.start();
  stops.push(() => target.stop());
  await w.acme.ok("admin", "POST", "/api/v1/admin/plugins/integrations/enable", {});
  const config = "/api/v1/admin/plugins/integrations/config";
  await w.acme.ok("admin", "PUT", config, { allow_http: true });
  const hook = await w.acme.create("admin", "webhook", {
    name: "ERP",
    url: `${target.url}/erp`,
    secret: "a-secret-of-enough-length-2026",
    entities: ["account"],
  });
  await w.acme.create("admin", "account", { name: "投递客户" });
  await until("tried", async () => (await deliveries("tries[gte]=1")).length > 0);
  status = 200;
  await admin(async (page, screen) => {
    await page.goto("/admin/webhooks");
    await page.getByRole("link", { name: "ERP" }).click();
    await page.waitForURL(new RegExp(`/admin/webhooks/${hook.id}`));
    await page.locator(".log-link").first().click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("500").first().waitFor();
    await dialog.getByText("投递客户").waitFor();
    await screen.axe("a delivery");
    await page.keyboard.press("Escape");
    await button(page, "重新投递").first().click();
    await page.getByText("已安排重新投递").waitFor();
    await until("sent", async () => (await deliveries("state=sent")).length > 0);
    await button(page, "刷新").click();
    await page.locator(".admin-table .tag", { hasText: "已送达" }).first().waitFor();
    await button(page, "暂停").click();
    await page.locator(".admin-head .tag", { hasText: "已暂停" }).waitFor();
  });
});

test("a handler that was paused is seen, and let go on", place, async () => {
  const id = "acme.kit";
  const files = bundle(id, {
    "init.lua": 'crm.on("lead", "after_commit", { id = "told" }, function() end)\n',
  });
  const made = await w.acme.as(
    "admin",
    "POST",
    `/api/v1/admin/plugins/${id}/deploys`,
    packed(files),
  );
  assert.equal(made.status, 201, made.text);
  const handler = `hook:${id}:told@lead`;
  await w.acme.ok("admin", "POST", "/api/v1/admin/outbox/pause", { handler });
  await w.acme.create("sales1", "lead", { name: "等待投递" });
  await admin(async (page, screen) => {
    await page.goto("/admin/plugins");
    await page.locator(`[data-plugin="${id}"]`).getByText("1 项已暂停").waitFor();
    await page.goto(`/admin/plugins/${id.replace(".", "~")}`);
    await page.locator(".admin-table .tag").first().waitFor();
    await screen.axe("health");
    await page.goto("/admin/outbox");
    await page.getByLabel("状态").selectOption("paused");
    await page.getByRole("row", { name: /told/ }).waitFor();
    await screen.shot("outbox-paused");
    await page.getByRole("button", { name: /恢复/ }).click();
    await page.getByText("没有暂停的投递").waitFor();
  });
});

test("a job of a plugin is run now, paused and resumed", place, async () => {
  await admin(async (page) => {
    await page.goto("/admin/jobs");
    const row = page.getByRole("row", { name: /回收线索到公海/ });
    await row.getByText("线索").first().waitFor();
    await row.getByText("每天 02:30").waitFor();
    await row.getByRole("button", { name: "立即运行" }).click();
    await page.getByText("已完成").first().waitFor();
    await row.getByRole("button", { name: "暂停" }).click();
    await row.getByText("已暂停").waitFor();
    await row.getByRole("button", { name: "恢复" }).click();
    await row.getByText("已暂停").waitFor({ state: "detached" });
  });
});

const FEEDS = `crm.job("pull", { retry = 0 }, function() error("the far side says no") end)
crm.route("POST", "/pull", { body = { feed = "text!" } }, function(req, ctx)
  return { id = crm.id_text(ctx.queue:push("pull", {}, { part = req.body.feed })) }
end)
`;

test("a part of a job that failed too often is named, and let go on", place, async () => {
  const id = `${w.acme.name}.feeds`;
  const feed = {
    name: "x_feed",
    label: "@x_feed",
    title: "name",
    fields: [{ no: 1, name: "name", type: "text", label: "name" }],
  };
  const texts = { x_feed: "来源", "job.pull": "拉取" };
  const files = bundle(
    id,
    {
      "entities/x_feed.json": feed,
      "i18n/zh-CN.json": texts,
      "i18n/en.json": texts,
      "init.lua": FEEDS,
    },
    { requires: {} },
  );
  const path = `/api/v1/admin/plugins/${id}/deploys`;
  const made = await w.acme.as("admin", "POST", path, packed(files));
  assert.equal(made.status, 201, made.text);
  const { id: part } = await w.acme.create("admin", "x_feed", { name: "门店电子秤" });
  const push = () => w.acme.ok("admin", "POST", `/api/v1/x/${id}/pull`, { feed: part });
  for (let i = 0; i < limit("TRIP_ERRORS_MAX"); i++) await push();
  const job = async () => {
    const { items } = await w.acme.ok("admin", "GET", "/api/v1/admin/jobs");
    return items.find((item) => item.plugin === id);
  };
  await until("paused", async () => (await job())?.paused_parts.length);
  await admin(async (page, screen) => {
    await page.goto("/admin/jobs");
    const line = page.locator(".held-part");
    await line.getByRole("link", { name: "门店电子秤" }).waitFor();
    await line.getByText("来源").waitFor();
    await line.getByText(/拉取.*连续失败，.*自动暂停/).waitFor();
    await line.getByText(/the far side says no/).waitFor();
    await page.getByText("1 个部分已暂停").waitFor();
    await screen.axe("jobs");
    await screen.shot("jobs-parts");
    await page.getByRole("button", { name: "恢复 门店电子秤" }).click();
    await line.waitFor({ state: "detached" });
  });
  assert.deepEqual((await job()).paused_parts, []);
});
