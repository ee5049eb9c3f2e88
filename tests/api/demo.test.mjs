// demo - the demo company can be made, shows every module, and holds what the modules promise.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { Client } from "../kit/client.mjs";
import { binary, command, folder, must, reportIn, ROOT, Server } from "../kit/server.mjs";

const base = folder();
const data = join(base, "demo");
after(() => rmSync(base, { recursive: true, force: true }));

const make = () =>
  spawnSync(join(ROOT, "scripts/demo"), [data, "200"], {
    encoding: "utf8",
    env: { ...process.env, PERIGEE_BIN: binary() },
  });

const exported = (entity) => must(data, ["export", "demo", entity]);

/** How many of each there are, as the administrator is told by one server. */
async function counts(entities) {
  const server = await new Server(data).start();
  const client = new Client({ port: server.port, host: "localhost" });
  try {
    const password = readFileSync(join(data, "demo-password"), "utf8").trim();
    const session = await client.request("POST", "/api/v1/sessions", {
      body: { login: "admin", password },
    });
    const { token } = session.json;
    assert.equal(session.status, 201, session.text);
    const count = async (entity) => {
      const path = `/api/v1/records/${entity}?count=true&limit=1`;
      const answer = await client.request("GET", path, { token });
      assert.equal(answer.status, 200, `${entity}: ${answer.text}`);
      return [entity, answer.json.count];
    };
    return Object.fromEntries(await Promise.all(entities.map(count)));
  } finally {
    client.close();
    await server.stop();
  }
}

test("the demo company", async (t) => {
  const made = make();
  assert.equal(made.status, 0, made.stdout + made.stderr);
  assert.equal(reportIn(made.stderr), null);
  assert.doesNotMatch(made.stdout, /failed [1-9]/, made.stdout);

  await t.test("its password is for its owner alone", () => {
    assert.equal(statSync(join(data, "demo-password")).mode & 0o77, 0);
    assert.ok(!existsSync(data + ".making"));
  });

  await t.test("every module has something to show", async () => {
    const least = {
      account: 250,
      contact: 600,
      lead: 200,
      account_owner: 260,
      account_merge: 1,
      capacity: 6,
      lead_status: 4,
      pool: 2,
      task: 15,
      activity: 15,
      product: 8,
      price_list_item: 4,
      opportunity: 15,
      opportunity_line: 15,
      target: 3,
      contract: 4,
      contract_signature: 4,
      payment_plan: 6,
      receipt: 4,
      approval: 3,
      approval_task: 6,
      member: 300,
      points_entry: 600,
      redemption: 6,
      earning_event: 18,
      qr_code: 1,
      wallet_entry: 7,
      ticket: 120,
      ticket_clock: 100,
      ticket_message: 12,
      ticket_form: 2,
      ticket_form_field: 5,
      article: 4,
      webhook: 1,
      delivery: 20,
      inbound_hook: 2,
      calendar_feed: 1,
      retail_promotion: 2,
      retail_purchase: 12,
    };
    const there = await counts(Object.keys(least));
    for (const [entity, count] of Object.entries(least))
      assert.ok(there[entity] >= count, `${entity}: ${there[entity]}`);
    const told = exported("notification").split("\n").filter(Boolean).length - 1;
    assert.ok(told >= 20, `${told} notifications`);
    const contracts = exported("contract");
    for (const word of ["approving", "performing", "draft"]) assert.ok(contracts.includes(word));
    const clocks = exported("ticket_clock");
    for (const word of ["running", "paused", "met"]) assert.ok(clocks.includes(word), word);
    const tickets = exported("ticket");
    for (const word of ["ok", "paused", "breached"]) assert.ok(tickets.includes(`,${word},`), word);
    assert.ok(exported("approval_task").includes(",open,"));
    const log = exported("delivery");
    for (const word of ["sent", "waiting", "dead"]) assert.ok(log.includes(`,${word},`), word);
  });

  await t.test("everything it promises holds", () => {
    const check = command(data, ["check", "demo"]);
    assert.equal(check.status, 0, check.stdout + check.stderr);
  });

  await t.test("making it again changes nothing", () => {
    const before = readFileSync(join(data, "demo-password"), "utf8");
    assert.equal(make().status, 0);
    assert.equal(readFileSync(join(data, "demo-password"), "utf8"), before);
  });
});
