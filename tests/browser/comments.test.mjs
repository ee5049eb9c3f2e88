// comments - what is said beneath a call: written, heard of by who is mentioned, answered.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { DESKTOP, PHONE, browserPlace } from "../kit/browser.mjs";
import { PASSWORD, world } from "../kit/world.mjs";

const place = browserPlace({ leads: 2 });
const w = world(place.world);
const R = "/api/v1/records";

const working = place.working;

const saidOf = async ({ id }) =>
  (await w.acme.ok("manager", "POST", `${R}/activity_comment/query`, { filter: { activity: id } }))
    .items;

async function called(subject) {
  const lead = await w.acme.create("sales1", "lead", { name: `${subject}的线索` });
  const about = { entity: "lead", id: lead.id };
  return [lead, await w.acme.create("sales1", "activity", { type: "call", subject, about })];
}

const comments = (page) => page.locator(".comments").first();
const say = async (page, text) => {
  await comments(page).getByLabel("说点什么").fill(text);
  await comments(page).getByRole("button", { name: "发送" }).click();
  await comments(page).locator("li", { hasText: text }).waitFor();
};

test("who is mentioned beneath a call hears of it, and answers there", place, async () => {
  const [lead, call] = await called("谈了价格");
  await working(DESKTOP, "sales1", async (page, screen) => {
    await page.goto(`/e/lead/${lead.id}`);
    await comments(page).getByRole("button", { name: "评论", exact: true }).click();
    const people = comments(page).getByRole("combobox");
    await people.fill("manager");
    await page.getByRole("option", { name: /manager/ }).first().click();
    await page.keyboard.press("Escape");
    await say(page, "能给九折吗");
    await comments(page).getByRole("button", { name: "评论 1" }).waitFor();
    await screen.axe("comments");
    await screen.shot("comments");
  });
  await working(PHONE, "manager", async (page, screen) => {
    await page.getByRole("button", { name: /通知，1 条未读/ }).click();
    await page.getByText(/提到了您/).first().click();
    await page.goto(`/e/lead/${lead.id}`);
    await comments(page).getByRole("button", { name: "评论 1" }).click();
    await comments(page).locator("li", { hasText: "能给九折吗" }).waitFor();
    await say(page, "可以，到月底");
    await screen.fits("comments");
    await screen.shot("comments-phone");
  });
  const said = await saidOf(call);
  assert.deepEqual(said.map((one) => one.content).sort(), ["可以，到月底", "能给九折吗"].sort());
  assert.deepEqual(
    said.find((one) => one.mentions)?.mentions.map((one) => one.id ?? one),
    [w.acme.users.manager],
  );
});

test("more than fifty comments are read on, and the own one is among them", place, async () => {
  const [lead, call] = await called("谈了很久");
  for (let i = 1; i <= 52; i++) {
    const path = `${R}/activity/${call.id}/actions/comment`;
    await w.acme.ok("sales1", "POST", path, { content: `第 ${i} 句。` });
  }
  await working(DESKTOP, "sales1", async (page, screen) => {
    await page.goto(`/e/lead/${lead.id}`);
    await comments(page).getByRole("button", { name: "评论 52" }).click();
    const lines = comments(page).locator("li");
    await lines.nth(49).waitFor();
    assert.equal(await lines.count(), 50);
    await comments(page).getByRole("button", { name: "更多评论" }).click();
    await lines.nth(51).waitFor();
    await say(page, "最后一句");
    assert.equal(await lines.count(), 53);
    await screen.settled();
  });
});

test("a comment that cannot be sent stays, and is sent once", place, async () => {
  const [lead, call] = await called("断了线");
  const screen = await place.open(DESKTOP);
  const { page } = screen;
  await screen.signIn("sales1", PASSWORD);
  await page.goto(`/e/lead/${lead.id}`);
  await comments(page).getByRole("button", { name: "评论", exact: true }).click();
  await page.route("**/actions/comment", (route) => route.abort());
  const text = comments(page).getByLabel("说点什么");
  await text.fill("断线时写的");
  await comments(page).getByRole("button", { name: "发送" }).click();
  await comments(page).locator("[role=alert]").waitFor();
  assert.equal(await text.inputValue(), "断线时写的");
  await page.unroute("**/actions/comment");
  await say(page, "断线时写的");
  assert.equal((await saidOf(call)).length, 1);
  await screen.close(); // the aborted request stands in the console
});
