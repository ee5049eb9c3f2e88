// failures - what can go wrong while somebody works: what was typed stays, the person is told in
// their language what happened and what to do next, and goes on.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { DESKTOP, ENGLISH, PHONE, browserPlace } from "../kit/browser.mjs";
import { bundle, packed } from "../kit/pack.mjs";
import { PASSWORD, world } from "../kit/world.mjs";

const LEADS = "/api/v1/records/lead";
const place = browserPlace({ leads: 8 });
const w = world(place.world);

async function working(device, login, work) {
  const screen = await place.open(device);
  screen.provoked = true;
  try {
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

/** A form with something typed into it. */
async function typing(page, name = "李未存") {
  await page.goto("/e/lead/new");
  await page.locator("#f-name").fill(name);
  await page.locator("#f-company").fill("未存公司");
}

const save = (page, name = "保存") => page.getByRole("button", { name, exact: true }).click();
const kept = async (page, name = "李未存") =>
  assert.deepEqual(
    [await page.locator("#f-name").inputValue(), await page.locator("#f-company").inputValue()],
    [name, "未存公司"],
  );
const saved = (page) => page.waitForURL((url) => /^\/e\/lead\/[0-9A-Z]{13}$/.test(url.pathname));

/** What went wrong is in sight where the button was pressed, with nothing over it. */
async function inSight(page) {
  const alert = page.locator(".form-error");
  await alert.waitFor();
  const isSeen = await alert.evaluate((box) => {
    const { left, top, width, height } = box.getBoundingClientRect();
    const at = (y) => box.contains(document.elementFromPoint(left + width / 2, y));
    return at(top + 4) && at(top + height - 4);
  });
  assert.ok(isSeen, "the error is out of sight");
  return alert;
}

async function withFault(work) {
  const id = "acme.faulty";
  const path = `/api/v1/admin/plugins/${id}`;
  const files = bundle(id, {
    "init.lua": `crm.on("lead", "validate", { id = "fault", fields = { "company" } }, function(ev)
  if (ev.record.company or ""):find("未存") then error("broken on purpose") end
end)\n`,
  });
  const answer = await w.acme.as("admin", "POST", `${path}/deploys`, packed(files));
  assert.ok(answer.status < 300, answer.text);
  try {
    await work(() => w.acme.ok("admin", "POST", `${path}/disable`, {}));
  } finally {
    await w.acme.as("admin", "POST", `${path}/disable`, { body: {} });
  }
}

for (const [device, name, hint, button] of [
  [DESKTOP, "zh-CN", /追踪号 [0-9a-z-]+/i, "保存"],
  [ENGLISH, "en", /Trace (id|ID)?:? ?[0-9a-z-]+/i, "Save"],
]) {
  test(`500 in ${name}: the trace id is shown, and it is saved later`, place, async () => {
    await withFault(async (mend) => {
      await working(device, "sales1", async (page, screen) => {
        await typing(page);
        await save(page, button);
        const alert = await inSight(page);
        assert.match(await alert.innerText(), hint);
        await kept(page);
        await screen.axe("the form with an error");
        await screen.shot(`failure-500-${name}`);
        await mend();
        await save(page, button);
        await saved(page);
      });
    });
  });
}

test("429: it is told when to try again, and trying again works", place, async () => {
  await working(PHONE, "sales1", async (page, screen) => {
    await typing(page);
    const refuse = (route) =>
      route.request().method() === "POST"
        ? route.fulfill({
            status: 429,
            headers: { "retry-after": "7", "content-type": "application/json" },
            body: JSON.stringify({ error: { code: "rate_limited", message: "太频繁。" } }),
          })
        : route.continue();
    await page.route(`**${LEADS}`, refuse); // as something in front of the server answers
    await save(page);
    await page.locator(".form-error").getByText("7 秒后").waitFor();
    await inSight(page);
    await kept(page);
    await screen.fits("the form with an error");
    await page.unroute(`**${LEADS}`, refuse);
    await save(page);
    await saved(page);
  });
});

test("guessing passwords is stopped, and the page says for how long", place, async () => {
  const screen = await place.open(DESKTOP);
  await screen.page.goto("/login");
  await screen.page.locator("#login").fill("sales3");
  for (let i = 0; i < 6; i++) {
    await screen.page.locator("#password").fill(`wrong ${i}`);
    const answer = screen.page.waitForResponse("**/api/v1/sessions");
    await screen.page.keyboard.press("Enter");
    if ((await answer).status() === 429) break;
  }
  await screen.page.getByText(/请在 \d+ 秒后重试/).waitFor();
  assert.equal(await screen.page.locator("#login").inputValue(), "sales3");
  await screen.sound();
  await screen.close();
});

test("403: a right that was taken away is named, and nothing is lost", place, async () => {
  const made = await w.acme.create("manager", "lead", {
    name: "权限",
    owner: w.acme.users.sales1,
  });
  await working(DESKTOP, "sales1", async (page) => {
    await page.goto(`/e/lead/${made.id}/edit`);
    await page.locator("#f-company").fill("我填的公司");
    const user = `/api/v1/admin/users/${w.acme.users.sales1}`;
    await w.acme.ok("admin", "PATCH", user, { roles: ["viewer"] });
    try {
      await save(page);
      await page.locator(".form-error").getByText("管理员").waitFor();
      await inSight(page);
      assert.equal(await page.locator("#f-company").inputValue(), "我填的公司");
    } finally {
      await w.acme.ok("admin", "PATCH", user, { roles: ["sales"] });
    }
    await save(page);
    await saved(page);
  });
});

test("a lost connection: a bar says so, the form stays and is saved later", place, async () => {
  await working(PHONE, "sales1", async (page, screen) => {
    await typing(page);
    await screen.context.setOffline(true);
    await save(page);
    await page.locator(".form-error").getByText("网络已断开").waitFor();
    await inSight(page);
    await page.locator(".offline").waitFor();
    await kept(page);
    await screen.fits("the offline bar");
    await screen.shot("failure-offline");
    await screen.context.setOffline(false);
    await page.locator(".offline").waitFor({ state: "detached" });
    await save(page);
    await saved(page);
  });
});

test("a dashboard that cannot be read says why, and comes when asked again", place, async () => {
  await working(PHONE, "manager", async (page, screen) => {
    await page.route("**/api/v1/queries", (route) =>
      route.fulfill({
        status: 500,
        json: { error: { code: "internal", message: "服务器出错了", trace: "t-123" } },
      }),
    );
    await page.goto("/dash/leads");
    const failure = page.locator(".empty[role=alert]");
    await failure.getByText("追踪号 t-123").waitFor();
    await screen.axe("a dashboard that failed");
    await screen.fits("a dashboard that failed");
    await screen.shot("failure-dashboard");
    await page.unroute("**/api/v1/queries");
    await page.route("**/api/v1/queries", async (route) => {
      const answer = await route.fetch();
      const json = await answer.json();
      json.results[0] = { error: { code: "forbidden", message: "没有权限" } };
      await route.fulfill({ response: answer, json });
    });
    await failure.getByRole("button", { name: "重试" }).click();
    await page.getByText("没有权限").waitFor();
    await page.locator(".report svg").first().waitFor();
    await screen.shot("failure-tile");
  });
});

test("a list that cannot be read on says so, keeps its rows and goes on", place, async () => {
  await working(DESKTOP, "sales1", async (page, screen) => {
    await page.goto("/e/lead");
    await page.locator(".grid tbody .name").first().waitFor();
    await screen.context.setOffline(true);
    await page.locator("th button").first().click();
    await page.getByText("出了点问题").waitFor();
    await screen.context.setOffline(false);
    await page.getByRole("button", { name: "重试" }).click();
    await page.getByText("出了点问题").waitFor({ state: "detached" });
    await page.locator(".grid tbody .name").first().waitFor();
  });
});

for (const [device, login, again, button, why] of [
  [DESKTOP, "sales1", "登录", "保存", "请重新登录"],
  [ENGLISH, "sales2", "Sign in", "Save", "Please sign in again"],
]) {
  test(`a session that ended, for ${login}: signing in goes on with the save`, place, async () => {
    await working(device, login, async (page, screen) => {
      await typing(page);
      await w.acme.ok("admin", "DELETE", `/api/v1/admin/users/${w.acme.users[login]}/sessions`);
      delete w.acme.tokens[login];
      await save(page, button);
      const dialog = page.getByRole("dialog", { name: why });
      await dialog.locator("#again-password").fill("not the password");
      await page.keyboard.press("Enter");
      await dialog.getByRole("alert").waitFor();
      await screen.axe("signing in again");
      await screen.shot(`failure-session-${login}`);
      await page.keyboard.press("Escape"); // not now: the form stays
      await kept(page);
      await save(page, button);
      await dialog.locator("#again-password").fill(PASSWORD);
      await dialog.getByRole("button", { name: again }).click();
      await saved(page);
      await page.locator(".record-title", { hasText: "李未存" }).waitFor();
    });
  });
}

test("404: a record that somebody deleted meanwhile leaves what was typed", place, async () => {
  const made = await w.acme.create("sales1", "lead", { name: "流程", status: "new" });
  await working(DESKTOP, "sales1", async (page) => {
    await page.goto(`/e/lead/${made.id}/edit`);
    await page.locator("#f-company").fill("还在");
    await w.acme.ok("manager", "DELETE", `${LEADS}/${made.id}`);
    await save(page);
    await page.locator(".form-error").getByText("可能已被删除").waitFor();
    assert.equal(await page.locator("#f-company").inputValue(), "还在");
  });
});

test("412: a card that somebody else changed goes back and says why", place, async () => {
  const made = await w.acme.create("sales1", "lead", { name: "流程", status: "working" });
  await working(DESKTOP, "sales1", async (page) => {
    await page.goto("/e/lead?mode=board");
    const card = page.locator(`[data-id="${made.id}"]`);
    await card.waitFor();
    await w.acme.ok("sales1", "PATCH", `${LEADS}/${made.id}`, { company: "别人改了" });
    await card.scrollIntoViewIfNeeded();
    await card.getByRole("button").click();
    await page.getByRole("menuitem", { name: "已确认" }).click();
    await page.getByText("别人刚刚修改了这条记录").waitFor();
    const column = page.locator('.board-cards[data-value="working"]');
    await column.locator(`[data-id="${made.id}"]`).waitFor();
  });
});

test("a field type nobody knows is text to read and text to write", place, async () => {
  await working(DESKTOP, "sales1", async (page, screen) => {
    await page.route("**/api/v1/meta/lead*", async (route) => {
      const answer = await route.fetch();
      const meta = await answer.json();
      const entity = meta.entity ?? meta;
      for (const field of entity.fields) {
        if (field.name === "company") Object.assign(field, { type: "hologram", operators: ["eq"] });
      }
      entity.views.push({ kind: "spectacle", entity: "lead", name: "unknown" });
      const page_ = entity.views.find((one) => one.kind === "page");
      page_?.left?.sections?.[0]?.cells?.unshift({ widget: "unheard" });
      page_?.main?.tabs?.push({ id: "tab.x", label: "未知", widget: "nowhere" });
      await route.fulfill({ response: answer, json: meta });
    });
    await page.goto("/e/lead");
    await page.getByText("远景1有限公司").waitFor();
    await page.locator(".grid tr", { hasText: "远景1有限公司" }).locator(".name").click();
    await page.locator(".record-title").waitFor();
    await page.locator(".record").getByText("远景1有限公司").first().waitFor();
    await page.getByRole("tab", { name: "未知" }).click();
    await page.getByText("此处的内容无法显示").last().waitFor();
    await screen.axe("the record with what is unknown");
    await page.goto("/e/lead/new");
    await page.locator("#f-name").fill("未知类型");
    await page.locator("#f-company").fill("文本公司");
    await save(page);
    await saved(page);
    await page.unrouteAll({ behavior: "ignoreErrors" });
  });
});

const SETTINGS = "**/api/v1/admin/settings";
const TOLD = [
  [403, "forbidden", {}, /没有权限/],
  [422, "validation_failed", {}, /名称不行/],
  [429, "rate_limited", { "retry-after": "7" }, /7 秒后/],
  [500, "internal", {}, /追踪号 t-settings/],
];

test("settings: what was typed stays, whatever the answer, and is saved later", place, async () => {
  await working(PHONE, "admin", async (page, screen) => {
    await page.goto("/admin/settings");
    const name = page.locator("#company-title");
    await name.waitFor();
    const was = await name.inputValue();
    await name.fill("新公司名");
    for (const [status, code, headers, told] of TOLD) {
      const message = status === 403 ? "没有权限" : "不行";
      const fields = status === 422 ? { title: [{ code: "bad", message: "名称不行" }] } : {};
      const error = { code, message, fields, trace: "t-settings" };
      const refuse = (route) =>
        route.request().method() === "GET"
          ? route.continue()
          : route.fulfill({ status, headers, json: { error } });
      await page.route(SETTINGS, refuse);
      await save(page);
      await page.getByText(told).first().waitFor();
      assert.equal(await name.inputValue(), "新公司名", String(status));
      await screen.fits(`settings after ${status}`);
      await page.unroute(SETTINGS, refuse);
    }
    await screen.context.setOffline(true);
    await save(page);
    await page.locator(".form-error").waitFor();
    assert.equal(await name.inputValue(), "新公司名");
    await screen.context.setOffline(false);
    for (const text of ["新公司名", was]) {
      await name.fill(text);
      const answer = page.waitForResponse((one) => one.request().method() === "PATCH");
      await save(page);
      assert.equal((await answer).status(), 200);
      await page.getByText("已保存").last().waitFor();
      await page.locator(".form-error").waitFor({ state: "detached" });
    }
  });
});
