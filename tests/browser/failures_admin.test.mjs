// failures_admin - every editor of administration meets what can go wrong between it and the
// server: what was typed stays, it is said what happened and what to do, and it is done once.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { DESKTOP, ENGLISH, browserPlace } from "../kit/browser.mjs";
import { Failing, wordsOf } from "../kit/failing.mjs";
import { must } from "../kit/server.mjs";
import { PASSWORD, world } from "../kit/world.mjs";

const A = "/api/v1/admin";
const place = browserPlace({ leads: 4 });
const w = world({
  ...place.world,
  setup: async (at) => {
    must(at.server.data, ["plugin", "enable", "acme", "integrations"]);
    await place.world.setup(at);
  },
});
const t = wordsOf("zh-CN");

const ask = (path) => w.acme.ok("admin", "GET", path);
const items = async (path) => (await ask(`${A}${path}`)).items;
const many = (path, is) => async () => (await items(path)).filter(is).length;
const button = (page, name) => page.getByRole("button", { name, exact: true });
const dialog = (page) => page.getByRole("dialog").last();
const press = (key) => (page) => button(page, t(key)).last().click();
const closed = (page) => page.getByRole("dialog").first().waitFor({ state: "detached" });
const told = (key) => (page) => page.locator(".toast.ok", { hasText: t(key) }).last().waitFor();
const opened = (path, key) => async (page) => {
  await page.goto(path);
  await button(page, t(key)).first().click();
  await dialog(page).waitFor();
};
const at = (path, first) => async (page) => {
  await page.goto(path);
  await page.locator(first).first().waitFor();
};
/** Of one row's menu. */
const ofUser = (login, key) => async (page) => {
  await page.goto("/admin/users");
  await page.getByRole("row", { name: new RegExp(login) }).getByRole("button").last().click();
  await page.getByRole("menuitem", { name: t(key), exact: true }).click();
  await dialog(page).waitFor();
};
const draft = async () => (await ask(`${A}/customization`)).draft?.document ?? {};
const dropDraft = () => w.acme.as("admin", "DELETE", `${A}/customization/draft`);
const inDraft = (part, is) => async () => ((await draft())[part] ?? []).filter(is).length;
/** 1 where something is now as it was typed. */
const as = (read, value) => async () => Number((await read()) === value);
/** 1 where there is more of it than there was. */
const asMore = (read, first) => async () => {
  const now = await read();
  first ??= now;
  return Number(now > first);
};
const user = async (login) => (await items(`/users?login=${login}`))[0];

const PEOPLE = [
  {
    name: "a user who is invited",
    open: opened("/admin/users", "users.add"),
    typed: [
      ["#user-login", "failing"],
      ["#user-name", "不走运"],
    ],
    submit: press("save"),
    done: (page) =>
      page
        .getByRole("dialog", { name: t("users.link_for", { name: "不走运" }) })
        .waitFor(),
    count: many("/users?login=failing", () => true),
  },
  {
    name: "a user",
    open: ofUser("sales2", "edit"),
    typed: [["#user-phone", "13900000042"]],
    submit: press("save"),
    done: closed,
    count: as(async () => (await user("sales2")).phone, "+8613900000042"),
  },
  {
    name: "a user who is shut out",
    open: ofUser("viewer", "users.disable"),
    submit: (page) => button(dialog(page), t("users.disable")).click(),
    done: closed,
    count: as(async () => (await user("viewer")).active, false),
    after: async () =>
      w.acme.ok("admin", "PATCH", `${A}/users/${w.acme.users.viewer}`, { active: true }),
  },
  {
    name: "a department",
    open: opened("/admin/departments", "departments.add"),
    typed: [["#department-name", "倒霉部"]],
    submit: press("save"),
    done: closed,
    count: many("/departments?limit=200", (one) => one.name === "倒霉部"),
  },
  {
    name: "a department that goes",
    open: async (page) => {
      await page.goto("/admin/departments");
      await button(page, t("kit.delete", { name: "倒霉部" })).click();
    },
    submit: (page) => button(dialog(page), t("delete")).click(),
    done: closed,
    count: many("/departments?limit=200", (one) => one.name === "倒霉部"),
    grows: -1,
  },
  {
    name: "a team",
    open: opened("/admin/departments", "departments.add_team"),
    typed: [["#department-name", "倒霉组"]],
    submit: press("save"),
    done: closed,
    count: async () => (await ask("/api/v1/records/team?name=倒霉组")).items.length,
  },
  {
    name: "a role",
    open: opened("/admin/roles", "roles.add"),
    typed: [
      ["#role-label", "Failing"],
      ["#role-like", "sales"],
    ],
    submit: press("create"),
    done: (page) => page.waitForURL(/\/admin\/roles\/./),
    count: many("/roles", (one) => one.label === "Failing"),
  },
  {
    name: "what a role may do",
    open: at("/admin/roles/viewer", "#role-label"),
    typed: [["#role-label", "只看不动"]],
    submit: press("save"),
    done: told("saved"),
    count: many("/roles", (one) => one.label === "只看不动"),
  },
];

const MODEL = [
  {
    name: "a field",
    open: opened("/admin/fields/lead", "fields.add"),
    typed: [
      ["[id='field-label-zh-CN']", "运气"],
      ["#field-label-en", "Luck"],
      ["#field-alias", "命"],
    ],
    submit: press("draft.keep"),
    done: closed,
    count: async () =>
      ((await draft()).extensions ?? (await draft()).entities ?? [])
        .flatMap((one) => one.fields ?? [])
        .filter((one) => one.name === "x_luck").length,
  },
  {
    name: "an object",
    open: at("/admin/entities/new", "#entity-words-en"),
    typed: [
      ["[id='entity-words-zh-CN']", "倒霉事"],
      ["#entity-words-en", "Mishap"],
      ["[id='entity-plural-zh-CN']", "倒霉事"],
      ["#entity-plural-en", "Mishaps"],
    ],
    submit: press("draft.keep"),
    done: (page) => page.waitForURL(/\/admin\/entities$/),
    count: inDraft("entities", (one) => one.name === "x_mishap"),
  },
  {
    name: "a form",
    open: async (page) => {
      await at("/admin/layouts/lead", "[data-section]")(page);
      await button(page, t("layouts.add_section")).click();
    },
    submit: press("draft.keep"),
    done: told("draft.kept"),
    count: asMore(async () => JSON.stringify(await draft()).split('"section').length),
  },
  {
    name: "a list",
    open: opened("/admin/views/lead", "views.add"),
    typed: [
      ["#view-words-en", "Unlucky"],
      ["[id='view-words-zh-CN']", "倒霉"],
    ],
    submit: press("draft.keep"),
    done: closed,
    count: inDraft("views", (one) => one.kind === "list" && one.name?.startsWith("x_list")),
  },
  {
    name: "the menu",
    open: async (page) => {
      await opened("/admin/menus", "menus.add_group")(page);
      await page.locator("[id='menu-words-zh-CN']").fill("倒霉组");
      await button(dialog(page), t("kit.done")).click();
      await closed(page);
    },
    submit: press("draft.keep"),
    done: told("draft.kept"),
    count: async () => Number(JSON.stringify(await draft()).includes("倒霉组")),
  },
  {
    name: "a dashboard that is new",
    open: opened("/admin/dashboards", "boards.add"),
    typed: [
      ["[id='board-words-zh-CN']", "倒霉榜"],
      ["#board-words-en", "Unlucky"],
    ],
    submit: press("kit.done"),
    done: (page) => page.waitForURL(/\/admin\/dashboards\/x_board/),
    count: inDraft("views", (one) => one.kind === "dashboard"),
  },
  {
    name: "a dashboard",
    open: async (page) => {
      await at("/admin/dashboards/leads", ".board-edit")(page);
      await button(page, t("boards.rename")).click();
      await page.locator("[id='board-words-zh-CN']").fill("线索日报");
      await button(dialog(page), t("kit.done")).click();
      await closed(page);
    },
    submit: press("draft.keep"),
    done: told("draft.kept"),
    count: async () => Number(JSON.stringify(await draft()).includes("线索日报")),
  },
  {
    name: "a letter",
    open: async (page) => {
      await page.goto("/admin/templates");
      await button(page, "编辑 重设密码邮件 · 中文").click();
    },
    typed: [["#template-text", "您好，链接在此：{{link}}\n祝好"]],
    submit: press("draft.keep"),
    done: closed,
    count: async () => Object.keys((await draft()).templates ?? {}).length,
  },
  {
    name: "publishing",
    open: async (page) => {
      await dropDraft();
      await w.acme.ok("admin", "PUT", `${A}/customization/draft`, {
        document: { texts: { "zh-CN": { "lead.company": "单位" } } },
      });
      await at("/admin/publish", ".change-list")(page);
    },
    submit: press("draft.publish"),
    done: (page) => page.getByText(t("draft.none")).waitFor(),
    count: async () => (await items("/customization/history")).length,
  },
  {
    name: "going back to what was published",
    open: async (page) => {
      await w.acme.ok("admin", "PUT", `${A}/customization/draft`, {
        document: { texts: { "zh-CN": { "lead.company": "企业" } } },
      });
      await w.acme.ok("admin", "POST", `${A}/customization/publish`, {});
      await page.goto("/admin/publish");
      const back = page.getByRole("button", { name: new RegExp(t("draft.back")) });
      await back.last().click();
    },
    submit: (page) => button(dialog(page), t("draft.back")).click(),
    done: closed,
    count: async () => (await items("/customization/history")).length,
    grows: 2, // one published, one rolled back
  },
  {
    name: "throwing a draft away",
    open: async (page) => {
      await w.acme.ok("admin", "PUT", `${A}/customization/draft`, { document: {} });
      await opened("/admin/publish", "draft.discard")(page);
    },
    submit: (page) => button(dialog(page), t("draft.discard")).click(),
    done: closed,
    count: async () => Number(Boolean((await ask(`${A}/customization`)).draft)),
    grows: 0,
  },
  {
    name: "a dictionary",
    open: async (page) => {
      await at("/admin/dictionaries/industry", ".dictionary")(page);
    },
    typed: [[".dictionary tbody tr:first-child input[lang='zh-CN']", "倒霉业"]],
    submit: press("save"),
    done: told("saved"),
    count: async () =>
      Number(JSON.stringify(await ask(`${A}/dictionaries/industry`)).includes("倒霉业")),
  },
];

const PLATFORM = [
  {
    name: "a plugin's settings",
    open: at("/admin/plugins/leads", "#setting-max_open"),
    typed: [["#setting-max_open", "77"]],
    submit: press("save"),
    done: told("saved"),
    count: async () =>
      Number(JSON.stringify(await ask(`${A}/plugins/leads/config`)).includes("77")),
  },
  {
    name: "a plugin that is switched off",
    open: opened("/admin/plugins/hello", "plugins.disable"),
    submit: (page) => button(dialog(page), t("plugins.disable")).click(),
    done: closed,
    count: many("/plugins", (one) => one.id === "hello" && one.state === "disabled"),
  },
  {
    name: "a plugin that is switched on",
    open: at("/admin/plugins/hello", ".admin-head .btn"),
    submit: press("plugins.enable"),
    done: (page) => button(page, t("plugins.disable")).waitFor(),
    count: many("/plugins", (one) => one.id === "hello" && one.state === "enabled"),
  },
  {
    name: "a key",
    open: async (page) => {
      await opened("/admin/keys", "keys_admin.add")(page);
      await dialog(page).getByRole("radio").last().check();
    },
    typed: [["#key-name", "倒霉程序"]],
    submit: (page) => button(dialog(page), t("create")).click(),
    done: (page) => page.getByText(t("keys_admin.once")).waitFor(),
    once: true, // its answer is told once, so an answer that is lost is a key nobody has
    count: many("/api-keys", (one) => one.name === "倒霉程序"),
  },
  {
    name: "a key that is revoked",
    open: async (page) => {
      await page.goto("/admin/keys");
      await button(page, t("keys_admin.revoke_of", { name: "倒霉程序" })).click();
    },
    submit: (page) => button(dialog(page), t("keys_admin.revoke")).click(),
    done: closed,
    count: many("/api-keys", (one) => one.name === "倒霉程序" && !one.revoked_at),
    grows: -1,
  },
  {
    name: "a job that is run now",
    open: async (page) => page.goto("/admin/jobs"),
    submit: (page) => button(page, t("schedule.run")).first().click(),
    done: (page) => page.locator(".toast.ok").last().waitFor(),
  },
  {
    name: "a job that is paused",
    open: async (page) => page.goto("/admin/jobs"),
    submit: (page) => button(page, t("schedule.pause")).first().click(),
    done: (page) => button(page, t("health.resume")).first().waitFor(),
    count: many("/jobs", (one) => one.paused_at),
  },
  {
    name: "a webhook that is paused",
    open: async (page) => {
      const made = await w.acme.create("admin", "webhook", {
        name: "ERP",
        url: "https://erp.example.com/in",
        secret: "a-secret-of-enough-length-2026",
        entities: ["lead"],
      });
      await at(`/admin/webhooks/${made.id}`, ".admin-head .btn")(page);
    },
    submit: (page) => button(page, "暂停").click(),
    done: (page) => page.locator(".admin-head .tag", { hasText: t("webhooks.paused") }).waitFor(),
    count: async () => (await ask("/api/v1/records/webhook?state=paused")).items.length,
  },
];

const COMPANY = [
  {
    name: "the company",
    open: at("/admin/settings", "#company-title"),
    typed: [["#company-title", "倒霉公司"]],
    submit: press("save"),
    done: told("saved"),
    count: as(async () => (await ask(`${A}/settings`)).title, "倒霉公司"),
  },
  {
    name: "the mail server",
    open: at("/admin/mail", "#mail-host"),
    typed: [
      ["#mail-host", "127.0.0.1"],
      ["#mail-port", "9"],
      ["#mail-from", "crm@acme.example.com"],
      ["#mail-password", "geheim"],
    ],
    submit: press("save"),
    done: told("saved"),
    count: as(async () => (await ask(`${A}/mail`)).host, "127.0.0.1"),
  },
  {
    name: "a mailbox",
    open: opened("/admin/mailboxes", "mailbox.add"),
    typed: [
      ["#mailbox-name", "unlucky"],
      ["#mailbox-host", "127.0.0.1"],
      ["#mailbox-user", "crm"],
      ["#mailbox-password", "Box-1"],
    ],
    submit: press("save"),
    done: closed,
    count: many("/mailboxes", (one) => one.name === "unlucky"),
  },
  {
    name: "a mailbox that goes",
    open: async (page) => {
      await page.goto("/admin/mailboxes");
      await button(page, t("mailbox.remove", { name: "unlucky" })).click();
    },
    submit: (page) => button(dialog(page), t("delete")).click(),
    done: closed,
    count: many("/mailboxes", (one) => one.name === "unlucky"),
    grows: -1,
  },
  {
    name: "somebody who is forgotten",
    open: async (page) => {
      await w.acme.create("admin", "lead", { name: "倒霉蛋" });
      await at("/admin/privacy", "#privacy-entity")(page);
      await page.locator("#privacy-record").fill("倒霉蛋");
      await page.getByRole("option", { name: /倒霉蛋/ }).first().click();
      await page.locator("#privacy-reason").fill("本人来信要求");
      await button(page, t("privacy.erase")).click();
    },
    typed: [["#privacy-confirm", "倒霉蛋"]],
    submit: (page) => button(dialog(page), t("privacy.erase_yes")).click(),
    done: closed,
    count: async () => (await ask("/api/v1/records/lead?name=倒霉蛋")).items.length,
    grows: 0,
  },
];

for (const [area, editors] of Object.entries({ PEOPLE, MODEL, PLATFORM, COMPANY }))
  test(`editors of ${area.toLowerCase()} fail and go on`, place, async (context) => {
    const screen = await place.open(DESKTOP);
    await screen.signIn("admin", PASSWORD);
    const failing = await Failing.over(screen);
    screen.page.setDefaultTimeout(8000);
    for (const editor of editors) {
      await context.test(editor.name, async () => {
        try {
          await failing.try(editor, editor === editors[0]);
          await screen.sound();
        } catch (error) {
          await screen.shot(`failed-${editor.name}`);
          throw error;
        } finally {
          failing.fault = null;
          screen.faults.length = 0;
        }
      });
    }
    await screen.close();
  });

test("in English as well", place, async () => {
  const screen = await place.open(ENGLISH);
  await screen.signIn("admin", PASSWORD);
  const failing = await Failing.over(screen, "en");
  const words = wordsOf("en");
  await failing.try({
    name: "a department in English",
    open: async (page) => {
      await page.goto("/admin/departments");
      await button(page, words("departments.add")).click();
    },
    typed: [["#department-name", "Unlucky"]],
    submit: (page) => button(dialog(page), words("save")).click(),
    done: closed,
    count: many("/departments?limit=200", (one) => one.name === "Unlucky"),
  });
  await screen.sound();
  await screen.close();
});

test("a filter of the audit trail stays where it cannot be asked", place, async () => {
  await place.working(DESKTOP, "admin", async (page, screen) => {
    screen.provoked = true;
    await page.goto("/admin/audit");
    await page.locator(".admin-table").waitFor();
    await page.route(/\/admin\/audit/, (route) =>
      route.fulfill({
        status: 500,
        json: { error: { code: "internal", message: "坏了", trace: "t-audit" } },
      }),
    );
    await page.getByLabel("操作", { exact: true }).selectOption("role.*");
    const failure = page.locator(".empty[role=alert]", { hasText: "t-audit" });
    await failure.getByText(t("hint.server")).waitFor();
    assert.equal(await page.getByLabel("操作", { exact: true }).inputValue(), "role.*");
    await page.unroute(/\/admin\/audit/);
    await failure.getByRole("button", { name: t("retry") }).click();
    await failure.waitFor({ state: "detached" });
    assert.equal(await page.getByLabel("操作", { exact: true }).inputValue(), "role.*");
  });
});
