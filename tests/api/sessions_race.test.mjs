// sessions_race - somebody signs in with the old password while it is being replaced.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { PASSWORD, world } from "../kit/world.mjs";

const w = world({ processes: [1, 1, 6] }); // two runners of the quick lane: both hash at once
const ROUNDS = 10;

test("no session of the old password outlives the new one", async () => {
  const { client, users } = w.acme;
  const path = `/api/v1/admin/users/${users.sales2}/password`;
  let password = PASSWORD;
  for (let round = 0; round < ROUNDS; round += 1) {
    const body = { password: `${PASSWORD}${round}` };
    const changing = w.acme.as("admin", "POST", path, { body });
    await new Promise((done) => setTimeout(done, 2 * round));
    const old = { login: "sales2", password };
    const [changed, signed] = await Promise.all([
      changing,
      client.request("POST", "/api/v1/sessions", { body: old }),
    ]);
    assert.equal(changed.status, 204, changed.text);
    assert.ok([201, 401].includes(signed.status), signed.text);
    const { token } = signed.json;
    const me = token && (await client.request("GET", "/api/v1/me", { token }));
    assert.notEqual(me?.status, 200, `round ${round}`);
    password = body.password;
  }
  const last = await client.request("POST", "/api/v1/sessions", {
    body: { login: "sales2", password },
  });
  assert.equal(last.status, 201, last.text);
});
