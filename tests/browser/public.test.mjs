// public - the pages for people without an account: a web form, a support form, a request's page.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { DESKTOP, ENGLISH, PHONE, browserPlace } from "../kit/browser.mjs";
import { must } from "../kit/server.mjs";
import { world } from "../kit/world.mjs";

const KIB = 1024;
const PAGE_MAX = 16 * KIB; // of all that such a page loads
const R = "/api/v1/records";
const place = browserPlace({ leads: 0 });
const w = world({
  ...place.world,
  setup: async (at) => {
    must(at.server.data, ["plugin", "enable", "acme", "tickets"]);
    await place.world.setup(at);
  },
});

async function visiting(device, work) {
  const screen = await place.open(device);
  try {
    await work(screen.page, screen);
    await screen.sound();
  } catch (error) {
    await screen.shot(`failed-${Date.now()}`);
    throw error;
  } finally {
    await screen.close();
  }
}

test("a stranger fills in the web form on a phone, and a lead is there", place, async (t) => {
  await visiting(PHONE, async (page, screen) => {
    let bytes = 0;
    page.on("response", async (response) => {
      const { pathname } = new URL(response.url());
      if (/^\/(assets|f)\//.test(pathname)) bytes += (await response.body()).length;
    });
    await page.goto("/f/leads?utm_source=wechat&campaign=spring");
    await page.locator("h1", { hasText: "联系我们" }).waitFor();
    await screen.fits("the web form");
    await screen.axe("the web form");
    await screen.shot("public-form");
    await page.getByLabel("姓名").fill("陌生人");
    await page.getByLabel("电话").fill("not a phone");
    await page.getByLabel(/我同意/).check();
    await page.getByRole("button", { name: "提交" }).click();
    await page.getByRole("alert").waitFor();
    assert.equal(await page.getByLabel("姓名").inputValue(), "陌生人");
    await page.getByLabel("电话").fill("13900005555");
    await page.getByRole("button", { name: "提交" }).click();
    await page.getByRole("status").getByText("已收到").waitFor();
    t.diagnostic(`the web form: ${Math.round(bytes / KIB)} KiB before compression`);
    assert.ok(bytes <= PAGE_MAX, `${bytes} bytes`);
  });
  const found = await w.acme.ok("admin", "GET", `${R}/lead?q=5555`);
  assert.equal(found.items[0].name, "陌生人");
  assert.equal(found.items[0].campaign, "spring");
});

test("too many requests and no connection are told, and nothing typed is lost", place, async () => {
  await visiting(DESKTOP, async (page) => {
    await page.goto("/f/leads");
    await page.getByLabel("姓名").fill("等一等");
    await page.getByLabel("邮箱").fill("wait@example.com");
    await page.getByLabel(/我同意/).check();
    await page.route("**/x/leads/web", (route) =>
      route.fulfill({ status: 429, headers: { "Retry-After": "30" }, json: {} }),
    );
    await page.getByRole("button", { name: "提交" }).click();
    await page.getByText("提交太频繁，请 30 秒后重试。").waitFor();
    assert.equal(await page.getByLabel("姓名").inputValue(), "等一等");
  });
});

test("a request is made, answered, solved and rated by its link", place, async () => {
  let link = "";
  await visiting(ENGLISH, async (page, screen) => {
    await page.goto("/f/support");
    await page.getByLabel(/E-mail/).fill("customer@example.com");
    await page.getByLabel(/Subject/).fill("It does not start");
    await page.getByLabel(/Description/).fill("Black screen since this morning.");
    await page.getByRole("button", { name: "Send" }).click();
    const progress = page.getByRole("link", { name: "See the progress" });
    link = await progress.getAttribute("href");
    await progress.click();
    await page.getByText("In progress").waitFor();
    await page.getByLabel(/Add something/).fill("It beeps, too.");
    await page.getByRole("button", { name: "Send" }).click();
    await page.locator(".said").getByText("It beeps, too.").waitFor();
    await screen.axe("the request");
  });
  const { items } = await w.acme.ok("admin", "GET", `${R}/ticket?limit=1`);
  const path = `${R}/ticket/${items[0].id}/actions`;
  await w.acme.ok("admin", "POST", `${path}/reply`, { body: "Please hold the button." });
  await w.acme.ok("admin", "POST", `${path}/resolve`, { resolution: "done" });
  await visiting(PHONE, async (page, screen) => {
    await page.goto(link.replace("lang=en", "lang=zh"));
    await page.getByText("Please hold the button.").waitFor();
    await screen.fits("the rating");
    await screen.axe("the rating");
    await screen.shot("public-rate");
    await page.getByRole("button", { name: "提交评价" }).click();
    await page.getByText("请先选择星级。").waitFor();
    await page.getByLabel(/4 - /).check({ force: true });
    await page.getByRole("button", { name: "提交评价" }).click();
    await page.getByText("感谢您的评价！").waitFor();
  });
  const now = await w.acme.ok("admin", "GET", `${R}/ticket/${items[0].id}`);
  assert.equal(now.score, 4);
  await visiting(DESKTOP, async (page) => {
    await page.goto(`/rate/${"0".repeat(32)}`);
    await page.locator("h1", { hasText: "链接无效或已过期" }).waitFor();
  });
});

test("the support form asks what the company's forms ask, in both languages", place, async () => {
  const form = (fields) => w.acme.create("admin", "ticket_form", fields);
  const ask = (fields) => w.acme.create("admin", "ticket_form_field", { portal: true, ...fields });
  const own = await form({ name: "咨询 Question", type: "question", order: 1 });
  await ask({ form: own.id, field: "product", required: true, help: "铭牌上的 On its plate" });
  await ask({ form: own.id, field: "serial", required: true, portal: false });
  const refund = await form({ name: "退款 Refund", type: "refund", order: 2 });
  await ask({ form: refund.id, field: "serial", required: true });
  await ask({ form: refund.id, field: "priority" });
  const of = async (subject) =>
    (await w.acme.ok("admin", "GET", `${R}/ticket?subject=${subject}`)).items[0];
  await visiting(ENGLISH, async (page, screen) => {
    await page.goto("/f/support");
    await page.getByLabel(/E-mail/).fill("customer@example.com");
    await page.getByLabel(/Subject/).fill("a-question");
    await page.getByLabel(/Description/).fill("Which oil?");
    assert.equal(await page.getByLabel(/Serial/).count(), 0);
    await page.getByText("铭牌上的 On its plate").waitFor();
    await screen.axe("a form of a company");
    await page.getByRole("button", { name: "Send" }).click();
    assert.equal(await page.getByLabel(/Product/).evaluate((at) => at.validity.valueMissing), true);
    await page.getByLabel(/Product/).fill("Pump");
    await page.getByRole("button", { name: "Send" }).click();
    await page.getByRole("link", { name: "See the progress" }).waitFor();
  });
  const question = await of("a-question");
  assert.deepEqual([question.type, question.product, question.form], ["question", "Pump", own.id]);
  await visiting(PHONE, async (page, screen) => {
    await page.goto("/f/support");
    await page.getByLabel(/邮箱/).fill("customer@example.com");
    await page.getByLabel(/主题/).fill("a-refund");
    await page.getByLabel(/请求类型/).selectOption("refund");
    await page.getByLabel(/序列号/).fill("S1");
    assert.equal(await page.getByLabel(/主题/).inputValue(), "a-refund");
    assert.equal(await page.getByLabel(/产品/).count(), 0);
    await page.getByLabel(/优先级/).selectOption("high");
    await page.getByLabel(/问题描述/).fill("它坏了。");
    await screen.fits("a form of a company");
    await page.getByRole("button", { name: "提交" }).click();
    await page.getByRole("status").getByText("已收到").waitFor();
  });
  const made = await of("a-refund");
  assert.deepEqual([made.type, made.serial, made.priority], ["refund", "S1", "high"]);
});
