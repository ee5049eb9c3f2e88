// platform - what an administrator sees of other systems: letters and their server, webhooks with
// every delivery, jobs, handlers that are paused.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { certify } from "../kit/certify.mjs";
import { browserPlace } from "../kit/browser.mjs";
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
    await page.getByRole("row", { name: /told@lead/ }).waitFor();
    await screen.shot("outbox-paused");
    await page.getByRole("button", { name: /恢复/ }).click();
    await page.getByText("没有暂停的投递").waitFor();
  });
});

test("a job of a plugin is run now, paused and resumed", place, async () => {
  await admin(async (page) => {
    await page.goto("/admin/jobs");
    const row = page.getByRole("row", { name: /recycle / });
    await row.getByRole("button", { name: "立即运行" }).click();
    await page.getByText("已完成").first().waitFor();
    await row.getByRole("button", { name: "暂停" }).click();
    await row.getByText("已暂停").waitFor();
    await row.getByRole("button", { name: "恢复" }).click();
    await row.getByText("已暂停").waitFor({ state: "detached" });
  });
});
