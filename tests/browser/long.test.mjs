// long - a list of more records than anybody scrolls through: it goes on as it is scrolled, its end
// is one press away, and what is drawn stays small.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { DESKTOP, PHONE, browserPlace } from "../kit/browser.mjs";
import { PASSWORD, world } from "../kit/world.mjs";

const LEADS = 340;
const NODES_MAX = 3500;
const place = browserPlace({ leads: LEADS });
const w = world(place.world);

async function looking(device, work) {
  const screen = await place.open(device);
  try {
    await screen.signIn("manager", PASSWORD);
    await work(screen.page, screen);
    await screen.sound();
  } catch (error) {
    await screen.shot(`failed-${Date.now()}`);
    throw error;
  } finally {
    await screen.close();
  }
}

const nodes = (page) => page.evaluate(() => document.querySelectorAll("*").length);
const names = (page) => page.locator(".grid tbody .name").allInnerTexts();
const scroll = (page, to) =>
  page.locator(".scroll").evaluate((box, y) => (box.scrollTop = y ?? box.scrollHeight), to);

async function all(sort) {
  const titles = [];
  let cursor;
  do {
    const query = { sort, fields: "name", limit: 200, cursor };
    const page = await w.acme.ok("manager", "POST", "/api/v1/records/lead/query", query);
    titles.push(...page.items.map((one) => one.name));
    cursor = page.next;
  } while (cursor);
  return titles;
}

test("a table goes on as it is scrolled, and draws what is in sight", place, async () => {
  const order = await all("-updated_at");
  assert.equal(order.length, LEADS);
  await looking(DESKTOP, async (page) => {
    await page.goto("/e/lead");
    await page.getByText(`共 ${LEADS} 条`).waitFor();
    for (let known = 50; known < LEADS; known = Math.min(LEADS, known + 50)) {
      await scroll(page);
      await page.locator(`.grid [data-at="${known}"] .name`).waitFor();
      assert.ok((await nodes(page)) <= NODES_MAX);
    }
    await scroll(page);
    await page.getByText(new RegExp(`–${LEADS} 条，共 ${LEADS} 条`)).waitFor();
    assert.deepEqual(await names(page), order.slice(-50));
    await page.getByRole("button", { name: "最前" }).click();
    await page.getByText(/^第 1–/).waitFor();
    assert.deepEqual(await names(page), order.slice(0, 50));
  });
});

test("the end is one press away, and reads on towards the begin", place, async () => {
  const order = await all("name");
  await looking(DESKTOP, async (page) => {
    await page.goto("/e/lead?s=name");
    await page.getByText(/^第 1–/).waitFor();
    await page.getByRole("button", { name: "最后" }).click();
    await page.getByText(new RegExp(`–${LEADS} 条，共 ${LEADS} 条`)).waitFor();
    assert.equal((await names(page)).at(-1), order.at(-1));
    await scroll(page, 0);
    await page.getByText(/^第 2[3-9]\d–/).waitFor();
    assert.ok(order.join().includes((await names(page)).join()), "no row is missing or twice");
  });
});

test("keys walk beyond what is drawn; coming back finds the place again", place, async () => {
  await looking(DESKTOP, async (page) => {
    await page.goto("/e/lead?s=name");
    await page.locator('[data-at="0"] .name').focus();
    for (let i = 0; i < 70; i++) {
      await page.keyboard.press("j");
      await page.locator(`[data-at="${i + 1}"] .name:focus`).waitFor();
    }
    const name = await page.locator(".name:focus").innerText();
    await page.keyboard.press("Enter");
    await page.locator(".record-title", { hasText: name }).waitFor();
    await page.goBack();
    await page.locator('[data-at="70"] .name', { hasText: name }).waitFor();
    assert.ok(await page.locator('[data-at="70"]').isVisible());
    await page.getByText(/^第 [56]\d–/).waitFor();
  });
});

test("cards of a phone come and go in blocks", place, async () => {
  await looking(PHONE, async (page, screen) => {
    await page.goto("/e/lead?s=name");
    await page.locator(".cards .card").first().waitFor();
    const last = page.locator(`[data-block="${Math.floor((LEADS - 1) / 25)}"] .card`);
    for (let i = 0; i < 40 && !(await last.count()); i++) {
      await page.locator("#main").evaluate((box) => (box.scrollTop = box.scrollHeight));
      await page.waitForTimeout(60); // scrolling on, as a thumb does
      assert.ok((await nodes(page)) <= NODES_MAX);
    }
    await last.last().waitFor();
    await screen.fits("the cards");
    await screen.axe("the cards");
  });
});

test("a card is as wide as the phone, however long the name on it", place, async () => {
  const name = "56c6f6d0-495d-7a8e-6b47-8ec5429855f9".repeat(2);
  await w.acme.ok("manager", "POST", "/api/v1/records/lead", { name });
  await looking(PHONE, async (page) => {
    await page.goto("/e/lead");
    const card = page.locator(".cards .card", { hasText: name });
    await card.waitFor();
    const { x, width } = await card.boundingBox();
    assert.ok(x + width <= PHONE.viewport.width, `${x + width} px of ${PHONE.viewport.width}`);
  });
});
