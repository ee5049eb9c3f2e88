// events - live events: who is told what, coming back, limits, and how a stream ends.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { raw } from "../kit/client.mjs";
import { limit } from "../kit/limits.mjs";
import { Stream } from "../kit/stream.mjs";
import { PASSWORD, world } from "../kit/world.mjs";

const LEADS = "/api/v1/records/lead";
const PER_USER = 4;
const PER_TENANT = 9;
const REPLAYED = limit("STREAM_REPLAY_MAX");
const w = world({
  env: { PERIGEE_STREAMS_PER_USER_MAX: PER_USER, PERIGEE_STREAMS_PER_TENANT_MAX: PER_TENANT },
  args: ["--operator-listen", "127.0.0.1:0"],
});

/** Opens streams and closes them all at the end, so that the next test may open its own. */
async function streaming(logins, play, options) {
  const streams = [];
  try {
    for (const login of logins) streams.push(await Stream.open(w.acme, login, options));
    await play(...streams);
  } finally {
    for (const stream of streams) stream.close();
  }
}

const lead = (login, name = "Ann") => w.acme.create(login, "lead", { name });

test("a change is told to who may see the record, without its values", async () => {
  await streaming(["sales1", "sales3", "admin"], async (mine, theirs, admin) => {
    assert.equal(mine.status, 200);
    assert.equal(mine.headers["content-type"], "text/event-stream");
    assert.equal(mine.headers["cache-control"], "no-store");
    assert.equal(mine.headers.connection, "close");
    const made = await lead("sales1", "zqsecretzq");
    const told = await mine.change(made.id, "create");
    assert.deepEqual(Object.keys(told.data).sort(), ["entity", "id", "op", "seq", "version"]);
    assert.equal(told.data.entity, "lead");
    assert.equal(told.data.version, made.version);
    assert.equal(told.id, String(told.data.seq));
    await admin.change(made.id);
    const other = await lead("sales3");
    await theirs.change(other.id);
    await admin.change(other.id);
    assert.ok(!theirs.events.some(({ data }) => data.id === made.id), "not his to see");
    assert.ok(!mine.events.some(({ data }) => data.id === other.id), "not hers to see");
    assert.ok(!JSON.stringify([mine.events, admin.events]).includes("zqsecretzq"));
  });
});

test("changing, deleting and restoring are told in their order", async () => {
  await streaming(["sales1"], async (mine) => {
    const made = await lead("sales1");
    const path = `${LEADS}/${made.id}`;
    await w.acme.ok("sales1", "PATCH", path, { name: "Anna" });
    await w.acme.ok("admin", "DELETE", path);
    await w.acme.ok("admin", "POST", `${path}/restore`, {});
    await mine.change(made.id, "restore");
    const ops = mine.events.filter(({ data }) => data.id === made.id).map(({ data }) => data.op);
    assert.deepEqual(ops, ["create", "update", "delete", "restore"]);
    const seqs = mine.events.map(({ data }) => data.seq);
    assert.deepEqual(seqs, [...seqs].sort((a, b) => a - b));
  });
});

test("a record given to somebody else is told to the new owner only", async () => {
  const made = await lead("sales1");
  await streaming(["sales1", "sales3"], async (before, now) => {
    await w.acme.ok("admin", "PATCH", `${LEADS}/${made.id}`, { owner: w.acme.users.sales3 });
    await now.change(made.id);
    const after = await lead("sales1");
    await before.change(after.id);
    assert.ok(!before.events.some(({ data }) => data.id === made.id));
  });
});

test("another company is told nothing, and its token opens nothing", async () => {
  const stream = await Stream.open(w.globex, "admin");
  const made = await lead("admin");
  const own = await w.globex.create("admin", "lead", { name: w.globex.mark });
  await stream.change(own.id);
  assert.ok(!stream.events.some(({ data }) => data.id === made.id));
  stream.close();
  const token = await w.globex.token("admin");
  const refused = await Stream.open(w.acme, null, { token });
  assert.equal(refused.status, 401);
  const nobody = await Stream.open(w.acme, null);
  assert.equal(nobody.status, 401);
});

test("who may read nothing is told nothing", async () => {
  await w.acme.ok("admin", "PUT", "/api/v1/admin/roles/blind", { label: "blind", grants: {} });
  const body = { login: "blind", name: "blind", roles: ["blind"], password: PASSWORD };
  await w.acme.ok("admin", "POST", "/api/v1/admin/users", body);
  await streaming(["blind", "admin"], async (blind, admin) => {
    const made = await lead("admin");
    await admin.change(made.id);
    await w.acme.ok("admin", "POST", "/api/v1/exports", { entity: "lead" });
    await admin.wait(({ event, data }) => event === "job" && data.state === "done", "the job");
    assert.deepEqual(blind.events, []);
  });
});

const aboutLead = ({ event, data }) => event === "change" && data.entity === "lead";

test("who comes back is told what was missed, once", async () => {
  let last;
  await streaming(["sales1"], async (first) => {
    const seen = await lead("sales1");
    last = (await first.change(seen.id)).id;
  });
  const missed = [await lead("sales1"), await lead("sales1")];
  const hidden = await lead("sales3");
  for (const options of [
    { headers: { "last-event-id": last } },
    { path: `/api/v1/events?since=${last}` },
  ]) {
    await streaming(
      ["sales1"],
      async (again) => {
        await again.change(missed[1].id);
        // what came of a lead besides, such as who has had it, is told of too
        const ids = again.events.filter(aboutLead).map(({ data }) => data.id);
        assert.deepEqual(
          ids,
          missed.map(({ id }) => id),
        );
        assert.ok(!ids.includes(hidden.id));
      },
      options,
    );
  }
});

test("who was away for too long, or knows another store, is told to begin anew", async () => {
  const items = Array.from({ length: 1000 }, () => ({ op: "create", name: "Ann" }));
  const { next: before } = await w.acme.ok("admin", "GET", "/api/v1/changes?since=0&limit=1");
  for (let i = 0; i < REPLAYED / 1000; i++) {
    await w.acme.ok("admin", "POST", "/api/v1/records/greeting/bulk", { items, atomic: true });
  }
  for (const since of [String(before), "999999999999"]) {
    await streaming(
      ["admin"],
      async (stream) => {
        const reset = await stream.wait(({ event }) => event === "reset", "a reset");
        assert.equal(reset.id, String(reset.data.seq));
        const made = await lead("admin");
        const told = await stream.change(made.id);
        assert.ok(told.data.seq > reset.data.seq);
        const changes = stream.events.filter(aboutLead);
        assert.deepEqual(
          changes.map(({ data }) => data.id),
          [made.id],
        );
        assert.equal(stream.events[0].event, "reset");
      },
      { headers: { "last-event-id": since } },
    );
  }
  // Just inside what is replayed: all of it, one by one.
  const made = await lead("admin");
  const told = {};
  await streaming(
    ["admin"],
    async (stream) => {
      await stream.change(made.id);
      for (const { event } of stream.events) told[event] = (told[event] ?? 0) + 1;
    },
    { path: `/api/v1/events?since=${(await newest()) - REPLAYED}` },
  );
  assert.equal(told.reset, undefined);
  assert.equal(told.change, REPLAYED);
});

async function newest() {
  const stream = await Stream.open(w.acme, "admin");
  await new Promise((done) => {
    const check = () => (stream.last ? done() : setTimeout(check, 5));
    check();
  });
  stream.close();
  return Number(stream.last);
}

test("a place to go on from that is none is refused", async () => {
  for (const since of ["x", "-1", "1.5", "1e3", "99999999999999999999"]) {
    const refused = await Stream.open(w.acme, "admin", { headers: { "last-event-id": since } });
    assert.equal(refused.status, 422, since);
    assert.equal(refused.json.error.fields.since[0].code, "not_a_number");
  }
});

test("a job's creator follows it to its end; nobody else does", async () => {
  await streaming(["admin", "viewer"], async (mine, other) => {
    const job = await w.acme.ok("admin", "POST", "/api/v1/exports", { entity: "lead" });
    const done = ({ event, data }) =>
      event === "job" && data.id === job.id && data.state === "done";
    const told = await mine.wait(done, "the job's end");
    assert.deepEqual(Object.keys(told.data).sort(), ["id", "progress", "queue", "state"]);
    assert.equal(told.data.progress, 100);
    const made = await lead("admin");
    await other.change(made.id);
    assert.ok(!other.events.some(({ event }) => event === "job"));
  });
});

test("signing out, being switched off and losing a role end the stream", async () => {
  const session = await w.acme.signIn("sales2");
  const stream = await Stream.open(w.acme, null, { token: session.token });
  await w.acme.ok(null, "DELETE", "/api/v1/sessions/current", undefined, { token: session.token });
  assert.equal(await stream.ended(), "unauthenticated");

  const user = `/api/v1/admin/users/${w.acme.users.sales2}`;
  const moved = await Stream.open(w.acme, "sales2");
  await w.acme.ok("admin", "PATCH", user, { roles: ["viewer"] });
  assert.equal(await moved.ended(), "forbidden");
  const again = await Stream.open(w.acme, "sales2");
  assert.equal(again.status, 200, "it comes back with its new rights");
  await w.acme.ok("admin", "PATCH", user, { active: false });
  assert.equal(await again.ended(), "unauthenticated");
  await w.acme.ok("admin", "PATCH", user, { active: true, roles: ["sales"] });
});

test("a key is told what its scopes let through, and ends when it is revoked", async () => {
  const make = (scopes) =>
    w.acme.ok("admin", "POST", "/api/v1/admin/api-keys", {
      user: w.acme.users.admin,
      name: "listener",
      scopes,
    });
  const narrow = await make(["account:read"]);
  const stream = await Stream.open(w.acme, null, { token: narrow.token });
  assert.equal(stream.status, 200);
  const made = await lead("admin");
  const account = await w.acme.create("admin", "account", { name: "Firm" });
  await w.acme.ok("admin", "POST", "/api/v1/exports", { entity: "lead" });
  await stream.change(account.id);
  assert.ok(!stream.events.some(({ event, data }) => event === "job" || data.id === made.id));
  await w.acme.ok("admin", "DELETE", `/api/v1/admin/api-keys/${narrow.id}`);
  assert.equal(await stream.ended(), "unauthenticated");
});

test("a user has so many streams and not one more, over all gateways", async () => {
  const logins = Array(PER_USER).fill("manager");
  await streaming(logins, async (...streams) => {
    assert.deepEqual(
      streams.map(({ status }) => status),
      Array(PER_USER).fill(200),
    );
    const refused = await Stream.open(w.acme, "manager");
    assert.equal(refused.status, 429);
    assert.equal(refused.json.error.code, "too_many_streams");
    assert.ok(Number(refused.headers["retry-after"]) > 0);
    const other = await Stream.open(w.acme, "viewer");
    assert.equal(other.status, 200, "somebody else has his own");
    other.close();
  });
  await freed("manager");
});

test("a company has so many streams and not one more; another has its own", async () => {
  const logins = Array(PER_TENANT).fill(["manager", "viewer", "admin"]).flat().slice(0, PER_TENANT);
  await streaming(logins, async () => {
    const refused = await Stream.open(w.acme, "sales1");
    assert.equal(refused.status, 429);
    assert.equal(refused.json.error.code, "too_many_streams");
    const other = await Stream.open(w.globex, "admin");
    assert.equal(other.status, 200);
    other.close();
  });
  await freed("sales1");
});

/** Places are given back when the server has seen the connections close. */
async function freed(login) {
  for (;;) {
    const stream = await Stream.open(w.acme, login);
    stream.close();
    if (stream.status === 200) return;
    await new Promise((done) => setTimeout(done, 20));
  }
}

test("HEAD has the head and ends; a pipelined request is not answered", async () => {
  const token = await w.acme.token("admin");
  const head = (method) =>
    `${method} /api/v1/events HTTP/1.1\r\nHost: ${w.acme.host}\r\n` +
    `Authorization: Bearer ${token}\r\n\r\n`;
  const { text, closed } = await raw(w.server.port, head("HEAD"));
  assert.ok(closed);
  assert.match(text, /^HTTP\/1\.1 200 OK\r\n/);
  assert.ok(text.endsWith("\r\n\r\n") && !text.includes("retry:"), text);
  const both = await raw(w.server.port, head("GET") + head("HEAD"), { until: /id: \d+\n\n/ });
  assert.equal(both.text.match(/HTTP\/1\.1/g).length, 1, both.text);
});

test("streams are counted in the metrics", async () => {
  await streaming(["admin"], async (stream) => {
    const made = await lead("admin");
    await stream.change(made.id);
    const answer = await fetch(`http://127.0.0.1:${w.server.operatorPort}/metrics`);
    const text = await answer.text();
    const sum = (name) =>
      [...text.matchAll(new RegExp(`^${name}\\{role="gateway".*\\} (\\d+)$`, "gm"))]
        .map(([, n]) => Number(n))
        .reduce((a, b) => a + b, 0);
    assert.equal(sum("perigee_streams"), 1);
    assert.ok(sum("perigee_events_total") > 0);
  });
});

test("a server that stops ends its streams at once", async () => {
  const streams = [await Stream.open(w.acme, "admin"), await Stream.open(w.acme, "viewer")];
  const ends = Promise.all(streams.map((stream) => stream.ended()));
  await w.server.stop();
  assert.deepEqual(await ends, ["busy", "busy"]);
});
