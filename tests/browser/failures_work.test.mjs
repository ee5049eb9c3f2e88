// failures_work - the dialogs that people work in meet what can go wrong between them and the
// server: what was typed stays, it is said what happened and what to do, and it is done once.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { DESKTOP, PHONE, browserPlace } from "../kit/browser.mjs";
import { Failing, wordsOf } from "../kit/failing.mjs";
import { must } from "../kit/server.mjs";
import { PASSWORD, world } from "../kit/world.mjs";

const R = "/api/v1/records";
const place = browserPlace({ leads: 4 });
const w = world({
  ...place.world,
  setup: async (at) => {
    for (const plugin of ["opportunities", "approval", "contracts", "membership"])
      must(at.server.data, ["plugin", "enable", "acme", plugin]);
    await place.world.setup(at);
  },
});
const t = wordsOf("zh-CN");
const button = (page, name) => page.getByRole("button", { name, exact: true });
const dialog = (page) => page.getByRole("dialog").last();
const form = (id) => (page) => page.locator(`button[form='${id}']`).last().click();
const closed = (page) => page.getByRole("dialog").first().waitFor({ state: "detached" });
const ask = (path) => w.acme.ok("admin", "GET", path);
const many = (entity, filter) => async () =>
  (await w.acme.ok("admin", "POST", `${R}/${entity}/query`, { filter })).items.length;
const made = { called: { name: "要打电话", company: "要打电话", status: "working" } };

async function approval() {
  const approvers = [{ kind: "member", users: [w.acme.users.admin] }];
  const nodes = [{ id: "boss", name: "上级", approvers }];
  await w.acme.create("admin", "approval_flow", { name: "合同审批", entity: "contract", nodes });
  const account = (await w.acme.create("sales1", "account", { name: "审批客户" })).id;
  const total = { amount: "36000.00", currency: "CNY" };
  const days = { start_on: "2026-01-01", end_on: "2026-12-31" };
  const body = { name: "倒霉合同", account, total, ...days };
  const { id } = await w.acme.create("sales1", "contract", body);
  return w.acme.ok("sales1", "POST", `${R}/contract/${id}/actions/submit`, {});
}

async function member() {
  const program = (await w.acme.create("admin", "program", { name: "倒霉计划" })).id;
  const body = { name: "倒霉会员", phone: "13900007777", program };
  const { id } = await w.acme.create("admin", "member", body);
  const points = { points: 500, reason: "期初" };
  await w.acme.ok("admin", "POST", `${R}/member/${id}/actions/adjust`, points);
  return id;
}

const ticked = async (page) => {
  await page.goto("/e/lead");
  await page.locator(".grid thead .check").check();
};

const EDITORS = [
  {
    name: "quick create",
    open: async (page) => {
      await page.goto("/e/lead");
      await page.locator(".grid tbody .name").first().waitFor();
      await page.keyboard.press("c");
    },
    typed: [
      ["#q-name", "倒霉线索"],
      ["#q-company", "倒霉公司"],
    ],
    submit: form("quick-form"),
    done: closed,
    count: many("lead", { name: "倒霉线索" }),
  },
  {
    name: "a view that is saved",
    open: async (page) => {
      await page.goto("/e/lead?s=name");
      await button(page, t("views.save")).click();
    },
    typed: [["#view-name", "倒霉视图"]],
    submit: form("view-form"),
    done: (page) => page.waitForURL(/view=/),
    count: async () => (await ask("/api/v1/views?entity=lead")).items.length,
  },
  {
    name: "many at once",
    open: async (page) => {
      await ticked(page);
      await page.locator(".bulk").getByRole("button", { name: t("bulk.edit") }).click();
      await dialog(page).locator("#bulk-field").selectOption("company");
    },
    typed: [["#bulk-value", "同一家公司"]],
    submit: form("bulk-form"),
    done: closed,
    count: async () => Math.sign(await many("lead", { company: "同一家公司" })()),
  },
  {
    name: "an export",
    open: async (page) => {
      await ticked(page);
      await page.locator(".bulk").getByRole("button", { name: t("export.title") }).click();
    },
    typed: [["input[name='export-format'][value='csv']", true]],
    submit: form("export-form"),
    done: closed,
    count: async () =>
      (await ask("/api/v1/jobs")).items.filter((one) => /export/.test(one.queue)).length,
  },
  {
    name: "a call that is written down",
    open: async (page) => {
      made.lead = (await w.acme.create("admin", "lead", made.called)).id;
      await page.goto(`/e/lead/${made.lead}`);
      await page.getByRole("radio", { name: t("compose.call"), exact: true }).click();
      await page.locator("#compose-minutes").waitFor();
    },
    typed: [
      [".composer textarea", "谈了很久"],
      ["#compose-minutes", "42"],
    ],
    submit: (page) => button(page, t("compose.send")).click(),
    done: (page) => page.getByRole("link", { name: "谈了很久" }).waitFor(),
    count: many("activity", { subject: "谈了很久" }),
  },
  {
    name: "a lead that is converted",
    open: async (page) => {
      await page.goto(`/e/lead/${made.lead}`);
      await button(page, "转化").click();
    },
    submit: (page) => button(dialog(page), "转化").click(),
    done: closed,
    count: many("account", { name: "要打电话" }),
  },
  {
    name: "a dashboard of one's own",
    open: async (page) => {
      await page.goto("/reports");
      await button(page, t("dash.new")).click();
    },
    typed: [["#board-name", "倒霉榜"]],
    submit: form("board-form"),
    done: (page) => page.waitForURL(/\/dash\/my_/),
    count: async () => (await ask("/api/v1/views?kind=dashboard")).items.length,
  },
  {
    name: "what a dashboard of one's own is called",
    open: async (page) => {
      await page.goto("/dash/my_1?edit=1");
      await page.locator("#own-name").waitFor();
    },
    typed: [["#own-name", "更倒霉"]],
    submit: (page) => button(page, t("dash.save")).click(),
    done: (page) => page.getByRole("heading", { name: "更倒霉" }).waitFor(),
    count: async () => Number(JSON.stringify(await ask("/api/v1/views")).includes("更倒霉")),
    told: { 412: "dash.overtaken" },
  },
  {
    name: "an approval",
    open: async (page) => {
      made.approval = (await approval()).approval;
      await page.goto(`/approvals/${made.approval}`);
      await button(page, "同意").click();
    },
    typed: [["[role=dialog] textarea, [role=dialog] input[type=text]", "条款可以"]],
    submit: (page) => button(dialog(page), "同意").click(),
    done: closed,
    count: many("approval", { state: "approved" }),
  },
  {
    name: "points that are redeemed",
    open: async (page) => {
      await page.goto(`/e/member/${made.member}`);
      await button(page, "兑换积分").click();
    },
    typed: [["#param-points", "120"]],
    submit: (page) => button(dialog(page), "兑换积分").click(),
    done: closed,
    count: async () => (await ask(`${R}/member/${made.member}`)).balance,
    grows: -120,
  },
  {
    name: "one's own details",
    open: async (page) => {
      await page.goto("/me");
      await page.locator("#own-name").waitFor();
    },
    typed: [["#own-name", "管理员本人"]],
    submit: (page) => button(page.locator(".me-card").first(), t("save")).click(),
    done: (page) => page.locator(".toast.ok").last().waitFor(),
    count: async () => Number((await ask("/api/v1/me")).name === "管理员本人"),
  },
];

test("the dialogs of a day's work fail and go on", place, async (context) => {
  made.member = await member();
  const screen = await place.open(DESKTOP);
  await screen.signIn("admin", PASSWORD);
  const failing = await Failing.over(screen);
  screen.page.setDefaultTimeout(8000);
  for (const editor of EDITORS)
    await context.test(editor.name, async () => {
      try {
        await failing.try(editor, editor === EDITORS[0]);
        await screen.sound();
      } catch (error) {
        await screen.shot(`failed-${editor.name}`);
        throw error;
      } finally {
        failing.fault = null;
        screen.faults.length = 0;
      }
    });
  await screen.close();
});

test("a first step that cannot be kept is not done, and is asked for again", place, async () => {
  const screen = await place.open(PHONE);
  screen.provoked = true;
  await screen.signIn("sales2", PASSWORD);
  const { page } = screen;
  const steps = page.locator(".first-steps");
  await steps.waitFor();
  await page.route("**/me/settings", (route) =>
    route.request().method() === "PUT" ? route.abort() : route.fallback(),
  );
  await button(steps, t("steps.hide")).click();
  await page.locator(".toast.error", { hasText: t("error.offline") }).waitFor();
  await steps.waitFor(); // still there
  await page.unroute("**/me/settings");
  await button(steps, t("steps.hide")).click();
  await steps.waitFor({ state: "detached" });
  await page.reload();
  await page.locator("#main h1").first().waitFor();
  await screen.settled();
  assert.equal(await steps.count(), 0);
  await screen.sound();
  await screen.close();
});
