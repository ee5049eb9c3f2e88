// undo - a step too far is taken back: many records at once; an address that leads nowhere.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { DESKTOP, ENGLISH, browserPlace } from "../kit/browser.mjs";
import { world } from "../kit/world.mjs";

const place = browserPlace();
const w = world(place.world);

const asking = place.working;

const rows = (page) => page.locator(".grid tbody tr");
const living = async () => {
  const body = { filter: { source: "referral" }, count: true, limit: 1 };
  return (await w.acme.ok("manager", "POST", "/api/v1/records/lead/query", body)).count;
};
const REFERRED = `/e/lead?f=${encodeURIComponent('{"source":"referral"}')}`;

test("many that were deleted come back by the message", place, async () => {
  const before = await living();
  assert.ok(before > 1);
  await asking(DESKTOP, "manager", async (page, screen) => {
    await page.goto(REFERRED);
    await rows(page).first().waitFor();
    await page.getByLabel("选择已加载的全部").check();
    await page.locator(".bulk").getByRole("button", { name: "删除" }).click();
    await page.locator("button[form='bulk-form']").click();
    const toast = page.locator(".toast", { hasText: "已删除" });
    await toast.waitFor();
    assert.equal(await living(), 0);
    await screen.shot("bulk-undo-toast");
    await toast.getByRole("button", { name: "撤销" }).click();
    await page.getByText(`已恢复 ${before} 条。`).waitFor();
    assert.equal(await living(), before);
    await rows(page).first().waitFor();
  });
});

test("many that were deleted come back by their row under jobs", place, async () => {
  const before = await living();
  await asking(ENGLISH, "manager", async (page, screen) => {
    await page.goto(REFERRED);
    await rows(page).first().waitFor();
    await page.locator(".grid thead .check").check();
    await page.locator(".bulk").getByRole("button", { name: "Delete" }).click();
    await page.locator("button[form='bulk-form']").click();
    await page.locator(".toast", { hasText: "Undo" }).waitFor();
    await page.goto("/jobs");
    const row = page.locator(".jobs > li", { hasText: `Deleted: ${before} records` }).first();
    await row.getByRole("button", { name: "Undo" }).waitFor();
    await screen.shot("bulk-undo-jobs");
    await row.getByRole("button", { name: "Undo" }).click();
    await page.getByText(`${before} records put back.`).waitFor();
    await row.getByRole("button", { name: "Undo" }).waitFor({ state: "hidden" });
    assert.equal(await living(), before);
  });
});

for (const [what, path] of [
  ["an entity", "/e/nothing_such"],
  ["a record", "/e/lead/0000000000001"],
]) {
  test(`${what} that is not there shows the way home and to the search`, place, async () => {
    await asking(DESKTOP, "sales1", async (page, screen) => {
      await page.goto(path);
      await page.getByRole("button", { name: "去搜索" }).click();
      await page.getByRole("dialog").waitFor();
      await page.keyboard.press("Escape");
      await screen.shot(`absent-${what.slice(-6)}`);
      await page.getByRole("link", { name: "回到首页" }).click();
      await page.waitForURL((url) => url.pathname === "/");
    });
  });
}
