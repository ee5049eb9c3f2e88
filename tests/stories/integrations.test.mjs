// integrations - other systems are told, tell us, and are kept in step; whatever fails waits.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { must } from "../kit/server.mjs";
import { sign, Target, until } from "../kit/target.mjs";
import { world } from "../kit/world.mjs";

const RECORDS = "/api/v1/records";
const SECRET = "hook-secret-of-2026-first";
const SECOND = "hook-secret-of-2026-other";
const w = world({
  env: { PERIGEE_OUTBOUND_PRIVATE: "127.0.0.1" },
  setup: async ({ server }) => {
    for (const name of ["acme", "globex"]) {
      must(server.data, ["plugin", "enable", name, "integrations"]);
    }
  },
});
let target, other;
before(async () => {
  target = await new Target().start();
  other = await new Target().start();
});
after(() => {
  target.stop();
  other.stop();
});

const act = (tenant, login, entity, id, action, body = {}) =>
  tenant.as(login, "POST", `${RECORDS}/${entity}/${id}/actions/${action}`, { body });

async function done(tenant, entity, id, action, body) {
  const answer = await act(tenant, "admin", entity, id, action, body);
  assert.equal(answer.status, 200, `${action}: ${answer.text}`);
  return answer.json;
}

async function refused(tenant, entity, body, field) {
  const answer = await tenant.as("admin", "POST", `${RECORDS}/${entity}`, { body });
  assert.equal(answer.status, 422, answer.text);
  assert.deepEqual(Object.keys(answer.json.error.fields), [field]);
}

const list = async (tenant, entity, query) =>
  (await tenant.ok("admin", "GET", `${RECORDS}/${entity}?${query}`)).items;
const settings = (tenant, values) =>
  tenant.ok("admin", "PUT", "/api/v1/admin/plugins/integrations/config", values);

test("webhooks of two companies", async (t) => {
  const { acme, globex } = w;
  let hook;

  await t.test("what cannot be told to anybody is refused on its field", async () => {
    const fits = { name: "x", url: "https://example.com/a", secret: SECRET, entities: ["account"] };
    await refused(acme, "webhook", { ...fits, url: target.url }, "url");
    await refused(acme, "webhook", { ...fits, entities: ["nothing"] }, "entities");
    await refused(acme, "webhook", { ...fits, match: { nothing: 1 } }, "match");
    await refused(acme, "webhook", { ...fits, entities: ["*"], match: { status: "lost" } }, "match");
    await refused(acme, "webhook", { ...fits, skip_own: true }, "acts_as");
  });

  await t.test("only who may shapes them, and nobody reads a secret", async () => {
    for (const tenant of [acme, globex]) await settings(tenant, { allow_http: true });
    const body = { name: "ERP", url: `${target.url}/erp`, secret: SECRET, entities: ["account"] };
    const wrong = await acme.as("sales1", "POST", `${RECORDS}/webhook`, { body });
    assert.equal(wrong.status, 403);
    hook = (await acme.create("admin", "webhook", body)).id;
    const shown = await acme.as("admin", "GET", `${RECORDS}/webhook/${hook}`);
    assert.equal(shown.json.secret, "********");
    assert.ok(!shown.text.includes(SECRET));
    const foreign = await globex.as("admin", "GET", `${RECORDS}/webhook/${hook}`);
    assert.equal(foreign.status, 404);
    assert.equal((await act(globex, "admin", "webhook", hook, "pause")).status, 404);
    assert.equal((await act(acme, "sales1", "webhook", hook, "pause")).status, 404);
  });

  await t.test("a change is told, signed, with the record as it is", async () => {
    const account = await acme.create("admin", "account", { name: "王小明" });
    await acme.ok("admin", "PATCH", `${RECORDS}/account/${account.id}`, { name: "王大明" });
    await globex.create("admin", "account", { name: "别家" });
    const mine = () => target.calls.filter((call) => call.json?.id === account.id);
    await until("two deliveries", () => mine().length >= 2);
    const [first, second] = mine();
    assert.equal(first.url, "/erp");
    assert.equal(first.headers["x-perigee-event"], "account.created");
    assert.equal(first.json.event, "account.created");
    assert.equal(second.json.event, "account.updated");
    assert.deepEqual(second.json.changed, ["name"]);
    assert.equal(second.json.data.name, "王大明");
    for (const call of [first, second]) {
      const stamp = call.headers["x-perigee-timestamp"];
      assert.equal(call.headers["x-perigee-signature"], sign(SECRET, stamp, call.body));
    }
    const [row] = await list(acme, "delivery", `record_id=${account.id}&sort=seq&limit=1`);
    assert.deepEqual([row.state, row.status, row.tries], ["sent", 200, 1]);
    const tries = await list(acme, "delivery_try", `delivery=${row.id}`);
    assert.equal(tries.length, 1);
    assert.equal((await list(globex, "delivery", "")).length, 0);
  });

  await t.test("a rotated secret signs beside the old one", async () => {
    const short = await act(acme, "admin", "webhook", hook, "rotate", { secret: "short" });
    assert.equal(short.status, 422);
    await done(acme, "webhook", hook, "rotate", { secret: SECOND, hours: 1 });
    target.calls.length = 0;
    await done(acme, "webhook", hook, "ping");
    const call = await until("the ping", () => target.calls[0]);
    const stamp = call.headers["x-perigee-timestamp"];
    const both = [SECOND, SECRET].map((secret) => sign(secret, stamp, call.body)).join(", ");
    assert.equal(call.headers["x-perigee-signature"], both);
  });

  await t.test("what fails is tried again, in order; what is refused is a dead letter", async () => {
    let down = true;
    target.answer = (call) => (call.json.event.startsWith("webhook") ? 200 : down ? 503 : 200);
    target.calls.length = 0;
    const account = await acme.create("admin", "account", { name: "李雷" });
    await acme.ok("admin", "PATCH", `${RECORDS}/account/${account.id}`, { name: "李大雷" });
    await until("a failed try", async () => {
      const rows = await list(acme, "delivery", `record_id=${account.id}&sort=seq`);
      return rows.length === 2 && rows[0].tries >= 1 && rows[0].status === 503;
    });
    const failing = await acme.ok("admin", "GET", `${RECORDS}/webhook/${hook}`);
    assert.ok(failing.failures >= 1 && failing.retry_at);
    down = false;
    await until("both sent", async () => {
      const rows = await list(acme, "delivery", `record_id=${account.id}&sort=seq`);
      return rows.every((row) => row.state === "sent");
    });
    const seqs = target.calls.filter((c) => c.json.id === account.id).map((c) => c.json.seq);
    assert.deepEqual(seqs, [...seqs].sort((a, b) => a - b));
    const later = await acme.ok("admin", "GET", `${RECORDS}/webhook/${hook}`);
    assert.deepEqual([later.failures, later.retry_at], [0, null]);

    target.answer = () => ({ status: 410, body: "gone for good" });
    const dead = await acme.create("admin", "account", { name: "韩梅梅" });
    const row = await until("a dead letter", async () => {
      const rows = await list(acme, "delivery", `record_id=${dead.id}&state=dead`);
      return rows[0];
    });
    assert.equal(row.status, 410);
    const [log] = await list(acme, "delivery_try", `delivery=${row.id}`);
    assert.equal(log.answer, "gone for good");
    target.answer = () => 200;
    assert.equal((await act(acme, "sales1", "delivery", row.id, "replay")).status, 404);
    await done(acme, "delivery", row.id, "replay");
    await until("it is sent", async () => {
      const again = await acme.ok("admin", "GET", `${RECORDS}/delivery/${row.id}`);
      return again.state === "sent" && again.replays === 1;
    });
    target.calls.length = 0;
    const range = { state: "sent", from_seq: row.seq, to_seq: row.seq };
    assert.equal((await done(acme, "webhook", hook, "replay", range)).count, 1);
    await until("replayed", () => target.calls.some((call) => call.json.seq === row.seq));
  });

  await t.test("a target inside is a dead letter; a paused one keeps what comes", async () => {
    const inward = await acme.create("admin", "webhook", {
      name: "inward",
      url: "http://127.0.0.2:9/x",
      secret: SECRET,
      entities: ["account"],
      events: ["create"],
    });
    await done(acme, "webhook", hook, "pause");
    const before = target.calls.length;
    const account = await acme.create("admin", "account", { name: "内网" });
    const row = await until("a dead letter", async () => {
      const rows = await list(acme, "delivery", `webhook=${inward.id}&state=dead`);
      return rows[0];
    });
    assert.equal(row.record_id, account.id);
    const kept = await list(acme, "delivery", `webhook=${hook}&state=waiting`);
    assert.equal(kept.length, 1);
    assert.equal(target.calls.length, before);
    await done(acme, "webhook", hook, "resume");
    await until("it is told", () => target.calls.some((call) => call.json.id === account.id));
  });

  await t.test("a target that fails for long is paused, and says why", async () => {
    await settings(acme, { allow_http: true, pause_after: 1, pause_after_hours: 0 });
    other.answer = () => 500;
    const bad = await acme.create("admin", "webhook", {
      name: "bad",
      url: `${other.url}/bad`,
      secret: SECRET,
      entities: ["account"],
      match: { name: "坏目标" },
    });
    await acme.create("admin", "account", { name: "好目标" });
    await acme.create("admin", "account", { name: "坏目标" });
    const paused = await until("the pause", async () => {
      const seen = await acme.ok("admin", "GET", `${RECORDS}/webhook/${bad.id}`);
      return seen.state === "paused" && seen;
    });
    assert.match(paused.paused_why, /500/);
    assert.equal(other.calls.length, 1);
  });
});
