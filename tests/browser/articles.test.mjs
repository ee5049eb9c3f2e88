// articles - formatted text: written with the editor, pasted, read on the phone and in English.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { browserPlace, DESKTOP, ENGLISH, PHONE } from "../kit/browser.mjs";
import { world } from "../kit/world.mjs";

const R = "/api/v1/records/article";
const place = browserPlace({ leads: 3 });
const w = world({ ...place.world, plugins: "people,leads,tickets,hello" });
const read = (id) => w.acme.ok("admin", "GET", `${R}/${id}`);

test("an article is written as it will be read", place, async () => {
  let id = "";
  await place.working(DESKTOP, "admin", async (page, screen) => {
    await page.goto("/e/article/new");
    await page.getByLabel("标题", { exact: false }).first().fill("退货怎么办");
    const body = page.locator("#f-body");
    const tools = page.getByRole("toolbar", { name: "正文的格式" });
    const press = (name) => tools.getByRole("button", { name, exact: true }).click();
    await body.click();
    await press("标题");
    await page.keyboard.type("Three steps");
    await page.keyboard.press("Enter");
    await page.keyboard.type("Keep the ");
    await page.keyboard.press("Control+b");
    await page.keyboard.type("receipt");
    await page.keyboard.press("Control+b");
    await page.keyboard.type(".");
    await page.keyboard.press("Enter");
    await press("项目列表");
    await page.keyboard.type("call us");
    await page.keyboard.press("Enter");
    await page.keyboard.type("send it");
    assert.equal(await tools.getByRole("button", { pressed: true }).count(), 1);
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter");
    await press("链接");
    await page.locator("#f-body-link").fill("javascript:alert(1)");
    await page.keyboard.press("Enter");
    await page.getByText("请输入以 https://").waitFor();
    await page.locator("#f-body-link").fill("example.com/returns");
    await page.keyboard.press("Enter");
    await screen.axe("the editor");
    await screen.shot("article-editor");
    await page.locator(".page-head, form").getByRole("button", { name: "保存" }).first().click();
    await page.waitForURL((url) => /^\/e\/article\/(?!new)[\w-]+$/.test(url.pathname));
    id = new URL(page.url()).pathname.split("/").at(-1);
    await page.locator(".rich h2", { hasText: "Three steps" }).waitFor();
    await screen.shot("article-page");
    await screen.axe("the article");
  });
  assert.equal(
    (await read(id)).body,
    "<h2>Three steps</h2><p>Keep the <strong>receipt</strong>.</p>" +
      "<ul><li><p>call us</p></li><li><p>send it</p></li></ul>" +
      '<p><a href="https://example.com/returns" rel="noopener">https://example.com/returns</a></p>',
  );
  await place.working(PHONE, "admin", async (page, screen) => {
    await page.goto(`/e/article/${id}`);
    await page.locator(".rich li", { hasText: "send it" }).waitFor();
    await screen.fits("an article");
    await screen.shot("article-phone");
    await page.goto(`/e/article/${id}/edit`);
    await page.locator("#f-body h2").waitFor();
    await screen.fits("the editor");
    await screen.axe("the editor on a phone");
    await screen.shot("article-editor-phone");
  });
  await place.working(ENGLISH, "admin", async (page, screen) => {
    await screen.theme("dark");
    await page.goto(`/e/article/${id}/edit`);
    await page.getByRole("button", { name: "Numbered list" }).waitFor();
    await screen.axe("the editor in the dark");
    await screen.shot("article-editor-dark");
  });
});

test("what is pasted is cut to what is kept; what is not touched is not sent", place, async () => {
  const kept = '<p>a <b>b</b></p><table><tr><td>1</td></tr></table><div>c</div>';
  const { id } = await w.acme.create("admin", "article", { title: "Prices", body: kept });
  const before = await read(id);
  await place.working(DESKTOP, "admin", async (page) => {
    const sent = [];
    page.on("request", (one) => one.method() === "PATCH" && sent.push(one.postDataJSON()));
    const save = async () => {
      await page.locator("form, .page-head").getByRole("button", { name: "保存" }).first().click();
      await page.waitForURL((url) => url.pathname === `/e/article/${id}`);
    };
    await page.goto(`/e/article/${id}/edit`);
    await page.locator("#f-body table td").waitFor();
    await page.locator("#f-body p").first().click();
    await page.keyboard.type("x");
    await page.keyboard.press("Control+z");
    await page.locator("#f-title").fill("Price list");
    await save();
    assert.deepEqual(sent.map(Object.keys), [["title"]]);
    assert.equal((await read(id)).body, before.body);

    await page.goto(`/e/article/${id}/edit`);
    await page.locator("#f-body p").first().click();
    await page.keyboard.press("Control+Home");
    await page.evaluate(() => {
      const data = new DataTransfer();
      data.setData(
        "text/html",
        '<p style="color:red" onclick="x()">X<script>window.ran = 1</script>' +
          '<img src="https://evil.example/p.png" onerror="window.ran = 1">' +
          '<a href="javascript:window.ran=1">Y</a></p><iframe src="/"></iframe>',
      );
      const paste = new ClipboardEvent("paste", { clipboardData: data, bubbles: true });
      document.querySelector("#f-body").dispatchEvent(paste);
    });
    await page.locator("#f-body", { hasText: "XY" }).waitFor();
    assert.equal(await page.evaluate(() => window.ran), undefined);
    await save();
    const { body } = await read(id);
    const table = "<table><tbody><tr><td>1</td></tr></tbody></table>";
    assert.match(body, /XY/);
    assert.equal(body.replace("XY", ""), `<p>a <strong>b</strong></p>${table}<p>c</p>`);
  });
});

test("articles stand below their categories", place, async () => {
  const article = (title, category) =>
    w.acme.create("admin", "article", { title, category, body: "<p>x</p>" });
  await article("Leaf of billing", "billing");
  await article("Leaf of nothing", null);
  const filter = encodeURIComponent(JSON.stringify({ title: { prefix: "Leaf" } }));
  const at = `/e/article?mode=tree&f=${filter}`;
  await place.working(DESKTOP, "admin", async (page, screen) => {
    await page.goto(at);
    await page.locator(".tree-name", { hasText: "Leaf of nothing" }).waitFor();
    const names = await page.locator(".tree-name > :first-child").allInnerTexts();
    assert.deepEqual(names, ["账单", "Leaf of billing", "未填分类", "Leaf of nothing"]);
    await screen.axe("articles by category");
    await screen.shot("article-tree");
  });
  await place.working(PHONE, "admin", async (page, screen) => {
    await page.goto(at);
    await page.locator(".tree-name", { hasText: "Leaf of billing" }).waitFor();
    await screen.fits("articles by category");
  });
});

test("what has changed in an article is seen, and every text it had is read", place, async () => {
  const body = (days) => `<h2>Refunds</h2><p>Send it back within ${days} days.</p><p>Thanks</p>`;
  const { id } = await w.acme.create("admin", "article", { title: "Refunds", body: body(7) });
  const change = async (more) => {
    const { version } = await read(id);
    await w.acme.ok("admin", "PATCH", `${R}/${id}`, more, { "If-Match": `"${version}"` });
  };
  await change({ body: body(15) });
  await change({ body: body(15).replace("Thanks", "<b>Thanks</b>") });
  await place.working(DESKTOP, "admin", async (page, screen) => {
    await page.goto(`/e/article/${id}`);
    await page.getByRole("tab", { name: "变更历史" }).click();
    const line = page.locator(".text-diff");
    await line.waitFor();
    assert.equal(await line.innerText(), "Send it back within 715 days.");
    assert.equal(await line.locator("del").innerText(), "7");
    assert.equal(await line.locator("ins").innerText(), "15");
    await page.getByText("仅格式有改动").waitFor();
    await screen.axe("changes of an article");
    await screen.shot("article-changes");
    await page.locator("a[href^='/e/article_version/']").last().click();
    await page.locator(".rich p", { hasText: /within (7|15) days/ }).waitFor();
    await screen.shot("article-version");
  });
});

test("from a ticket the articles that fit are found and read", place, async () => {
  const body = "<p>Hold the <b>power</b> key for ten seconds.</p>";
  const article = { title: "Printer does not start", body };
  const { id: chosen, version } = await w.acme.create("admin", "article", article);
  const match = { "If-Match": `"${version}"` };
  await w.acme.ok("admin", "PATCH", `${R}/${chosen}`, { state: "published" }, match);
  const ticket = { subject: "My printer does not start", body: "help", requester_email: "a@b.cn" };
  const { id } = await w.acme.create("admin", "ticket", ticket);
  await place.working(DESKTOP, "admin", async (page, screen) => {
    const act = async (name) => {
      await page.locator(".record-head").getByRole("button", { name: "更多" }).click();
      await page.getByRole("menuitem", { name }).click();
    };
    await page.goto(`/e/ticket/${id}`);
    await page.locator(".record-head h1").waitFor();
    await screen.shot("ticket-before");
    await act("推荐文章");
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("link", { name: article.title }).waitFor();
    const heads = await dialog.locator("th").allInnerTexts();
    assert.deepEqual(heads, ["标题", "匹配"]);
    await screen.shot("ticket-suggest");
    await dialog.getByRole("link", { name: article.title }).click();
    await page.waitForURL((url) => url.pathname === `/e/article/${chosen}`);
    await page.locator(".rich strong, .rich b", { hasText: "power" }).waitFor();
  });
});

test("an input method's keys are its own while it composes", place, async () => {
  await place.working(DESKTOP, "admin", async (page) => {
    await page.goto("/e/article/new");
    await page.locator("#f-body").click();
    const input = await page.context().newCDPSession(page);
    await input.send("Input.imeSetComposition", {
      text: "tui",
      selectionStart: 3,
      selectionEnd: 3,
    });
    await input.send("Input.insertText", { text: "退货" });
    await page.locator("#f-body p", { hasText: "退货" }).waitFor();
    assert.equal(await page.locator("#f-body p").count(), 1);
  });
});

test("where the editor cannot be loaded, the text can still be changed", place, async () => {
  const { id } = await w.acme.create("admin", "article", { title: "Plain", body: "<p>old</p>" });
  await place.working(DESKTOP, "admin", async (page, screen) => {
    screen.provoked = true;
    await page.route("**/assets/RichInput-*.js", (route) => route.abort());
    await page.goto(`/e/article/${id}/edit`);
    await page.getByText("格式编辑器未能加载").waitFor();
    await page.locator("textarea#f-body").fill("<p>new</p>");
    await page.locator("form, .page-head").getByRole("button", { name: "保存" }).first().click();
    await page.waitForURL((url) => url.pathname === `/e/article/${id}`);
    assert.equal((await read(id)).body, "<p>new</p>");
  });
});
