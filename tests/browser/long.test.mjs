// long - a list of more records than anybody scrolls through: it goes on as it is scrolled, its end
// is one press away, and what is drawn stays small. And words longer than their place, in English.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { DESKTOP, ENGLISH, PHONE, browserPlace } from "../kit/browser.mjs";
import { bundle, packed } from "../kit/pack.mjs";
import { world } from "../kit/world.mjs";

const LEADS = 340;
const NODES_MAX = 3500;
const place = browserPlace({ leads: LEADS });
const w = world(place.world);

const looking = (device, work, login = "manager") => place.working(device, login, work);

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

const LONG = {
  field: "Preferred contact channel and time window",
  word: "Kraftfahrzeughaftpflichtversicherungsnummer",
  section: "Everything that has to be known before anybody calls them",
  action: "Hand over to the regional distribution partner",
  value: "Waiting for an answer of the purchasing department",
};
const ID = "acme.words";
const WORDS = bundle(ID, {
  "entities/lead.json": {
    extend: "lead",
    fields: [
      { no: 1, name: "x_channel", type: "text", label: LONG.field, quick: true, required: true },
      { no: 2, name: "x_number", type: "money", label: LONG.word, quick: true },
      {
        no: 3,
        name: "x_answer",
        type: "enum",
        label: LONG.field,
        values: [{ value: "waits", label: LONG.value }],
        default: "waits",
        inline: true,
      },
      { no: 4, name: "x_back", type: "bool", label: LONG.section },
    ],
    actions: [{ name: "hand_over" }],
  },
  "views/lead.json": [
    {
      form: "lead",
      after: "section.contact",
      section: {
        id: "section.words",
        label: LONG.section,
        cells: ["x_channel", "x_number", "x_answer", "x_back"],
      },
    },
    {
      kind: "action",
      entity: "lead",
      name: "hand_over",
      label: LONG.action,
      icon: "send",
      place: "record",
      order: 0,
      params: [{ name: "note", type: "text", label: LONG.field, required: true }],
    },
    {
      menu: "main",
      after: "lead",
      item: { id: "words", label: LONG.action, icon: "box", entity: "lead", to: "/e/lead?qf=new" },
    },
  ],
  "init.lua": 'crm.action("lead", "hand_over", function() return { done = true } end)\n',
});

/* Runs in the page: words that are cut without a mark of it, or that stand out of their box. */
function cutWords() {
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].filter((one) => one.nodeType === 3 && one.data.trim());
    const isSpare = element.closest("select, .hidden-visually, .new-word");
    if (!own.length || isSpare || !element.checkVisibility()) continue;
    const text = element.textContent.trim().slice(0, 60);
    const style = getComputedStyle(element);
    const isCut = element.clientWidth > 0 && element.scrollWidth > element.clientWidth + 1;
    if (isCut && style.overflowX === "hidden" && !element.closest("[title], .ellipsis"))
      found.push(`cut: ${element.tagName}.${element.className} ${text}`);
    const range = document.createRange();
    range.selectNodeContents(element);
    const words = range.getBoundingClientRect();
    const boxes = ".btn, .card, fieldset, label, .modal, .chip, .tag, td, th, dd, dt";
    const box = element.closest(boxes);
    const around = box?.getBoundingClientRect();
    const isOver = around && (words.right > around.right + 2 || words.left < around.left - 2);
    const isAway = box?.closest(".modal") && (around.left < 0 || around.right > innerWidth);
    const mayBe = style.overflowX !== "visible" || element.closest(".ellipsis, .path, .acts-row");
    if (isAway || (isOver && !mayBe))
      found.push(`out of ${box.tagName}.${box.className}: ${text}`);
  }
  return [...new Set(found)];
}

for (const [what, device] of [
  ["a desktop", ENGLISH],
  ["a phone", { ...PHONE, locale: "en" }],
]) {
  test(`long English words are read in full on ${what}`, place, async () => {
    const path = `/api/v1/admin/plugins/${ID}/deploys`;
    const answer = await w.acme.as("admin", "POST", path, packed(WORDS));
    assert.ok(answer.status < 300, answer.text);
    const name = `${LONG.word} ${LONG.field}`;
    const one = await w.acme.create("admin", "lead", { name, x_channel: LONG.value });
    await looking(device, async (page, screen) => {
      const found = [];
      const sound = async (screenful) => {
        await screen.settled();
        await screen.fits(screenful);
        await screen.shot(`long-${device.viewport.width}-${screenful.replaceAll(" ", "-")}`);
        found.push(...(await page.evaluate(cutWords)).map((one) => `${screenful}: ${one}`));
      };
      await page.goto(`/e/lead/${one.id}/edit`);
      await page.locator("#f-x_channel").waitFor();
      await sound("the form");
      await page.goto(`/e/lead/${one.id}`);
      await page.locator(".record-title").waitFor();
      await sound("the record");
      await page.getByRole("button", { name: LONG.action }).click();
      await page.getByRole("dialog").getByRole("textbox").waitFor();
      await sound("the action");
      await page.keyboard.press("Escape");
      await page.goto("/e/lead?c=name,x_answer,x_number,x_channel&s=-updated_at");
      await page.locator("#main").getByText(name).first().waitFor();
      await sound("the list");
      if (device === ENGLISH) {
        const cell = page.locator(".grid .name", { hasText: name });
        await cell.hover();
        assert.equal(await cell.getAttribute("title"), name);
      }
      await page.getByRole("button", { name: "Filter", exact: true }).click();
      await page.locator(".builder").getByLabel("Field").selectOption("x_answer");
      await page.locator(".builder").getByRole("button", { name: "Apply" }).waitFor();
      await sound("the conditions");
      await page.locator(".builder").getByRole("button", { name: "Apply" }).focus();
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: "Columns", exact: true }).click();
      await page.locator(".chooser").waitFor();
      await sound("the columns");
      await page.goto("/e/lead?mode=board");
      await page.locator(".board").waitFor();
      await sound("the board");
      await page.locator(".list-head").getByRole("button", { name: "New", exact: true }).click();
      await page.locator("#q-x_channel").waitFor();
      await sound("a new one");
      assert.deepEqual(found, []);
    }, "admin");
  });
}
