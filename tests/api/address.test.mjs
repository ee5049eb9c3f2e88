// address - where somebody asks from: rates of the unknown, and what proxies say of it.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { limit } from "../kit/limits.mjs";
import { PASSWORD, world } from "../kit/world.mjs";

const BURST = 200;
const PER_MINUTE = 2;
const w = world({
  staff: false,
  processes: [1, 1, 2],
  env: {
    PERIGEE_RATE_PER_S: "1",
    PERIGEE_RATE_BURST: String(BURST),
    PERIGEE_SIGNIN_PER_MINUTE: String(PER_MINUTE),
    PERIGEE_TRUSTED_PROXIES: "127.0.0.1",
  },
});

const from = (address) => ({ "x-forwarded-for": address });

test("the last address that a proxy wrote counts, on whichever header line", async () => {
  const body = { login: "admin", password: PASSWORD };
  const headers = from(["203.0.113.66", "198.51.100.7"]); // two lines: the client's own comes first
  const signed = await w.acme.as(null, "POST", "/api/v1/sessions", { body, headers });
  assert.equal(signed.status, 201, signed.text);
  const { items } = await w.acme.ok(null, "GET", "/api/v1/sessions", undefined, {
    token: signed.json.token,
  });
  assert.equal(items[0].address, "198.51.100.7");
});

test("what is no address is none", async () => {
  const body = { login: "admin", password: PASSWORD };
  const headers = from('x","level":"error');
  const signed = await w.acme.as(null, "POST", "/api/v1/sessions", { body, headers });
  const { items } = await w.acme.ok(null, "GET", "/api/v1/sessions", undefined, {
    token: signed.json.token,
  });
  assert.equal(items[0].address, "127.0.0.1");
});

test("an address may try so many passwords in a minute, at all companies together", async () => {
  const attempt = (tenant, address, password = PASSWORD) =>
    tenant.as(null, "POST", "/api/v1/sessions", {
      body: { login: "admin", password },
      headers: from(address),
    });
  const seen = [];
  for (let i = 0; i < PER_MINUTE * limit("SIGNIN_BURST_MINUTES"); i += 1) {
    const password = i % 2 ? "wrong, and long enough" : PASSWORD;
    seen.push((await attempt(i % 4 < 2 ? w.acme : w.globex, "198.51.100.5", password)).status);
  }
  assert.deepEqual(seen, [201, 401, 201, 401, 201, 401]);
  const late = await attempt(w.globex, "198.51.100.5");
  assert.equal(late.status, 429, late.text);
  assert.ok(Number(late.headers["retry-after"]) >= 1, "when to come again");
  assert.equal((await attempt(w.acme, "198.51.100.6")).status, 201, "another address is served");
});

test("made-up tokens share the rate of their address", async () => {
  const headers = from("198.51.100.99");
  let refused = 0;
  for (let i = 0; i < BURST + 50; i++) {
    const token = `ps_${String(i).padStart(43, "0")}`;
    const answer = await w.acme.as(null, "GET", "/api/v1/me", { token, headers });
    assert.ok([401, 429].includes(answer.status), answer.text);
    refused += answer.status === 429;
  }
  assert.ok(refused > 20, `${refused} of ${BURST + 50} were refused`);
  const { token } = await w.acme.signIn("admin");
  const known = await w.acme.as(null, "GET", "/api/v1/me", { token, headers });
  assert.equal(known.status, 200, "who is known has a share of one's own");
});
