// integrations - other systems are told, tell us, and are kept in step; whatever fails waits.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { change } from "../kit/damage.mjs";
import { must } from "../kit/server.mjs";
import { sign, Target, until } from "../kit/target.mjs";
import { WeCom } from "../kit/wecom.mjs";
import { world } from "../kit/world.mjs";

const RECORDS = "/api/v1/records";
const SECRET = "hook-secret-of-2026-first";
const SECOND = "hook-secret-of-2026-other";
const w = world({
  env: { PERIGEE_OUTBOUND_PRIVATE: "127.0.0.1" },
  hosts: { acme: ["localhost"] },
  setup: async ({ server }) => {
    for (const name of ["acme", "globex"]) {
      for (const plugin of ["integrations", "connector_rest", "connector_wecom"])
        must(server.data, ["plugin", "enable", name, plugin]);
    }
  },
});
// The server of another place: its company answers to the name that calls from here use.
const far = world({
  staff: false,
  env: { PERIGEE_OUTBOUND_PRIVATE: "127.0.0.1" },
  hosts: { acme: ["localhost"], globex: ["127.0.0.1"] },
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
/* Every sync that was asked for has come to its end. */
const rests = (tenant) =>
  until("no sync is left", async () => {
    const { items } = await tenant.ok("admin", "GET", "/api/v1/jobs?limit=200");
    return !items.some((job) => job.queue === "job:integrations.sync" && !job.finished_at);
  });
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
    const all = { ...fits, entities: ["*"] };
    await refused(acme, "webhook", { ...all, match: { status: "lost" } }, "match");
    await refused(acme, "webhook", { ...fits, skip_own: true }, "acts_as");
    await refused(acme, "webhook", { ...fits, secret: "fifteen letters" }, "secret");
  });

  await t.test("Secrets are never returned or logged; only who may shapes targets", async () => {
    for (const tenant of [acme, globex]) await settings(tenant, { allow_http: true });
    const body = { name: "ERP", url: `${target.url}/erp`, secret: SECRET, entities: ["account"] };
    const wrong = await acme.as("sales1", "POST", `${RECORDS}/webhook`, { body });
    assert.equal(wrong.status, 403);
    hook = (await acme.create("admin", "webhook", body)).id;
    for (const [lang, said] of [
      ["zh-CN", "该地址在内部网络中，服务器的管理员未允许访问。"],
      ["en", "This address lies inside the network, and who runs the server has not allowed it."],
    ])
      for (const host of ["127.0.0.2", "127.2:80", "[::1]", "10.1.2.3", "169.254.169.254"]) {
        const headers = { "accept-language": lang };
        const inside = { ...body, url: `http://${host}/x` };
        const answer = await acme.as("admin", "POST", `${RECORDS}/webhook`, {
          body: inside,
          headers,
        });
        assert.equal(answer.status, 422, answer.text);
        assert.equal(answer.json.error.fields.url[0].message, said);
      }
    const turned = await acme.as("admin", "PATCH", `${RECORDS}/webhook/${hook}`, {
      body: { url: "http://192.168.1.1/x" },
    });
    assert.deepEqual(Object.keys(turned.json.error.fields ?? {}), ["url"], turned.text);
    const shown = await acme.as("admin", "GET", `${RECORDS}/webhook/${hook}`);
    assert.equal(shown.json.secret, "********");
    assert.ok(!shown.text.includes(SECRET));
    const trail = await acme.as("admin", "GET", "/api/v1/admin/audit/changes?limit=200");
    assert.ok(trail.status === 200 && !trail.text.includes(SECRET));
    after(() => assert.ok(!w.server.log.includes(SECRET), "nor does any log"));
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

  await t.test(
    "At least once out: what fails comes again in order, what is refused is dead",
    async () => {
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
      assert.deepEqual(
        seqs,
        [...seqs].sort((a, b) => a - b),
      );
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
    },
  );

  await t.test("a target inside is a dead letter; a paused one keeps what comes", async () => {
    const inward = await acme.create("admin", "webhook", {
      name: "inward",
      url: "http://8.8.8.8:9/x",
      secret: SECRET,
      entities: ["account"],
      events: ["create"],
    });
    // As one that was saved when who runs the server still allowed it.
    const set = "update {webhook} set {webhook.url} = 'http://127.0.0.2:9/x'";
    const store = join(w.server.data, "tenants", "acme", "tenant.db");
    change(store, `${set} where {webhook.name} = 'inward'`);
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

test("inbound hooks", async (t) => {
  const { acme, globex } = w;
  let hook, path;
  const send = (body, { key, secret = SECRET, at = Date.now(), id } = {}) => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const stamp = String(Math.floor(at / 1000));
    const headers = {
      "x-perigee-timestamp": stamp,
      "x-perigee-signature": sign(secret, stamp, text),
    };
    if (id) headers["x-perigee-delivery"] = id;
    return acme.as(null, "POST", key ?? path, { body: text, headers });
  };
  const message = (id) => acme.ok("admin", "GET", `${RECORDS}/inbound_message/${id}`);

  await t.test("a hook names what becomes of a message", async () => {
    const body = {
      name: "ERP",
      secret: SECRET,
      entity_name: "account",
      field_map: { name: { from: "customer.title", to: "trim" }, website: "customer.url" },
      match_field: "name",
      acts_as: acme.users.manager,
    };
    await refused(acme, "inbound_hook", { ...body, field_map: { name: { to: "x" } } }, "field_map");
    await refused(acme, "inbound_hook", { ...body, entity_name: "none" }, "entity_name");
    const wrong = await acme.as("sales1", "POST", `${RECORDS}/inbound_hook`, { body });
    assert.equal(wrong.status, 403);
    hook = await acme.create("admin", "inbound_hook", body);
    path = `/api/v1/x/integrations/in/${hook.path}`;
  });

  await t.test("who does not sign, signs wrongly or late is turned away", async () => {
    const body = { customer: { title: "无签名" } };
    assert.equal((await acme.as(null, "POST", path, { body })).status, 401);
    assert.equal((await send(body, { secret: SECOND })).status, 401);
    assert.equal((await send(body, { at: Date.now() - 400e3 })).status, 401);
    assert.equal((await send(body, { key: path.slice(0, -1) })).status, 401);
    const foreign = await globex.as(null, "POST", path, { body });
    assert.equal(foreign.status, foreign.status === 404 ? 404 : 401);
    assert.equal((await send("[1,")).status, 400);
    assert.equal((await list(acme, "inbound_message", "")).length, 0);
  });

  await t.test("exactly one effect in: a message sent many times", async () => {
    const body = { customer: { title: " 远山科技 ", url: "https://example.com" } };
    const answers = await Promise.all([1, 2, 3, 4].map(() => send(body, { id: "m-1" })));
    for (const answer of answers) assert.equal(answer.status, 202, answer.text);
    assert.equal(new Set(answers.map((one) => one.json.id)).size, 1);
    const kept = await until("it is done", async () => {
      const seen = await message(answers[0].json.id);
      assert.notEqual(seen.state, "failed", seen.error);
      return seen.state === "done" && seen;
    });
    const account = await acme.ok("admin", "GET", `${RECORDS}/account/${kept.record_id}`);
    assert.deepEqual([account.name, account.website], ["远山科技", "https://example.com"]);
    assert.equal(account.created_by, acme.users.manager);
    const next = { customer: { title: "远山科技", url: "https://example.org" } };
    const second = await send(next, { id: "m-2" });
    await until("the change", async () => (await message(second.json.id)).state === "done");
    const same = await list(acme, "account", `name=${encodeURIComponent("远山科技")}`);
    assert.deepEqual([same.length, same[0].website], [1, "https://example.org"]);
  });

  await t.test("An inbound message is stored before it is processed", async () => {
    const job = "/api/v1/admin/jobs/integrations/process";
    await acme.ok("admin", "POST", `${job}/pause`, {});
    const { json } = await send({ customer: { title: "先存后办" } }, { id: "m-0" });
    assert.equal((await message(json.id)).state, "waiting");
    const found = () => list(acme, "account", `name=${encodeURIComponent("先存后办")}`);
    assert.deepEqual(await found(), [], "nothing has come of it yet");
    await acme.ok("admin", "POST", `${job}/resume`, {});
    await until("it is done", async () => (await message(json.id)).state === "done");
    assert.equal((await found()).length, 1);
  });

  await t.test("what does not fit is kept with its reason, until it is skipped", async () => {
    const bad = await send({ customer: { url: "https://example.net" } }, { id: "m-3" });
    assert.equal(bad.status, 202);
    const kept = await until("the failure", async () => {
      const seen = await message(bad.json.id);
      return seen.state === "failed" && seen;
    });
    assert.match(kept.error, /name/);
    assert.equal((await act(acme, "sales1", "inbound_message", kept.id, "skip")).status, 404);
    assert.equal((await done(acme, "inbound_message", kept.id, "skip")).state, "skipped");
  });
});

test("two servers keep accounts in step", async (t) => {
  const { acme } = w;
  await settings(acme, { allow_http: true });
  let connection, mapping, secret;
  const change = (body) => acme.ok("admin", "PATCH", `${RECORDS}/connection/${connection}`, body);
  const conflict = () =>
    until("the conflict", async () => (await list(acme, "failed_item", "state=conflict"))[0]);
  const here = (id) => acme.ok("admin", "GET", `${RECORDS}/account/${id}`);
  const there = async (name) => {
    const found = await list(far.acme, "account", `name=${encodeURIComponent(name)}`);
    return found[0];
  };
  const edit = (tenant, id, body) => tenant.ok("admin", "PATCH", `${RECORDS}/account/${id}`, body);
  const sync = () => done(acme, "connection", connection, "sync");
  const count = async (tenant) => (await list(tenant, "account", "limit=200")).length;

  await t.test("a connection and its mapping", async () => {
    const key = await far.acme.ok("admin", "POST", "/api/v1/admin/api-keys", { name: "sync" });
    secret = key.token;
    const body = {
      name: "分公司",
      connector: "rest",
      base_url: `http://localhost:${far.server.port}`,
      credential: "wrong-key-that-nobody-has",
      acts_as: acme.users.admin,
      options: { every: 10 },
    };
    const wrong = await acme.as("sales1", "POST", `${RECORDS}/connection`, { body });
    assert.equal(wrong.status, 403);
    connection = (await acme.create("admin", "connection", body)).id;
    await done(acme, "connection", connection, "check");
    await until("the refusal is seen", async () => {
      const seen = await acme.ok("admin", "GET", `${RECORDS}/connection/${connection}`);
      return seen.state === "auth_failed" && seen.last_error;
    });
    const moved = await acme.as("admin", "PATCH", `${RECORDS}/connection/${connection}`, {
      body: { base_url: "https://thief.example.com" },
    });
    assert.deepEqual(Object.keys(moved.json.error.fields), ["credential"]);
    await change({ credential: secret });
    mapping = (
      await acme.create("admin", "mapping", {
        connection,
        entity_name: "account",
        remote: "account",
        field_map: { name: "name", website: "website", phone: "phone" },
        match: { name: { prefix: "同步" } },
      })
    ).id;
  });

  await t.test("Sync never loops: both ways, and never round", async () => {
    const mine = await acme.create("admin", "account", { name: "同步甲", website: "https://a.cn" });
    const theirs = await far.acme.create("admin", "account", { name: "同步乙" });
    await sync();
    const pushed = await until("ours is there", () => there("同步甲"));
    await until("theirs is here", async () => (await list(acme, "external_ref", "")).length === 2);
    const [ref] = await list(acme, "external_ref", `external_id=${theirs.id}`);
    assert.equal((await here(ref.record_id)).name, "同步乙");
    const before = [await count(acme), await count(far.acme)];
    for (let round = 0; round < 3; round++) {
      await sync();
      await rests(acme);
    }
    assert.deepEqual([await count(acme), await count(far.acme)], before);
    assert.equal((await there("同步甲")).version, pushed.version);
    assert.equal((await here(mine.id)).version, mine.version);
    await edit(acme, ref.record_id, { phone: "02162345678" });
    await sync();
    await until("the change is there", async () => (await there("同步乙")).phone);
    await edit(far.acme, pushed.id, { website: "https://b.cn" });
    await sync();
    await until("the change is here", async () => (await here(mine.id)).website === "https://b.cn");
  });

  await t.test("a push that was not noted is not pulled as a new record", async () => {
    const mine = await acme.create("admin", "account", { name: "同步丙" });
    await sync();
    const theirs = await until("it is there", () => there("同步丙"));
    const noted = await until("it is noted", async () => {
      const refs = await list(acme, "external_ref", `external_id=${theirs.id}`);
      return refs[0];
    });
    // As a process leaves it that dies between the answer and the note: the cursor has not moved.
    await change({ state: "paused" });
    await rests(acme);
    await acme.ok("admin", "DELETE", `${RECORDS}/external_ref/${noted.id}`);
    for (const { id, stream } of await list(acme, "sync_cursor", `mapping=${mapping}`)) {
      assert.ok(["push", "pull"].includes(stream));
      await acme.ok("admin", "DELETE", `${RECORDS}/sync_cursor/${id}`);
    }
    const before = [await count(acme), await count(far.acme)];
    await change({ state: "ok" });
    await sync();
    await until("it is noted again", async () => {
      const refs = await list(acme, "external_ref", `external_id=${theirs.id}`);
      return refs.length === 1 && refs[0].record_id === mine.id;
    });
    await sync();
    await rests(acme);
    assert.deepEqual([await count(acme), await count(far.acme)], before);
  });

  await t.test("a conflict waits for a person when the mapping says so", async () => {
    await acme.ok("admin", "PATCH", `${RECORDS}/mapping/${mapping}`, {
      conflict: "manual",
      direction: "both",
    });
    const [ref] = await list(acme, "external_ref", "limit=1");
    await change({ state: "paused" });
    await edit(acme, ref.record_id, { website: "https://ours.cn" });
    await edit(far.acme, ref.external_id, { website: "https://theirs.cn" });
    assert.equal((await act(acme, "admin", "connection", connection, "sync")).status, 422);
    await change({ state: "ok" });
    await sync();
    const item = await conflict();
    assert.equal((await act(acme, "sales1", "failed_item", item.id, "skip")).status, 404);
    await done(acme, "failed_item", item.id, "resolve", { keep: "theirs" });
    const decided = "https://theirs.cn";
    await until("theirs is here", async () => (await here(ref.record_id)).website === decided);
  });

  await t.test("ours stays for all that have changed on both sides", async () => {
    await acme.ok("admin", "PATCH", `${RECORDS}/mapping/${mapping}`, { conflict: "ours" });
    await change({ state: "paused" });
    await rests(acme);
    const refs = await list(acme, "external_ref", "limit=3");
    assert.equal(refs.length, 3);
    const ours = "+862100000002";
    for (const { record_id, external_id } of refs) {
      await edit(far.acme, external_id, { phone: "+862100000001" });
      await edit(acme, record_id, { phone: ours });
    }
    await change({ state: "ok" });
    await sync();
    for (const { record_id, external_id } of refs) {
      const phone = async (tenant, id) =>
        (await tenant.ok("admin", "GET", `${RECORDS}/account/${id}`)).phone;
      await until("ours is there", async () => (await phone(far.acme, external_id)) === ours);
      assert.equal(await phone(acme, record_id), ours);
    }
  });

  await t.test("what was decided while the other is away is told when it is back", async () => {
    await acme.ok("admin", "PATCH", `${RECORDS}/mapping/${mapping}`, { conflict: "manual" });
    const [ref] = await list(acme, "external_ref", "limit=1");
    await change({ state: "paused" });
    await rests(acme);
    await edit(far.acme, ref.external_id, { phone: "+862100000003" });
    await edit(acme, ref.record_id, { phone: "+862100000004" });
    await change({ state: "ok" });
    await sync();
    const item = await conflict();
    await change({ credential: "wrong-key-that-nobody-has" });
    await done(acme, "failed_item", item.id, "resolve", { keep: "ours" });
    const kept = await until("what could not be told", async () => {
      const items = await list(acme, "failed_item", "state=open&stream=push");
      return items[0];
    });
    assert.equal(kept.item_id, ref.record_id);
    const held = await until("the refusal is seen", async () => {
      const seen = await acme.ok("admin", "GET", `${RECORDS}/connection/${connection}`);
      return seen.state === "auth_failed" && seen;
    });
    await change({ credential: secret });
    await done(acme, "failed_item", kept.id, "retry");
    await rests(acme);
    const waits = await acme.ok("admin", "GET", `${RECORDS}/failed_item/${kept.id}`);
    assert.ok(waits.state === "done" || waits.next_at >= held.retry_at, "nothing asks for it");
    await sync();
    await done(acme, "failed_item", kept.id, "retry");
    await until("ours is there", async () => {
      const told = await far.acme.ok("admin", "GET", `${RECORDS}/account/${ref.external_id}`);
      return told.phone === "+862100000004";
    });
    await rests(acme);
    const over = await acme.ok("admin", "GET", `${RECORDS}/failed_item/${kept.id}`);
    assert.equal(over.state, "done");
  });
});

test("a new mapping does not wait for a log of other things", async (t) => {
  const { globex } = w;
  const key = await far.globex.ok("admin", "POST", "/api/v1/admin/api-keys", { name: "sync" });
  await settings(globex, { allow_http: true });
  const limits = (plan) => must(w.server.data, ["tenant", "limits", "globex", "--set", plan]);
  let connection, mapping;
  const told = async (name) =>
    (await list(far.globex, "account", `name=${encodeURIComponent(name)}`))[0];
  const positions = async () => {
    const cursors = await list(globex, "sync_cursor", `mapping=${mapping}`);
    return cursors.map(({ position }) => position);
  };
  const behind = async (position) => {
    const path = `/api/v1/changes?since=${position}&limit=200`;
    const { items } = await globex.ok("admin", "GET", path);
    return items.filter(({ entity }) => entity === "account");
  };

  await t.test("what exists is pushed in the first step", async () => {
    const path = join(w.server.data, "contacts.csv");
    const rows = Array.from({ length: 12_000 }, (_, i) => `路人${i}`);
    writeFileSync(path, ["name", ...rows].join("\n"));
    must(w.server.data, ["import", "globex", "contact", path], { cwd: w.server.data });
    for (const name of ["新联甲", "新联乙", "新联丙", "不联"])
      await globex.create("admin", "account", { name });
    // A step that had to read its way through the log, page by page, would come to its end before.
    limits('{"job":{"reads":160}}');
    t.after(() => limits("{}"));
    connection = (
      await globex.create("admin", "connection", {
        name: "总部",
        connector: "rest",
        base_url: `http://127.0.0.1:${far.server.port}`,
        credential: key.token,
        acts_as: globex.users.admin,
      })
    ).id;
    mapping = (
      await globex.create("admin", "mapping", {
        connection,
        entity_name: "account",
        remote: "account",
        direction: "push",
        field_map: { name: "name", website: "website" },
        match: { name: { prefix: "新联" } },
      })
    ).id;
    await done(globex, "connection", connection, "sync");
    const first = await until("the first step", async () => {
      const { items } = await globex.ok("admin", "GET", "/api/v1/jobs?limit=200");
      const steps = items.filter(({ queue }) => queue === "job:integrations.sync");
      return steps.at(-1)?.finished_at && steps.at(-1);
    });
    assert.deepEqual(first.result, { items: 3 });
    for (const name of ["新联甲", "新联乙", "新联丙"]) assert.ok(await told(name), name);
    assert.equal(await told("不联"), undefined);
    const [position] = await positions();
    assert.match(position, /^\d+$/, "and then the log is followed");
    assert.deepEqual(await behind(position), []);
  });

  await t.test("a log that has to be walked from its beginning is, step by step", async () => {
    const [account] = await list(globex, "account", `name=${encodeURIComponent("新联乙")}`);
    const state = (value) =>
      globex.ok("admin", "PATCH", `${RECORDS}/connection/${connection}`, { state: value });
    await state("paused");
    await rests(globex);
    const [cursor] = await list(globex, "sync_cursor", `mapping=${mapping}`);
    await globex.ok("admin", "DELETE", `${RECORDS}/sync_cursor/${cursor.id}`);
    const path = `${RECORDS}/account/${account.id}`;
    await globex.ok("admin", "PATCH", path, { website: "https://new.example.com" });
    await state("ok");
    await done(globex, "connection", connection, "sync");
    await until("the change is there", async () => (await told("新联乙")).website);
    await rests(globex);
    assert.ok(Number((await positions())[0]) > 12_000);
    const copies = await list(far.globex, "account", "name[prefix]=新联");
    assert.equal(copies.length, 3, "and nothing is there twice");
  });
});

test("two servers that both drive make no echo", async () => {
  for (const plugin of ["integrations", "connector_rest"])
    must(far.server.data, ["plugin", "enable", "acme", plugin]);
  const sides = [w, far].map(({ acme, server }) => ({ tenant: acme, port: server.port }));
  for (const [at, side] of sides.entries()) {
    const { tenant } = side;
    await settings(tenant, { allow_http: true });
    const made = await tenant.ok("admin", "POST", "/api/v1/admin/users", {
      login: "peer",
      name: "对方",
      roles: ["admin"],
      password: "Peer-Of-The-Other-2026!",
    });
    side.peer = made.id;
    const key = { name: "peer", user: made.id };
    side.key = (await tenant.ok("admin", "POST", "/api/v1/admin/api-keys", key)).token;
    side.name = ["甲方", "乙方"][at];
  }
  for (const [at, side] of sides.entries()) {
    const there = sides[1 - at];
    const { id: acts_as } = await side.tenant.ok("admin", "GET", "/api/v1/me");
    side.connection = (
      await side.tenant.create("admin", "connection", {
        name: there.name,
        connector: "rest",
        base_url: `http://localhost:${there.port}`,
        credential: there.key,
        acts_as,
        peer: side.peer,
        options: { every: 10 },
      })
    ).id;
    await side.tenant.create("admin", "mapping", {
      connection: side.connection,
      entity_name: "contact",
      remote: "contact",
      direction: "push",
      field_map: { name: "name", title: "title" },
      match: { name: { prefix: "双向" } },
    });
  }
  // A record that one side takes while the other gives it would be there twice.
  const twoWay = await sides[0].tenant.as("admin", "POST", `${RECORDS}/mapping`, {
    body: {
      connection: sides[0].connection,
      entity_name: "account",
      remote: "account",
      direction: "both",
      field_map: { name: "name" },
    },
  });
  assert.equal(twoWay.status, 422, twoWay.text);
  assert.deepEqual(Object.keys(twoWay.json.error.fields), ["direction"]);
  const all = ({ tenant }) => list(tenant, "contact", "name[prefix]=双向&sort=name&limit=200");
  const both = async () => {
    for (const side of sides) await done(side.tenant, "connection", side.connection, "sync");
    for (const side of sides) await rests(side.tenant);
  };
  const same = (what, wanted) =>
    until(what, async () => {
      await both();
      const seen = await Promise.all(sides.map(all));
      return seen.every((rows) => {
        const shown = rows.map(({ name, title }) => [name, title]).sort();
        return JSON.stringify(shown) === JSON.stringify(wanted.sort());
      });
    });
  await sides[0].tenant.create("admin", "contact", { name: "双向一" });
  await sides[1].tenant.create("admin", "contact", { name: "双向二" });
  const titles = (one, two) => [
    ["双向一", one],
    ["双向二", two],
  ];
  await same("one of each on both sides", titles(null, null));
  const copy = (await all(sides[1])).find(({ name }) => name === "双向一");
  const path = `${RECORDS}/contact/${copy.id}`;
  await sides[1].tenant.ok("admin", "PATCH", path, { title: "经理" });
  await same("what was changed over there is changed here", titles("经理", null));
  const before = JSON.stringify((await Promise.all(sides.map(all))).flat());
  for (let round = 0; round < 4; round++) await both();
  assert.equal(JSON.stringify((await Promise.all(sides.map(all))).flat()), before, "and it rests");
  const link = { entity: "contact", id: copy.id, version: 1 };
  const body = { body: { ...link, external_id: "x", external_version: "1" } };
  const route = "/api/v1/x/integrations/link";
  for (const login of ["admin", null])
    assert.ok([401, 403].includes((await sides[1].tenant.as(login, "POST", route, body)).status));
});

test("A failing connector cannot slow the saving of records", async () => {
  const { acme } = w;
  let release;
  const held = new Promise((let_go) => (release = let_go));
  other.answer = async () => {
    await held;
    return 503;
  };
  other.calls.length = 0;
  const connection = await acme.create("admin", "connection", {
    name: "挂起的系统",
    connector: "rest",
    base_url: other.url,
    credential: "a-key-of-the-other-side",
    acts_as: acme.users.admin,
  });
  await acme.create("admin", "mapping", {
    connection: connection.id,
    entity_name: "account",
    remote: "account",
    direction: "push",
    field_map: { name: "name" },
    match: { name: { prefix: "卡住" } },
  });
  await acme.create("admin", "account", { name: "卡住一" });
  await done(acme, "connection", connection.id, "sync");
  await until("it is asked and does not answer", () => other.calls.length > 0);
  const saved = await acme.as("admin", "POST", `${RECORDS}/account`, { body: { name: "卡住二" } });
  assert.equal(saved.status, 201, "saved while the other side still hangs");
  release();
  await until("the connection shows it", async () => {
    const seen = await acme.ok("admin", "GET", `${RECORDS}/connection/${connection.id}`);
    return seen.state === "failing" && seen.last_error;
  });
  await acme.ok("admin", "PATCH", `${RECORDS}/connection/${connection.id}`, { state: "paused" });
});

test("messages to WeCom", async (t) => {
  const { acme } = w;
  const facts = { corpid: "ww-corp", secret: "app s&cret=1", key: "robot-key-1", agentid: 1000002 };
  const wecom = await new WeCom(facts).start();
  t.after(() => wecom.stop());
  await settings(acme, { allow_http: true });
  const connect = (name, more) =>
    acme.create("admin", "connection", {
      name,
      connector: "wecom",
      base_url: wecom.url,
      acts_as: acme.users.admin,
      ...more,
    });
  const map = (connection, remote, prefix) =>
    acme.create("admin", "mapping", {
      connection: connection.id,
      entity_name: "account",
      remote,
      direction: "push",
      match: { name: { prefix } },
      field_map: {
        kind: { from: "msgtype", default: "markdown" },
        name: { from: "markdown.content", text: "新客户 **{name}**" },
      },
    });
  const sync = (connection) => done(acme, "connection", connection.id, "sync");
  const told = (text) => wecom.sent.filter((one) => one.markdown.content.includes(text));

  await t.test("a robot tells its group once", async () => {
    const robot = await connect("群机器人", { credential: facts.key });
    await acme.create("admin", "account", { name: "群客户早已在册" });
    await map(robot, "robot", "群客户");
    await acme.create("admin", "account", { name: "群客户一" });
    await sync(robot);
    await until("the message", () => told("群客户一").length);
    await sync(robot);
    await rests(acme);
    assert.equal(told("群客户一").length, 1);
    assert.equal(told("早已在册").length, 0, "no news of what was there before");
    assert.deepEqual(told("群客户一")[0].markdown, { content: "新客户 **群客户一**" });
  });

  await t.test("an application asks for one token, and anew when it is taken back", async () => {
    const application = await connect("应用", {
      account_name: facts.corpid,
      credential: facts.secret,
      options: { agentid: facts.agentid },
    });
    await map(application, "message", "应用客户");
    for (const name of ["应用客户一", "应用客户二"])
      await acme.create("admin", "account", { name });
    await sync(application);
    await until("both messages", () => told("应用客户").length === 2);
    assert.equal(wecom.tokens, 1);
    wecom.tokens++; // the token that was given is no longer good
    await acme.create("admin", "account", { name: "应用客户三" });
    await sync(application);
    await until("the third", () => told("应用客户三").length === 1);
    assert.equal(wecom.tokens, 3);
    assert.equal(told("应用客户三")[0].touser, "@all");
    const shown = await acme.as("admin", "GET", `${RECORDS}/connection/${application.id}`);
    assert.equal(shown.json.token, "********");
    assert.ok(!shown.text.includes("accesstoken"));
  });

  await t.test("an errcode is a fault of the message, or lets the connection wait", async () => {
    const [application] = await list(acme, "connection", `name=${encodeURIComponent("应用")}`);
    wecom.next.push(81013);
    await acme.create("admin", "account", { name: "应用客户四" });
    await sync(application);
    const item = await until("the failed item", async () => {
      const items = await list(acme, "failed_item", "state=open");
      return items.find((one) => one.error.includes("81013"));
    });
    await done(acme, "failed_item", item.id, "retry");
    await until("it goes through", () => told("应用客户四").length === 1);
    wecom.next.push(45009);
    await acme.create("admin", "account", { name: "应用客户五" });
    await sync(application);
    await until("the connection waits", async () => {
      const seen = await acme.ok("admin", "GET", `${RECORDS}/connection/${application.id}`);
      return seen.state === "failing" && seen.retry_at && /45009/.test(seen.last_error);
    });
    await sync(application);
    await until("it is told after all", () => told("应用客户五").length === 1);
    assert.deepEqual(wecom.wrong, []);
  });
});

test("a calendar feed of one's own tasks", async () => {
  const { acme, globex } = w;
  const due = new Date(Date.now() + 864e5).toISOString().replace(/\.\d+/, ".000");
  const subject = `拜访, 客户; ${"很长的标题".repeat(12)}`;
  await acme.create("sales1", "task", { subject, due_at: due });
  await acme.create("sales2", "task", { subject: "别人的任务", due_at: due });
  const off = await acme.create("sales1", "task", { subject: "取消的会", due_at: due });
  await acme.ok("sales1", "PATCH", `${RECORDS}/task/${off.id}`, { status: "canceled" });
  const wrong = await acme.as("sales1", "POST", `${RECORDS}/calendar_feed`, {
    body: { name: "x", start_field: "subject" },
  });
  assert.deepEqual(Object.keys(wrong.json.error.fields), ["start_field"]);
  const feed = await acme.create("sales1", "calendar_feed", { name: "我的任务" });
  const path = `/api/v1/x/integrations/calendar/${feed.path}`;
  const answer = await acme.as(null, "GET", path);
  assert.equal(answer.status, 200, answer.text);
  assert.match(answer.headers["content-type"], /^text\/calendar/);
  assert.ok(answer.text.split("\r\n").every((line) => Buffer.byteLength(line) <= 75));
  const lines = answer.text.replaceAll("\r\n ", "").split("\r\n");
  assert.equal(lines.filter((line) => line === "BEGIN:VEVENT").length, 2);
  const struck = lines.indexOf("STATUS:CANCELLED");
  assert.equal(lines[struck - 1], "SUMMARY:取消的会", "what was called off is shown as such");
  assert.equal(lines.lastIndexOf("STATUS:CANCELLED"), struck);
  const title = subject.replace(",", "\\,").replace(";", "\\;");
  assert.ok(lines.includes(`SUMMARY:${title}`), answer.text);
  const start = due.replace(".000", "").replaceAll(/[-:]/g, "");
  assert.ok(lines.includes(`DTSTART:${start}`), answer.text);
  assert.equal((await globex.as(null, "GET", path)).status, 404);
  const unknown = await acme.as(null, "GET", `${path.slice(0, -1)}x`);
  assert.equal(unknown.status, 404);
  assert.ok(unknown.json.error.message);

  const day = due.slice(0, 10);
  await acme.create("sales1", "contact", { name: "寿星", birthday: day });
  const whole = await acme.create("sales1", "calendar_feed", {
    name: "生日",
    entity_name: "contact",
    title_field: "name",
    start_field: "birthday",
    end_field: "birthday",
  });
  const days = await acme.as(null, "GET", `/api/v1/x/integrations/calendar/${whole.path}`);
  const behind = new Date(Date.parse(day) + 864e5).toISOString().slice(0, 10);
  assert.ok(days.text.includes(`DTSTART;VALUE=DATE:${day.replaceAll("-", "")}\r\n`), days.text);
  assert.ok(days.text.includes(`DTEND;VALUE=DATE:${behind.replaceAll("-", "")}\r\n`), days.text);
  const seen = await acme.as("sales2", "GET", `${RECORDS}/calendar_feed/${feed.id}`);
  assert.equal(seen.status, 404);
  await acme.ok("sales1", "PATCH", `${RECORDS}/calendar_feed/${feed.id}`, { active: false });
  assert.equal((await acme.as(null, "GET", path)).status, 404);
});

test("everything holds, as the company's check sees it", () => {
  for (const name of ["acme", "globex"]) must(w.server.data, ["check", name]);
});
