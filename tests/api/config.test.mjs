// config - SIGHUP reads perigee.json again, in every process, while people work.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { multipart, raw, statuses } from "../kit/client.mjs";
import { world } from "../kit/world.mjs";

const KIB = 1024;
const w = world({
  staff: false,
  setup: async ({ acme }) => {
    const all = await acme.ok("admin", "GET", "/api/v1/admin/users?login=admin");
    w.user = all.items[0].id;
  },
});

const configure = (config) =>
  writeFileSync(join(w.server.data, "perigee.json"), JSON.stringify(config), { mode: 0o600 });

/** SIGHUP, then asks until the answer is the one that the new configuration gives. */
async function reload(is) {
  w.server.signal("SIGHUP");
  for (let tries = 0; !(await is()); tries += 1) {
    assert.ok(tries < 1000, "the configuration is not taken");
    await new Promise((done) => setTimeout(done, 20));
  }
}

async function upload() {
  const content = "a".repeat(100 * KIB);
  const parts = [{ name: "file", filename: "a.txt", type: "text/plain", content }];
  return (await w.acme.as("admin", "POST", "/api/v1/files", multipart(parts))).status;
}

async function newKey() {
  const body = { user: w.user, name: "key", scopes: ["lead:read"] };
  return (await w.acme.as("admin", "POST", "/api/v1/admin/api-keys", { body })).status;
}

test("bounds that gateways, runners and workers ask are the new ones", async () => {
  configure({ upload_bytes_max: 64 * KIB, keys_per_user_max: 1 });
  await reload(async () => (await upload()) === 413);
  assert.equal(await newKey(), 201);
  await reload(async () => (await newKey()) === 409);
  configure({ upload_bytes_max: 200 * KIB });
  await reload(async () => (await upload()) === 201);
  await reload(async () => (await newKey()) === 201);
});

test("fewer connections: those that are open stay", async () => {
  configure({ conns_per_address_max: 1 });
  const me = () => w.acme.as("admin", "GET", "/api/v1/me");
  assert.equal((await me()).status, 200);
  const ask = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  const isRefused = async () => {
    const open = Array.from({ length: 6 }, () => raw(w.server.port, ask));
    const answers = await Promise.all(open.map((one) => one.catch(() => ({ text: "" }))));
    return answers.some(({ text }) => statuses(text).length === 0);
  };
  await reload(isRefused);
  assert.equal((await me()).status, 200);
});

test("what cannot be used is told in one line, and all stays as it was", async () => {
  for (const [config, said] of [
    [{ rate_per_s: 0 }, "rate_per_s"],
    [{ outbound_private: ["10.0.0.0/99"] }, "outbound_private"],
  ]) {
    configure(config);
    const from = w.server.log.length;
    const lines = () => w.server.log.slice(from).split("\n");
    const told = () => lines().filter((line) => line.includes("stays as it was"));
    await reload(() => told().length > 0);
    assert.equal(told().length, 1);
    assert.ok(told()[0].includes(said), told()[0]);
    assert.equal((await w.acme.as("admin", "GET", "/api/v1/me")).status, 200);
  }
});
