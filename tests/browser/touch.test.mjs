// touch - a finger on a phone: it scrolls, and where it rests it drags a card or a task.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { PHONE, browserPlace } from "../kit/browser.mjs";
import { PASSWORD, world } from "../kit/world.mjs";

const place = browserPlace({ leads: 6 });
const w = world(place.world);

/** One finger, from the middle of something; `rest` is how long it lies still first. */
class Finger {
  static async on(screen, target) {
    const finger = new Finger();
    finger.page = screen.page;
    finger.session = await screen.context.newCDPSession(screen.page);
    const box = await target.boundingBox();
    finger.at = { x: box.x + 60, y: box.y + box.height / 2 };
    return finger;
  }

  send(type, points = [this.at]) {
    return this.session.send("Input.dispatchTouchEvent", { type, touchPoints: points });
  }

  async down(rest = 0) {
    await this.send("touchStart");
    if (rest) await this.page.waitForTimeout(rest); // a finger that rests takes hold
  }

  async to(x, y, steps = 10) {
    const from = this.at;
    for (let i = 1; i <= steps; i++) {
      const part = (a, b) => a + ((b - a) * i) / steps;
      this.at = { x: part(from.x, x), y: part(from.y, y) };
      await this.send("touchMove");
      await this.page.waitForTimeout(25);
    }
  }

  up() {
    return this.send("touchEnd", []);
  }
}

async function onPhone(path, work, login = "sales1") {
  const screen = await place.open(PHONE);
  try {
    await screen.signIn(login, PASSWORD);
    await screen.page.goto(path);
    await screen.settled();
    await work(screen.page, screen);
    await screen.sound();
  } catch (error) {
    await screen.shot(`failed-${Date.now()}`);
    throw error;
  } finally {
    await screen.close();
  }
}

const task = (due) => w.acme.create("sales1", "task", { subject: "回访王总", due_at: due });
const dueOf = async ({ id }) =>
  (await w.acme.ok("sales1", "GET", `/api/v1/records/task/${id}`)).due_at;

test("a card is dragged to the next column with a finger", place, async () => {
  const made = await w.acme.create("sales1", "lead", { name: "手指卡", status: "new" });
  await onPhone("/e/lead?mode=board", async (page, screen) => {
    const card = page.locator(`[data-id="${made.id}"]`);
    await card.waitFor();
    await screen.draggable(card);
    const finger = await Finger.on(screen, card);
    await finger.down(400);
    await finger.to(376, finger.at.y, 14);
    await page.waitForTimeout(200);
    await finger.up();
    await page.getByText(/手指卡 已移到/).waitFor();
    const now = await w.acme.ok("sales1", "GET", `/api/v1/records/lead/${made.id}`);
    assert.notEqual(now.status, "new");
  });
});

test("a task is dragged to another day of the calendar with a finger", place, async () => {
  const made = await task("2026-03-18T06:00:00Z");
  await onPhone("/e/task?mode=calendar&d=2026-03-18&p=day", async (page, screen) => {
    const item = page.locator(`[data-id="${made.id}"]`);
    await item.waitFor();
    await screen.draggable(item);
    const finger = await Finger.on(screen, item);
    await finger.down(450);
    await finger.to(finger.at.x + 10, finger.at.y - 10, 3);
    const day = page.locator('.cal-strip [data-day="2026-03-20"]');
    await day.waitFor();
    await screen.shot("calendar-held");
    const box = await day.boundingBox();
    await finger.to(box.x + box.width / 2, box.y + box.height / 2, 14);
    await page.waitForTimeout(150);
    await finger.up();
    await page.getByText("回访王总 已移到 2026-03-20").waitFor();
    assert.equal(await dueOf(made), "2026-03-20T06:00:00.000Z");
    await page.locator(".cal-strip").waitFor({ state: "detached" });
    await screen.fits("the calendar");
  });
});

test("a finger that moves at once scrolls the calendar and drags nothing", place, async () => {
  const made = [];
  for (let i = 0; i < 14; i++) made.push(await task(`2026-03-10T0${i % 9}:00:00Z`));
  await onPhone("/e/task?mode=calendar&d=2026-03-10&p=day", async (page, screen) => {
    const item = page.locator(`[data-id="${made[8].id}"]`);
    await item.waitFor();
    const finger = await Finger.on(screen, item);
    finger.at.y = 600;
    await finger.down();
    await finger.to(finger.at.x, 250, 8);
    await finger.up();
    await page.waitForFunction(() => document.getElementById("main").scrollTop > 60);
    assert.equal(await page.locator(".cal-strip").count(), 0);
  });
});

test("what a field means is read with a finger, too, and closed again", place, async () => {
  const fields = [
    { no: 1, name: "name", type: "text", label: "名称" },
    { no: 2, name: "code", type: "text", label: "编码", help: "合同上的编号" },
  ];
  const entity = { name: "x_paper", label: "文件", title: "name", fields };
  const document = { entities: [entity] };
  await w.acme.ok("admin", "PUT", "/api/v1/admin/customization/draft", { document });
  await w.acme.ok("admin", "POST", "/api/v1/admin/customization/publish", {});
  const work = async (page, screen) => {
    const mark = page.getByRole("button", { name: "“编码”的说明" });
    await mark.scrollIntoViewIfNeeded();
    const { width, height } = await mark.evaluate((one) => {
      const { width: w, height: h } = getComputedStyle(one, "::after");
      return { width: parseFloat(w), height: parseFloat(h) };
    });
    assert.ok(Math.min(width, height) >= 44, `a finger meets ${width} x ${height}`);
    await mark.tap();
    await page.getByText("合同上的编号").waitFor();
    assert.equal(await mark.getAttribute("aria-expanded"), "true");
    await screen.axe("help of a field");
    await screen.shot("touch-help");
    await mark.tap();
    await page.getByText("合同上的编号").waitFor({ state: "detached" });
  };
  await onPhone("/e/x_paper/new", work, "admin");
});

test("the board marks what is overdue, and what is not yet, does not", place, async () => {
  const at = (days) => new Date(Date.now() + days * 86_400_000).toISOString();
  const make = (name, next_contact_at) =>
    w.acme.create("sales1", "lead", { name, next_contact_at });
  const late = await make("早该联系", at(-2));
  const fine = await make("明天联系", at(1));
  await onPhone("/e/lead?mode=board", async (page, screen) => {
    const card = (id) => page.locator(`.board-card[data-id="${id}"]`);
    await card(late.id).locator(".late").waitFor();
    await card(fine.id).waitFor();
    assert.equal(await card(fine.id).locator(".late").count(), 0);
    await screen.axe("a board with what is overdue");
    await screen.shot("touch-overdue");
  });
});

test("Back takes away what lies above the page, and then goes back", place, async () => {
  await onPhone("/e/lead", async (page, screen) => {
    const isHere = (path) => assert.equal(new URL(page.url()).pathname, path);
    const goneBack = async (what) => {
      await what.waitFor();
      await page.goBack();
      await what.waitFor({ state: "detached" });
    };
    const search = page.locator("header .search");
    await page.locator('.nav-bar a[href="/"]').click();
    await page.waitForURL((url) => url.pathname === "/");
    await page.goBack();
    await page.waitForURL((url) => url.pathname === "/e/lead");
    await page.locator(".list-head").waitFor();
    for (let i = 0; i < 2; i++) {
      await search.click(); // the first page of the tab: there is nothing behind it
      await goneBack(page.locator(".palette-input"));
      isHere("/e/lead");
    }
    // closed by its own button, it is no step that somebody has to take twice
    const fresh = await page.context().newPage();
    screen.watch(fresh);
    await fresh.goto("/e/account");
    await fresh.locator(".list-head").waitFor();
    await fresh.goto("/e/lead");
    await fresh.locator(".list-head").waitFor();
    await fresh.locator("header .search").click();
    await fresh.locator(".palette-input").waitFor();
    await fresh.locator(".palette").getByRole("button", { name: "取消" }).click();
    await fresh.locator(".palette-input").waitFor({ state: "detached" });
    await fresh.goBack();
    await fresh.waitForURL((url) => url.pathname === "/e/account");
    await fresh.close();
    await page.goto("/e/account");
    await screen.settled();
    await page.locator('.nav-bar a[href="/"]').click();
    await page.waitForURL((url) => url.pathname === "/");
    await page.locator('.nav-bar a[href="/e/lead"]').click();
    await page.waitForURL((url) => url.pathname === "/e/lead");
    await page.locator(".list-head").getByRole("button", { name: "新建" }).click();
    await goneBack(page.locator("#q-name"));
    isHere("/e/lead");
    await page.locator("header .drop .btn").last().click();
    await goneBack(page.getByRole("menuitem", { name: "任务" }).first());
    isHere("/e/lead");
    await page.locator("header .drop .btn").last().click();
    await page.getByRole("menuitem", { name: "任务" }).first().waitFor();
    await page.evaluate(() => (history.back(), history.back())); // a thumb that is too quick
    await page.getByRole("menuitem", { name: "任务" }).first().waitFor({ state: "detached" });
    await page.waitForTimeout(300); // until its steps have been taken back
    await page.locator(".list-head h1", { hasText: "线索" }).waitFor();
    isHere("/e/lead");
    await page.goBack();
    await page.waitForURL((url) => url.pathname === "/");
    await page.locator(".home").waitFor();
    await page.goForward();
    await page.waitForURL((url) => url.pathname === "/e/lead");
  });
});
