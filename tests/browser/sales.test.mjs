// sales - a seller's day in the console, in Chromium against the real server.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { DESKTOP, ENGLISH, PHONE, browserPlace } from "../kit/browser.mjs";
import { PASSWORD, world } from "../kit/world.mjs";

const LEADS = "/api/v1/records/lead";
const place = browserPlace();
const w = world(place.world);

/** Of what somebody has kept for themselves nothing is there yet. */
async function signedIn(device, login = "sales1") {
  await w.acme.ok(login, "PUT", "/api/v1/me/settings", {});
  const screen = await place.open(device);
  await screen.signIn(login, PASSWORD);
  return screen;
}

async function ending(screen, work) {
  try {
    await work(screen.page);
    await screen.sound();
  } catch (error) {
    await screen.shot(`failed-${Date.now()}`);
    throw error;
  } finally {
    await screen.close();
  }
}

const rows = (page) => page.locator(".grid tbody tr");

test("a list is filtered, changed, saved, and its link reproduces it", place, async () => {
  const screen = await signedIn(DESKTOP);
  let link = "";
  await ending(screen, async (page) => {
    await page.locator(".nav a[href='/e/lead']").click();
    await rows(page).first().waitFor();
    assert.equal(await rows(page).count(), 50);
    await page.getByRole("button", { name: "新线索", exact: true }).click();
    await page.waitForURL(/qf=new/);
    await page.getByText("共 20 条").waitFor();

    await page.getByRole("button", { name: "筛选", exact: true }).click();
    const builder = page.locator(".builder");
    await builder.getByLabel("字段").selectOption("estimated_amount");
    await builder.getByLabel("条件").selectOption("gte");
    await builder.locator("#filter-0").fill("30000");
    await builder.locator("#filter-0").blur();
    await builder.getByRole("button", { name: "应用" }).click();
    await page.waitForURL(/[?&]f=/);
    await page.getByText("共 10 条").waitFor();
    await page.getByRole("button", { name: "预计金额", exact: true }).waitFor({ state: "hidden" });

    await page.getByRole("button", { name: "列", exact: true }).click();
    await page.locator(".chooser .more").getByRole("button", { name: "预计金额" }).click();
    await page.waitForURL(/[?&]c=/);
    await page.getByLabel("预计金额的列宽（像素）").selectOption("280");
    await page.getByRole("button", { name: "固定预计金额" }).focus();
    await page.keyboard.press("Enter");
    await page.waitForURL(/estimated_amount:280p/);
    await page.locator('[data-column="estimated_amount"] [aria-pressed="true"]').waitFor();
    await screen.axe("the columns of a list");
    await screen.shot("columns");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "预计金额", exact: true }).click();
    await page.waitForURL(/s=estimated_amount/);

    await page.getByRole("button", { name: "另存为视图" }).click();
    await page.locator("#view-name").fill("大单");
    await page.getByRole("button", { name: "保存", exact: true }).click();
    await page.waitForURL(/view=/);
    await page.getByText("共 10 条").waitFor();
    link = page.url();
  });
  const again = await signedIn(DESKTOP);
  await ending(again, async (page) => {
    await page.goto(link);
    await page.getByText("共 10 条").waitFor();
    const first = page.locator(".grid tbody tr").first();
    assert.match(await first.innerText(), /¥31,000\.00/);
    await page.getByRole("button", { name: "大单", exact: true }).waitFor();
    const head = page.locator("th.pin", { hasText: "预计金额" });
    assert.ok(Math.abs((await head.boundingBox()).width - 280) < 30, "as wide as it was saved");
    const name = await page.locator("th.pin").first().boundingBox();
    assert.equal((await head.boundingBox()).x, name.x + name.width, "pinned beside the name");
    const edge = await head.locator(".edge").boundingBox();
    await page.mouse.move(edge.x + 4, edge.y + 8);
    await page.mouse.down();
    await page.mouse.move(edge.x - 96, edge.y + 8, { steps: 4 });
    await page.mouse.up();
    await page.waitForURL(/estimated_amount:1[5-9]\dp/);
    await again.shot("columns-narrower");
  });
});

test("a view says what it asks for, is changed, deleted when that is meant", place, async () => {
  const body = {
    kind: "list",
    columns: ["name", "source"],
    filter: { and: [{ source: "referral" }, { status: "new" }, { owner: "$me" }] },
  };
  const made = { entity: "lead", kind: "list", name: "转介绍", scope: "mine", body };
  const view = await w.acme.ok("sales1", "POST", "/api/v1/views", made);
  const wanted = async (filter) => {
    const asked = { filter, count: true, limit: 1 };
    return (await w.acme.ok("sales1", "POST", `${LEADS}/query`, asked)).count;
  };
  const me = { owner: w.acme.users.sales1 };
  const [few, more] = [
    await wanted({ and: [{ source: "referral" }, { status: "new" }, me] }),
    await wanted({ and: [{ source: "referral" }, me] }),
  ];
  await ending(await signedIn(DESKTOP), async (page) => {
    await page.goto(`/e/lead?view=${view.id}`);
    await page.getByText("负责人：我").waitFor();
    await page.getByText("来源：转介绍").waitFor();
    if (!few) await page.getByText("这个视图里现在没有记录").waitFor();
    await page.getByRole("button", { name: "移除条件：状态：新线索" }).click();
    await page.getByText(`共 ${more} 条`).waitFor();
    await page.getByRole("button", { name: "保存修改" }).click();
    await page.getByText("视图“转介绍”已更新").waitFor();
    await page.waitForURL((url) => !url.searchParams.has("f"));
    await page.reload();
    await page.getByText(`共 ${more} 条`).waitFor();
    const drop = page.getByRole("button", { name: "删除视图“转介绍”" });
    const dialog = page.getByRole("dialog");
    await drop.click();
    await dialog.getByRole("button", { name: "取消" }).click();
    await dialog.waitFor({ state: "detached" });
    await drop.click();
    await dialog.getByRole("button", { name: "删除视图“转介绍”" }).click();
    await page.waitForURL((url) => !url.searchParams.has("view"));
    await page.getByRole("button", { name: "转介绍", exact: true }).waitFor({ state: "detached" });
  });
});

test("on a phone a list is filtered, its lines chosen, and the view is kept", place, async () => {
  const screen = await signedIn(PHONE);
  await ending(screen, async (page) => {
    const bar = await page.locator(".nav-bar").boundingBox(); // of the workbench, too
    assert.ok(bar.y + bar.height <= PHONE.viewport.height, JSON.stringify(bar));
    await page.goto("/e/lead?qf=new");
    await page.locator(".cards [data-row]").first().waitFor();
    await page.getByRole("button", { name: "筛选", exact: true }).tap();
    const builder = page.locator(".builder");
    await builder.getByLabel("字段").selectOption("owner");
    await builder.getByLabel("条件").selectOption("eq");
    await builder.getByLabel("是谁").selectOption("$me");
    await builder.getByRole("button", { name: "应用" }).tap();
    await page.getByText("负责人：我").waitFor();
    await page.getByRole("button", { name: "列", exact: true }).tap();
    await page.locator(".chooser .more").getByRole("button", { name: "预计金额" }).tap();
    await page.keyboard.press("Escape");
    await page.locator(".card-line", { hasText: "预计金额" }).first().waitFor();
    await page.getByRole("button", { name: "另存为视图" }).tap();
    await page.locator("#view-name").fill("手机上的");
    await page.getByRole("button", { name: "保存", exact: true }).tap();
    await page.waitForURL(/view=/);
    await page.locator(".card-line", { hasText: "预计金额" }).first().waitFor();
    await page.getByText("负责人：我").waitFor();
    await screen.fits("a list with a view of one's own");
    await screen.axe("a list with a view of one's own");
  });
});

test("a cell is changed in place, kept when leaving it, and taken back", place, async () => {
  await ending(await signedIn(DESKTOP), async (page) => {
    await page.goto("/e/lead?s=name");
    const cell = rows(page).first().locator("td").nth(4);
    await cell.dblclick();
    const choice = await cell.locator("select").boundingBox();
    assert.ok(choice.width >= 180, `it is cut: ${choice.width} px`);
    await cell.locator("select").selectOption("a");
    await page.locator("h1").click();
    await page.getByText("已保存").waitFor();
    assert.match(await cell.innerText(), /A 级/);
    await page.getByRole("button", { name: "撤销" }).click();
    await page.getByText("已撤销").waitFor();
    assert.doesNotMatch(await cell.innerText(), /A 级/);
  });
});

test("all that matches is selected and assigned", place, async () => {
  const body = { filter: { owner: w.acme.users.sales2 }, count: true, limit: 1 };
  await ending(await signedIn(DESKTOP, "manager"), async (page) => {
    await page.goto(`/e/lead?f=${encodeURIComponent('{"source":"referral"}')}`);
    await rows(page).first().waitFor();
    await page.getByLabel("选择已加载的全部").check();
    await page.getByText("已选 20 条").waitFor();
    await page.locator(".bulk").getByRole("button", { name: "分配" }).click();
    await page.locator("button[form='bulk-form']").click();
    await page.getByRole("dialog").getByText("此项必填").waitFor(); // and nobody has lost a lead
    await page.getByRole("dialog").getByRole("combobox").fill("sales2");
    await page.getByRole("option", { name: /sales2/ }).click();
    await page.locator("button[form='bulk-form']").click();
    await page.getByText("已分配 20 条记录").waitFor();
    const after = await w.acme.ok("manager", "POST", `${LEADS}/query`, body);
    assert.equal(after.count, 20);
  });
});

test("what a change to many was refused for is told by the field's name", place, async () => {
  await ending(await signedIn(ENGLISH, "manager"), async (page) => {
    await page.goto("/e/lead");
    await rows(page).first().waitFor();
    await page.locator(".grid thead .check").check();
    await page.locator(".bulk").getByRole("button", { name: "Edit" }).click();
    const dialog = page.getByRole("dialog", { name: "Edit 50 records" });
    await dialog.getByLabel("Field").selectOption("emails");
    await dialog.locator("#bulk-value").fill("not an address");
    await dialog.getByRole("button", { name: "Change" }).click();
    await page.getByText(/^0 done, 50 failed\. E-mails: ./).waitFor();
  });
});

test(
  "c makes a record; duplicates appear; an input method's Enter does not submit",
  place,
  async () => {
    await ending(await signedIn(DESKTOP), async (page) => {
      await page.goto("/e/lead");
      await rows(page).first().waitFor();
      await page.keyboard.press("c");
      const name = page.locator("#q-name");
      await name.waitFor();
      await page.locator("#q-phones").pressSequentially("13900001000"); // and is still there
      await page.locator(".dups").waitFor();
      await page.locator("#q-phones").pressSequentially(",");
      assert.equal(await page.locator("#q-phones").inputValue(), "13900001000,");
      await name.fill("张伟");
      assert.match(await page.locator(".dups").innerText(), /王芳0/);
      // Chromium fires keydown 229 while an input method composes; nothing may happen then
      await name.dispatchEvent("keydown", {
        key: "Escape",
        keyCode: 229,
        isComposing: true,
        bubbles: true,
      });
      assert.ok(await name.isVisible());
      await page.locator("#q-phones").fill("13812345678");
      await page.locator("#q-phones").blur();
      await page.locator("button[form='quick-form']").click();
      await page.getByText("已新建 张伟").waitFor();
      const found = await w.acme.ok("sales1", "GET", "/api/v1/search?q=5678");
      assert.ok(found.groups.some((group) => group.items.some((item) => item.title === "张伟")));
    });
  },
);

for (const device of [DESKTOP, PHONE])
  test(`pickers of a screen ${device.viewport.width} wide are sound when open`, place, async () => {
    for (let i = 0; i < 12; i++) await w.acme.create("admin", "account", { name: `远景集团${i}` });
    const screen = await signedIn(device, "admin");
    await ending(screen, async (page) => {
      await page.goto("/e/account/new");
      for (const id of ["owner", "parent"]) {
        const picker = page.locator(`input#f-${id}`);
        await picker.click();
        const list = page.locator(".el-select-dropdown:visible");
        await list.waitFor();
        if (id === "parent") {
          const scrolls = list.locator(".el-select-dropdown__wrap");
          await list.locator(".el-select-dropdown__item").nth(11).waitFor({ state: "attached" });
          assert.ok(await scrolls.evaluate((one) => one.scrollHeight > one.clientHeight));
        }
        for (const theme of ["light", "dark"]) {
          await screen.theme(theme);
          await screen.axe(`${id} open, ${theme}`);
          await screen.shot(`picker-${device.viewport.width}-${id}-${theme}`);
        }
        await picker.press("Escape");
        await list.waitFor({ state: "hidden" });
      }
    });
  });

test("what a field asks for is made on the way; the whole form goes on", place, async () => {
  await ending(await signedIn(DESKTOP, "admin"), async (page) => {
    await page.goto("/e/contact/new");
    await page.locator("#f-name").fill("路上新建的人");
    await page.locator("input#f-account").click();
    await page.locator("input#f-account").pressSequentially("路上新建公司");
    await page.getByRole("button", { name: /新建客户\s*路上新建公司/ }).click();
    const inner = page.getByRole("dialog", { name: "新建客户" });
    await inner.locator("#n-account-name").waitFor();
    assert.equal(await inner.locator("#n-account-name").inputValue(), "路上新建公司");
    await inner.getByRole("button", { name: "保存", exact: true }).click();
    await inner.waitFor({ state: "detached" });
    assert.equal(await page.locator("#f-name").inputValue(), "路上新建的人");
    await page.getByRole("button", { name: "保存", exact: true }).click();
    await page.waitForURL((url) => /^\/e\/contact\/0[0-9A-Z]+$/.test(url.pathname));
    await page.getByRole("link", { name: "路上新建公司" }).first().waitFor();

    await page.goto("/e/lead");
    await rows(page).first().waitFor();
    await page.keyboard.press("c");
    await page.locator("#q-name").fill("写到一半的线索");
    await page.getByRole("button", { name: "完整表单" }).click();
    await page.waitForURL((url) => url.pathname === "/e/lead/new");
    await page.locator("#f-name").waitFor();
    assert.equal(await page.locator("#f-name").inputValue(), "写到一半的线索");
  });
});

test("many records are tagged, and taken along as a file", place, async () => {
  const names = ["打标签一", "打标签二"];
  const made = [];
  for (const name of names)
    made.push(await w.acme.create("admin", "lead", { name, status: "new", tags: ["老"] }));
  const screen = await signedIn(DESKTOP, "admin");
  await ending(screen, async (page) => {
    await page.goto("/e/lead?q=打标签");
    await rows(page).nth(1).waitFor();
    await page.getByLabel("选择已加载的全部").check();
    await page.getByRole("button", { name: "标签", exact: true }).click();
    const dialog = page.getByRole("dialog", { name: /打标签/ });
    await dialog.locator("input#bulk-value").pressSequentially("展会");
    await page.keyboard.press("Enter");
    await dialog.getByRole("heading").click();
    await page.locator(".el-select-dropdown:visible").waitFor({ state: "hidden" });
    await screen.axe("tags for many");
    await dialog.getByRole("button", { name: "应用" }).click();
    await page.getByText("已给 2 条记录添加标签").waitFor();
    for (const { id } of made) {
      const now = await w.acme.ok("admin", "GET", `${LEADS}/${id}`);
      assert.deepEqual(now.tags, ["老", "展会"]);
    }
    await page.getByLabel("选择 打标签一").check();
    await page.getByRole("button", { name: "导出", exact: true }).first().click();
    await screen.axe("what to export");
    await page.getByLabel("CSV（.csv）").check();
    await page.getByRole("dialog").getByRole("button", { name: "导出", exact: true }).click();
    await page.getByText("导出已开始").waitFor();
    await page.goto("/jobs");
    const link = page.getByRole("link", { name: "下载" }).first();
    while (!(await link.isVisible())) await page.waitForTimeout(100);
    const file = await w.acme.as("admin", "GET", await link.getAttribute("href"));
    assert.match(file.text, /打标签一/);
    assert.doesNotMatch(file.text, /打标签二/);
  });
});

test("columns that somebody chose come back with the list, on any machine", place, async () => {
  const isNarrow = (url) => /^name(:|$)/.test(url.searchParams.get("c")) && !/phone/.test(url);
  const settings = () => w.acme.ok("manager", "GET", "/api/v1/me/settings");
  const kept = async () => {
    while (!(await settings()).columns?.["account/"])
      await new Promise((done) => setTimeout(done, 50));
  };
  await ending(await signedIn(DESKTOP, "manager"), async (page) => {
    await page.goto("/e/account?c=name,phone");
    await page.getByRole("button", { name: "列", exact: true }).click();
    await page.getByRole("button", { name: "隐藏电话" }).click();
    await page.waitForURL((url) => isNarrow(url));
    await kept();
  });
  const elsewhere = await place.open(DESKTOP);
  await elsewhere.signIn("manager", PASSWORD);
  await ending(elsewhere, async (page) => {
    await page.goto("/e/account");
    await page.waitForURL((url) => isNarrow(url));
    await page.getByRole("button", { name: "列", exact: true }).click();
    await page.getByRole("button", { name: "恢复默认" }).click();
    await page.waitForURL((url) => !url.searchParams.has("c"));
  });
});

test("from list to record to form and back by keys alone", place, async () => {
  const one = await w.acme.create("admin", "lead", { name: "键盘客户", status: "new" });
  await ending(await signedIn(DESKTOP, "admin"), async (page) => {
    await page.goto("/e/lead?q=键盘客户");
    await rows(page).first().waitFor();
    await page.keyboard.press("j");
    await page.locator(`[data-row="${one.id}"]:focus`).waitFor();
    await page.keyboard.press("x");
    await page.getByText("已选 1 条").waitFor();
    await page.keyboard.press("Enter");
    await page.waitForURL((url) => url.pathname === `/e/lead/${one.id}`);
    await page.getByRole("heading", { name: "键盘客户" }).waitFor();
    const tabTo = async (wanted) => {
      for (let i = 0; i < 80; i++) {
        await page.keyboard.press("Tab");
        if (await page.locator(`${wanted}:focus`).count()) return;
      }
      assert.fail(`${wanted} is not reached by Tab`);
    };
    await tabTo(`a[href="/e/lead/${one.id}/edit"]`);
    await page.keyboard.press("Enter");
    await page.locator("#f-company").waitFor();
    await tabTo("#f-company");
    await page.keyboard.type("键盘公司");
    await tabTo(".edit-foot .primary");
    await page.keyboard.press("Enter");
    await page.waitForURL((url) => url.pathname === `/e/lead/${one.id}`);
    const now = await w.acme.ok("admin", "GET", `${LEADS}/${one.id}`);
    assert.equal(now.company, "键盘公司");
  });
});

test("at 200 % the screens of work need no scrolling to the side", place, async () => {
  const zoomed = { ...DESKTOP, viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 };
  const screen = await signedIn(zoomed, "admin");
  await ending(screen, async (page) => {
    const { id } = (await w.acme.ok("admin", "GET", `${LEADS}?limit=1`)).items[0];
    for (const path of ["/", "/e/lead", "/e/lead?mode=board", `/e/lead/${id}`, "/e/lead/new"]) {
      await page.goto(path);
      await page.locator("h1").first().waitFor();
      await screen.settled();
      await screen.fits(`${path} at 200 %`);
      await screen.axe(`${path} at 200 %`);
    }
  });
});

test("a day is typed as people type it, or picked by keys in their language", place, async () => {
  const screen = await signedIn(ENGLISH, "admin");
  await ending(screen, async (page) => {
    await page.goto("/e/lead/new");
    await page.locator("#f-name").fill("Dates");
    const at = page.locator("#f-next_contact_at");
    await at.fill("2027/3/5 9:30");
    await at.blur();
    assert.equal(await at.inputValue(), "2027-03-05 09:30");
    await at.fill("31 of May");
    await at.blur();
    assert.equal(await at.inputValue(), "2027-03-05 09:30");
    await at.press("ArrowDown");
    const panel = page.getByRole("dialog", { name: "Choose a date" });
    await panel.getByText("March 2027").waitFor();
    await screen.axe("a month to pick from");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("PageDown");
    await panel.getByText("April 2027").waitFor();
    await panel.getByRole("button", { name: "Tuesday, April 6, 2027" }).click();
    await panel.getByRole("button", { name: "Done" }).click();
    await panel.waitFor({ state: "detached" });
    assert.equal(await at.inputValue(), "2027-04-06 09:30");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.waitForURL((url) => /^\/e\/lead\/0[0-9A-Z]+$/.test(url.pathname));
    const id = new URL(page.url()).pathname.split("/")[3];
    const made = await w.acme.ok("admin", "GET", `${LEADS}/${id}`);
    assert.equal(made.next_contact_at, "2027-04-06T01:30:00.000Z");
  });
});

test("what is deleted or left behind is asked for first, and Escape keeps it", place, async () => {
  const one = await w.acme.create("admin", "lead", { name: "不要了", status: "working" });
  const screen = await signedIn(DESKTOP, "admin");
  await ending(screen, async (page) => {
    const question = page.getByRole("dialog");
    const focused = (locator) => locator.evaluate((element) => element === document.activeElement);
    await page.goto(`/e/lead/${one.id}`);
    const more = page.getByRole("button", { name: "更多", exact: true });
    const remove = async () => {
      await more.click();
      await page.getByRole("menuitem", { name: "删除" }).click();
      await page.getByRole("dialog", { name: "确定删除“不要了”吗？" }).waitFor();
    };
    await remove();
    assert.ok(await focused(question.getByRole("button", { name: "取消", exact: true })));
    await screen.axe("asks before deleting");
    await screen.shot("ask-delete");
    await page.keyboard.press("Escape");
    await question.waitFor({ state: "detached" });
    assert.ok(await focused(more), "the focus is back where it was");
    assert.equal((await w.acme.as("admin", "GET", `${LEADS}/${one.id}`)).status, 200);

    await page.goto(`/e/lead/${one.id}/edit`);
    await page.locator("#f-name").fill("改到一半");
    const cancel = page.locator(".edit-foot a");
    await cancel.click();
    await question.getByText("有未保存的修改").waitFor();
    await page.keyboard.press("Escape");
    await question.waitFor({ state: "detached" });
    assert.equal(await page.locator("#f-name").inputValue(), "改到一半");
    assert.ok(await focused(cancel));
    await cancel.click();
    await question.getByRole("button", { name: "放弃修改并离开" }).click();
    await page.waitForURL((url) => url.pathname === `/e/lead/${one.id}`);

    await page.keyboard.press("c");
    await page.locator("#q-name").fill("没写完");
    await page.keyboard.press("Escape");
    const leave = page.getByRole("dialog", { name: "有未保存的修改" });
    await leave.waitFor();
    await screen.theme("dark");
    await screen.axe("asks before leaving");
    await screen.shot("ask-leave-dark");
    await page.keyboard.press("Escape");
    await leave.waitFor({ state: "detached" });
    assert.equal(await page.locator("#q-name").inputValue(), "没写完");
    await page.keyboard.press("Escape");
    await leave.getByRole("button", { name: "放弃修改并离开" }).click();
    await question.waitFor({ state: "detached" });

    await remove();
    await question.getByRole("button", { name: "删除", exact: true }).click();
    await page.locator(".toast").first().waitFor();
    assert.match(await page.locator(".toast").last().innerText(), /“不要了”已删除/);
    assert.equal((await w.acme.as("admin", "GET", `${LEADS}/${one.id}`)).status, 404);
  });
});

test("a card is dragged, and the next state's fields are asked for", place, async () => {
  const made = await w.acme.create("sales1", "lead", { name: "拖动卡", status: "working" });
  await ending(await signedIn(DESKTOP), async (page) => {
    await page.goto("/e/lead?mode=board");
    const card = page.locator(`[data-id="${made.id}"]`);
    await card.waitFor();
    await card.dragTo(page.locator('.board-cards[data-value="qualified"]'));
    await page.getByText("拖动卡 已移到“已确认”").waitFor();
    await page
      .locator('.board-cards[data-value="qualified"]')
      .locator(`[data-id="${made.id}"]`)
      .waitFor();
    await card.getByRole("button").click();
    await page.getByRole("menuitem", { name: "无效" }).click();
    await page
      .getByRole("dialog")
      .getByLabel(/无效原因/)
      .selectOption("no_need");
    await page.getByRole("dialog").getByRole("button", { name: /转为/ }).click();
    await page.getByText("拖动卡 已移到“无效”").waitFor();
    const now = await w.acme.ok("sales1", "GET", `${LEADS}/${made.id}`);
    assert.deepEqual([now.status, now.lost_reason], ["dead", "no_need"]);
  });
});

test("a phone's bar leads to what somebody works with, not what they set up", place, async () => {
  for (const login of ["manager", "viewer"]) {
    await ending(await signedIn(PHONE, login), async (page) => {
      const links = page.locator(".nav-bar a");
      await links.first().waitFor();
      const all = await links.evaluateAll((list) => list.map((one) => one.getAttribute("href")));
      assert.deepEqual(all.slice(0, 3), ["/", "/e/lead", "/e/account"]);
      await page.locator(".nav-bar button").tap();
      const menu = page.getByRole("dialog");
      await menu.getByRole("link", { name: "客户", exact: true }).waitFor();
      assert.equal(await menu.getByRole("link", { name: "公海设置" }).count(), +(login === "manager"));
    });
  }
});

test("the board of a phone scrolls by touch and moves by its menu", place, async () => {
  const made = await w.acme.create("sales1", "lead", { name: "手机卡", status: "new" });
  const screen = await signedIn(PHONE);
  await ending(screen, async (page) => {
    await page.goto("/e/lead?mode=board");
    const card = page.locator(`[data-id="${made.id}"]`);
    await card.waitFor();
    const box = await card.boundingBox();
    const touch = await screen.context.newCDPSession(page);
    const at = (x, y) => [{ x, y }];
    const [x, y] = [box.x + 60, box.y + 30];
    await touch.send("Input.dispatchTouchEvent", {
      type: "touchStart",
      touchPoints: at(x + 180, y),
    });
    for (let i = 1; i <= 8; i++) {
      const point = at(x + 180 - i * 28, y);
      await touch.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: point });
    }
    await touch.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
    await page.waitForFunction(() => document.querySelector(".board").scrollLeft > 40);
    await card.getByRole("button").click();
    await page.getByRole("menuitem", { name: "跟进中" }).click();
    await page.getByText("手机卡 已移到“跟进中”").waitFor();
    await screen.fits("the board");
  });
});

test("a change that somebody else made meanwhile is shown, not lost", place, async () => {
  const made = await w.acme.create("sales1", "lead", {
    name: "冲突",
    company: "原公司",
    title: "经理",
  });
  await ending(await signedIn(DESKTOP), async (page) => {
    await page.goto(`/e/lead/${made.id}/edit`);
    await page.locator("#f-company").fill("我的公司");
    await page.locator("#f-title").fill("总监");
    await w.acme.ok("manager", "PATCH", `${LEADS}/${made.id}`, { company: "对方公司" });
    await page.getByRole("button", { name: "保存", exact: true }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("对方公司").waitFor();
    await dialog.getByText("我的公司").waitFor();
    await dialog.getByLabel(/对方：/).check();
    await dialog.getByRole("button", { name: "按选择保存" }).click();
    await page.waitForURL((url) => url.pathname === `/e/lead/${made.id}`);
    const now = await w.acme.ok("sales1", "GET", `${LEADS}/${made.id}`);
    assert.deepEqual([now.company, now.title], ["对方公司", "总监"]);
    await page.locator(".timeline li").first().waitFor();
  });
});

test("what the server refuses stands at its field, and what was typed stays", place, async () => {
  await ending(await signedIn(DESKTOP), async (page) => {
    await page.goto("/e/lead/new");
    await page.locator("#f-name").fill("错误邮箱");
    await page.locator("#f-emails").fill("not an address");
    await page.locator("#f-emails").blur();
    await page.getByRole("button", { name: "保存", exact: true }).click();
    await page.locator("#f-emails[aria-invalid='true']").waitFor();
    assert.notEqual(await page.locator("#f-emails-error").innerText(), "");
    assert.equal(await page.locator("#f-name").inputValue(), "错误邮箱");
  });
});

test("who types before the palette is there loses no letter", place, async () => {
  await place.working(DESKTOP, "sales1", async (page) => {
    await page.route("**/assets/Palette-*.js", async (route) => {
      await new Promise((done) => setTimeout(done, 400));
      await route.continue();
    });
    await page.goto("/e/lead");
    await page.locator(".list-head").waitFor();
    await page.keyboard.press("Control+k");
    await page.keyboard.type("lin"); // c would make a lead, j and x walk and tick rows
    await page.locator(".palette-input").waitFor();
    await page.keyboard.type("k");
    await page.locator('.palette-input:focus').waitFor();
    assert.equal(await page.locator(".palette-input").inputValue(), "link");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+k");
    assert.equal(await page.locator(".palette-input").inputValue(), "");
  });
});

test("张伟 is found by initials, by name and by the last four digits", place, async () => {
  await w.acme.create("sales1", "lead", { name: "张伟", phones: ["13700008642"] });
  await ending(await signedIn(ENGLISH), async (page) => {
    for (const typed of ["zw", "张伟", "8642"]) {
      await page.keyboard.press("Control+k");
      await page.locator(".palette-input").fill(typed);
      await page
        .getByRole("option", { name: /张伟.*8642/ })
        .first()
        .waitFor();
      await page.keyboard.press("Escape");
      await page.locator(".palette-input").waitFor({ state: "detached" });
    }
    await page.keyboard.press("Control+k");
    await page.locator(".palette-input").fill("8642");
    await page.getByRole("option", { name: /张伟/ }).first().waitFor();
    await page.keyboard.press("Enter");
    await page.locator(".record-title", { hasText: "张伟" }).waitFor();
    assert.equal(await page.locator("html").getAttribute("lang"), "en");
  });
});

test("on a phone 张伟 is found by initials, by name and by the last four digits", place, async () => {
  const { id } = await w.acme.create("sales1", "lead", { name: "张伟", phones: ["13700007531"] });
  const screen = await signedIn(PHONE);
  await ending(screen, async (page) => {
    for (const typed of ["zw", "张伟", "7531"]) {
      await page.locator(".top .search").tap();
      const input = page.locator(".palette-input");
      await input.fill(typed);
      const found = page.getByRole("option", { name: /张伟.*7531/ }).first();
      await found.waitFor();
      await screen.fits(`what is found by ${typed}`);
      await screen.axe(`what is found by ${typed}`);
      await screen.shot(`search-phone-${typed}`);
      if (typed === "7531") await found.tap();
      else await page.getByRole("button", { name: "取消" }).tap();
      await input.waitFor({ state: "detached" });
    }
    await page.waitForURL((url) => url.pathname === `/e/lead/${id}`);
    await page.locator(".record-title", { hasText: "张伟" }).waitFor();
    await page.locator(".acts-row").getByRole("button", { name: "更多" }).tap();
    const items = page.getByRole("menuitem");
    await items.first().waitFor();
    for (const item of await items.all()) {
      const { x, y, width, height } = await item.boundingBox();
      assert.ok(x >= 0 && x + width <= PHONE.viewport.width && y + height <= PHONE.viewport.height);
      await item.tap({ trial: true }); // nothing lies over it
    }
    await screen.axe("what more can be done");
    await page.locator(".drop-back").tap({ position: { x: 40, y: 40 } });
    await items.first().waitFor({ state: "detached" });
  });
});

test("a wrong password, signing out, and a session that ended elsewhere", place, async () => {
  const screen = await place.open(DESKTOP);
  await ending(screen, async (page) => {
    await page.goto("/e/lead?qf=new");
    await page.waitForURL(/login/);
    await page.locator("#login").fill("viewer");
    await page.locator("#password").fill("not the password");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").waitFor();
    await page.locator("#password").fill(PASSWORD);
    await page.keyboard.press("Enter");
    await page.waitForURL((url) => url.pathname === "/e/lead");
    assert.match(page.url(), /qf=new/);
    await page.locator("h1").waitFor();
    assert.equal(await page.getByRole("button", { name: "新建", exact: true }).count(), 0);
    await w.acme.ok("admin", "DELETE", `/api/v1/admin/users/${w.acme.users.viewer}/sessions`);
    delete w.acme.tokens.viewer;
    await page.locator(".nav a[href='/e/account']").click();
    await page.getByRole("dialog").getByRole("button", { name: "退出" }).click();
    await page.waitForURL(/login\?to=/);
  });
});

test("the first days: what to do, by what somebody may, until it is done", place, async () => {
  const stepsOf = (page) => page.locator(".first-steps li").allInnerTexts();
  const at = async (login, work) => {
    const screen = await place.open();
    await screen.signIn(login, PASSWORD);
    await screen.page.locator(".first-steps li").first().waitFor();
    await work(screen.page, screen);
    await screen.sound();
    await screen.close();
  };
  await w.acme.ok("viewer", "PUT", "/api/v1/me/settings", {});
  await w.acme.ok("admin", "PUT", "/api/v1/me/settings", {});
  let first;
  await at("admin", async (page, screen) => {
    const steps = (await stepsOf(page)).join(" ");
    assert.match(steps, /用户|同事|成员/, "who administers is led to the people");
    await screen.axe("first steps");
    await screen.shot("first-steps-admin");
  });
  await at("viewer", async (page) => {
    const steps = (await stepsOf(page)).join(" ");
    assert.doesNotMatch(steps, /用户|插件|导入|新建/, "who may only read is not");
    const search = page.locator(".first-steps button", { hasText: "搜索" });
    [first] = await page.locator(".first-steps b").allInnerTexts();
    await search.click();
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await search.getByText("已完成").waitFor({ state: "attached" });
    assert.notEqual(await page.locator(".first-steps b").innerText(), first);
  });
  await at("viewer", async (page) => {
    assert.notEqual(await page.locator(".first-steps b").innerText(), first, "it is remembered");
    await page.getByRole("button", { name: "不再显示" }).click();
    await page.locator(".first-steps").waitFor({ state: "detached" });
  });
  const kept = await w.acme.ok("viewer", "GET", "/api/v1/me/settings");
  assert.ok(kept.steps.includes("all"), "and does not come back");
});
