// templates - letters that a company writes itself: drafted, checked, published, taken back.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { bundle, packed } from "../kit/pack.mjs";
import { world } from "../kit/world.mjs";

const ADMIN = "/api/v1/admin";
const CUSTOM = `${ADMIN}/customization`;
const ID = "acme.writer";
const KEY = "core.notifications.en.txt";
const w = world({ setup: async () => Promise.all([deploy(w.acme), deploy(w.globex)]) });

/* A greeting's text becomes the letter that would be sent. */
const init = `
crm.on("greeting", "before_create", { id = "write" }, function(ev, ctx)
  ev.record.text = ctx.template("core:notifications",
    { name = ev.record.name, company = "Co", count = 1,
      items = { { title = "T", body = "<b>" } } }, "en")
end)
`;
async function deploy(tenant) {
  const path = `${ADMIN}/plugins/${tenant.name}.writer/deploys`;
  const files = bundle(
    `${tenant.name}.writer`,
    { "init.lua": init },
    { requires: { hello: "^1" } },
  );
  const answer = await tenant.as("admin", "POST", path, packed(files));
  assert.equal(answer.status, 201, answer.text);
}

const letter = async (t = w.acme) => (await t.create("admin", "greeting", { name: "Ann" })).text;
const draft = (templates) =>
  w.acme.as("admin", "PUT", `${CUSTOM}/draft`, { body: { document: { templates } } });
const publish = () => w.acme.as("admin", "POST", `${CUSTOM}/publish`, { body: {} });
const own = "Subject: Ours\n\nDear {{name}},\n{{for one in items}}{{one.title}};{{end}}\n";

test("what can be written anew is listed, with what it may ask for", async () => {
  const { items } = await w.acme.ok("admin", "GET", `${ADMIN}/templates`);
  const one = items.find(({ key }) => key === KEY);
  assert.deepEqual([one.plugin, one.name, one.own], ["core", "notifications", null]);
  assert.match(one.source, /^Subject: /);
  for (const value of ["name", "company", "items", "items.title"])
    assert.ok(one.values.includes(value), value);
  assert.equal((await w.acme.as("sales1", "GET", `${ADMIN}/templates`)).status, 403);
});

test("a text that does not fit is refused, with the line, and changes nothing", async () => {
  const before = await letter();
  assert.match(before, /this is what you have not read/);
  for (const [key, text, code] of [
    ["notifications.en.txt", own, "bad_template_name"],
    ["core.notifications.fr.txt", own, "bad_template_name"],
    ["core.notifications.en.exe", own, "bad_template_name"],
    ["../core.notifications.en.txt", own, "bad_template_name"],
    [KEY, 7, "not_a_text"],
    [KEY, "x".repeat(65537), "too_long"],
  ]) {
    const answer = await draft({ [key]: text });
    assert.equal(answer.status, 422, key);
    assert.match(answer.text, new RegExp(code), key);
  }
  for (const [key, text, code] of [
    ["core.nothing.en.txt", own, "unknown_template"],
    ["nobody.notifications.en.txt", own, "unknown_template"],
    [KEY, "Dear {{nobody}}", "unknown_placeholder"],
    [KEY, "a\n{{for one in items}}{{one.secret}}{{end}}", "unknown_placeholder"],
    [KEY, "{{for one in items}}", "bad_template"],
    [KEY, "{{raw name}}", "raw_placeholder"],
  ]) {
    assert.equal((await draft({ [key]: text })).status, 200, key);
    for (const path of ["validate", "publish"]) {
      const answer = await w.acme.as("admin", "POST", `${CUSTOM}/${path}`, { body: {} });
      assert.equal(answer.status, 422, `${text} ${answer.text}`);
      assert.match(answer.text, new RegExp(code), answer.text);
    }
  }
  assert.equal(await letter(), before);
});

test("what is published stands in for the plugin's text, of this company alone", async () => {
  assert.equal((await draft({ [KEY]: own })).status, 200);
  const { changes } = await w.acme.ok("admin", "GET", `${CUSTOM}/diff`);
  assert.deepEqual(
    changes.map(({ part, name, change }) => [part, name, change]),
    [["templates", KEY, "added"]],
  );
  const answer = await publish();
  assert.equal(answer.status, 201, answer.text);
  assert.match(await letter(), /Dear Ann,\nT;/);
  assert.match(await letter(w.globex), /this is what you have not read/);
  const { document } = await w.acme.ok("admin", "GET", CUSTOM);
  assert.equal(document.templates[KEY], own);
  const { items } = await w.acme.ok("admin", "GET", `${ADMIN}/templates`);
  assert.equal(items.find(({ key }) => key === KEY).own, own);
});

test("it is taken back by a rollback", async () => {
  assert.equal((await draft({ [KEY]: own.replace("Dear", "Hi") })).status, 200);
  assert.equal((await publish()).status, 201);
  assert.match(await letter(), /Hi Ann,/);
  await w.acme.ok("admin", "POST", `${CUSTOM}/rollback`, {});
  assert.match(await letter(), /Dear Ann,/);
  assert.equal((await draft({})).status, 200);
  assert.equal((await publish()).status, 201);
  assert.match(await letter(), /this is what you have not read/);
});

test("one that cannot be filled in any more gives way to the plugin's own", async () => {
  const files = bundle(
    ID,
    { "init.lua": init, [`templates/${KEY}`]: "{{no_more}}" },
    { requires: { hello: "^1" } },
  );
  const path = `${ADMIN}/plugins/${ID}/deploys`;
  const taken = await w.acme.as("admin", "POST", path, packed(files));
  assert.equal(taken.status, 201, taken.text);
  assert.match(await letter(), /this is what you have not read/);
});
