// screens - every screen of one kind of device: no serious finding of axe, one h1, nothing wider
// than the screen, the right language, no identifier where people read.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { browserPlace } from "./browser.mjs";
import { PASSWORD, everyPlugin, world } from "./world.mjs";

const SCREENS = {
  home: "/",
  list: "/e/lead",
  empty: "/e/contact",
  board: "/e/lead?mode=board",
  record: "/e/lead/LEAD",
  edit: "/e/lead/LEAD/edit",
  new: "/e/account/new",
  calendar: "/e/task?mode=calendar",
  month: "/e/task?mode=calendar&p=month",
  reports: "/reports",
  dashboard: "/dash/leads",
  notices: "/notices",
  help: "/help/leads",
  import: "/import/lead",
  jobs: "/jobs",
  me: "/me",
  admin: "/admin",
  users: "/admin/users",
  departments: "/admin/departments",
  roles: "/admin/roles",
  role: "/admin/roles/sales",
  entities: "/admin/fields",
  fields: "/admin/fields/lead",
  layouts: "/admin/layouts/lead",
  lists: "/admin/views/lead",
  objects: "/admin/entities",
  object: "/admin/entities/new",
  menus: "/admin/menus",
  boards: "/admin/dashboards",
  dashboard_editor: "/admin/dashboards/leads",
  dictionaries: "/admin/dictionaries",
  dictionary: "/admin/dictionaries/industry",
  publish: "/admin/publish",
  plugins: "/admin/plugins",
  plugin: "/admin/plugins/leads",
  tickets_settings: "/admin/plugins/tickets",
  outbox: "/admin/outbox",
  work: "/admin/jobs",
  handlers: "/admin/handlers",
  templates: "/admin/templates",
  mailboxes: "/admin/mailboxes",
  privacy: "/admin/privacy",
  webhooks: "/admin/webhooks",
  keys: "/admin/keys",
  settings: "/admin/settings",
  mail: "/admin/mail",
  audit: "/admin/audit",
  trail: "/admin/audit?of=records",
  nowhere: "/there/is/nothing",
  absent: "/e/lead/0000000000000",
};

/* Runs in the page: what looks like a name of the model ("lost_reason", "ticket.created") and is
   not set as code. Addresses and logins are no such names. */
function identifiers() {
  const name = /(?<![\w@/.:-])[a-z][a-z0-9]*(?:[._][a-z0-9]+)+(?![\w@/-])/g;
  const found = [];
  const look = (text) => {
    for (const [one] of (text ?? "").matchAll(name))
      if (!/\.(com|cn|org)$/.test(one)) found.push(one);
  };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode())
    if (!node.parentElement.closest("script, style, code, pre, .code")) look(node.data);
  for (const element of document.querySelectorAll("[aria-label], [placeholder]"))
    if (!element.closest(".dictionary")) {
      look(element.getAttribute("aria-label"));
      look(element.getAttribute("placeholder"));
    }
  return [...new Set(found)];
}

/** A test for each [name, device, theme, language], on a server and a company of their own. */
export function crawl(kinds) {
  const place = browserPlace({ leads: 20 });
  const w = world({ ...place.world, plugins: everyPlugin() });
  const someLead = async () =>
    (await w.acme.ok("admin", "GET", "/api/v1/records/lead?limit=1")).items[0].id;
  for (const [name, device, theme, lang] of kinds) {
    test(`${name}, ${theme}`, place, async (t) => {
      const screen = await place.open(device);
      await screen.theme(theme);
      await screen.page.goto("/login");
      await screen.page.locator("#login").waitFor();
      await screen.axe("login");
      await screen.shot(`${name}-${theme}-login`);
      await screen.signIn("admin", PASSWORD);
      for (const [what, path] of Object.entries(SCREENS)) {
        await t.test(what, async () => {
          const lead = path.includes("LEAD") ? await someLead() : "";
          await screen.page.goto(path.replace("LEAD", lead));
          await screen.page.locator("h1").first().waitFor();
          await screen.page.waitForLoadState("load");
          await screen.settled();
          await screen.shot(`${name}-${theme}-${what}`);
          assert.equal(await screen.page.locator("h1").count(), 1);
          assert.equal(await screen.page.locator("html").getAttribute("lang"), lang);
          await screen.fits(what);
          assert.deepEqual(await screen.page.evaluate(identifiers), [], what);
          await screen.axe(what);
          await screen.sound();
        });
      }
      await screen.close();
    });
  }
}
