// own - what people keep with their accounts is theirs alone and bounded.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { limit } from "../kit/limits.mjs";
import { world } from "../kit/world.mjs";

const PATH = "/api/v1/me/settings";
const w = world();

test("each keeps their own, and nobody sees another's", async () => {
  assert.deepEqual(await w.acme.ok("sales1", "GET", PATH), {});
  const mine = { favourites: [{ to: "/e/lead", text: `线索 ${w.acme.mark}`, note: "" }] };
  assert.deepEqual(await w.acme.ok("sales1", "PUT", PATH, mine), mine);
  assert.deepEqual(await w.acme.ok("sales1", "GET", PATH), mine);
  assert.deepEqual(await w.acme.ok("sales2", "GET", PATH), {});
  assert.deepEqual(await w.globex.ok("sales1", "GET", PATH), {});
  const seen = await w.acme.as("sales2", "GET", `/api/v1/records/user/${w.acme.users.sales1}`);
  assert.ok(!seen.text.includes("favourites"));
  assert.equal((await w.acme.as(null, "GET", PATH)).status, 401);
});

test("it is an object, and so long at most", async () => {
  const most = limit("OWN_SETTINGS_BYTES_MAX");
  const around = '{"text":""}'.length;
  const at = { text: "x".repeat(most - around) };
  assert.deepEqual(await w.acme.ok("sales1", "PUT", PATH, at), at);
  const beyond = await w.acme.as("sales1", "PUT", PATH, { body: { text: `${at.text}x` } });
  assert.equal(beyond.status, 422);
  assert.deepEqual(await w.acme.ok("sales1", "GET", PATH), at);
  assert.equal((await w.acme.as("sales1", "PUT", PATH, { body: [1] })).status, 400);
});

test("help is told in the language that is asked for, of active plugins only", async () => {
  const said = (lang) =>
    w.acme.as("sales1", "GET", "/api/v1/help/hello", { headers: { "accept-language": lang } });
  assert.match((await said("en")).text, /^# Greetings/);
  const zh = await said("zh-CN");
  assert.match(zh.text, /^# 问候/);
  assert.match(zh.headers["content-type"], /text\/markdown/);
  assert.equal((await w.acme.as("sales1", "GET", "/api/v1/help/tickets")).status, 404);
  const { items } = await w.acme.ok("sales1", "GET", "/api/v1/plugins");
  const hello = items.find((one) => one.id === "hello");
  assert.equal(hello.help, true);
  const module = await w.acme.as(null, "GET", hello.ui);
  assert.match(module.headers["content-type"], /javascript/);
  const none = { "/plugins/hello/x/../plugin.json": 400, "/plugins/hello/x/init.lua": 404 };
  for (const [path, status] of Object.entries(none))
    assert.equal((await w.acme.as(null, "GET", path)).status, status);
});
