// jobs - runners end by SIGKILL while a job walks over thousands of records: each gets its one; and
// a new release starts, to which nobody says a word: its jobs go on.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Client } from "../kit/client.mjs";
import * as faults from "../kit/faults.mjs";
import { bundle, packed } from "../kit/pack.mjs";
import { ROOT, Server } from "../kit/server.mjs";
import { HOSTS, makeFolder } from "../kit/world.mjs";

const RECORDS = Number(process.env.FAULTS_RECORDS || 4000);
const KILLS = Number(process.env.FAULTS_ROUNDS || 8);
const GREETINGS = "/api/v1/records/greeting";
const INIT = `
crm.job("stamp", {}, function(job, ctx)
  local greetings = ctx.db:as_system().greeting
  job:each({ entity = "greeting", as_system = true }, function(greeting)
    assert(greetings:update(greeting.id, { times = greeting.times + 1 }))
  end)
end)
`;
const server = new Server(makeFolder());
let client;
let token;

async function ok(method, path, body, more = {}) {
  const answer = await client.request(method, path, { token, body, ...more });
  assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text}`);
  return answer.json;
}

before(async () => {
  await server.start();
  client = new Client({ host: HOSTS.acme, port: server.port });
  token = await faults.signIn(server.port);
  const manifest = { requires: { hello: "^1" }, capabilities: ["db:greeting:rw"] };
  const { body, headers } = packed(bundle("acme.stamp", { "init.lua": INIT }, manifest));
  await ok("POST", "/api/v1/admin/plugins/acme.stamp/deploys", body, { headers });
  for (let made = 0; made < RECORDS; made += 500) {
    const items = Array.from({ length: Math.min(500, RECORDS - made) }, () => ({
      op: "create",
      data: { name: "somebody", times: 0 },
    }));
    const { results } = await ok("POST", `${GREETINGS}/bulk`, { items });
    assert.ok(results.every((result) => result.ok));
  }
});

after(async () => {
  client?.close();
  try {
    await server.stop({ deaths: true });
  } finally {
    server.remove();
  }
});

const counted = async (times) => {
  const query = { filter: { times }, measure: ["count"] };
  const { groups } = await ok("POST", `${GREETINGS}/query`, query);
  return groups[0]?.count ?? 0;
};

test(`${KILLS} killed runners, and every record is changed once`, async (t) => {
  let path;
  await faults.until("the job is known", async () => {
    const answer = await client.request("POST", "/api/v1/admin/jobs/acme.stamp/stamp/run", {
      token,
      body: {},
    });
    if (answer.status === 202) path = `/api/v1/jobs/${answer.json.id}`;
    return path !== undefined;
  });
  let kills = 0;
  for (;;) {
    const { state } = await ok("GET", path);
    if (state === "done") break;
    assert.ok(["queued", "running"].includes(state), state);
    await faults.sleep(50 + Math.random() * 300);
    if (kills === KILLS) continue;
    const runners = faults.processes(server.child.pid).filter(({ role }) => role === "runner");
    for (const { pid } of runners) process.kill(pid, "SIGKILL");
    kills += runners.length > 0 ? 1 : 0;
    await faults.until(
      "runners are there again",
      () => faults.processes(server.child.pid).filter(({ role }) => role === "runner").length > 0,
    );
  }
  t.diagnostic(`${kills} kills while ${RECORDS} records were changed`);
  assert.ok(kills > 0, "no kill met the job: the test proves nothing");
  assert.equal(await counted(1), RECORDS);
  assert.equal(await counted(0), 0);
  faults.check(server, "acme");
});

const next = join(server.data, "next");

/** The next release gives a greeting one more field. */
function addField(no, name) {
  const file = join(next, "plugins/hello/entities/greeting.json");
  const greeting = JSON.parse(readFileSync(file, "utf8"));
  greeting.fields.push({ no, name, type: "bool" });
  writeFileSync(file, JSON.stringify(greeting));
}

/** This release with another `hello`. */
function nextRelease() {
  mkdirSync(join(next, "plugins"), { recursive: true });
  symlinkSync(join(ROOT, "schemas"), join(next, "schemas"));
  for (const id of readdirSync(join(ROOT, "plugins")))
    if (id !== "hello") symlinkSync(join(ROOT, "plugins", id), join(next, "plugins", id));
  cpSync(join(ROOT, "plugins/hello"), join(next, "plugins/hello"), { recursive: true });
  addField(90, "seen");
  return next;
}

/** What the store says, behind the server's back: a question would bring the model along. */
function stored(sql) {
  const path = join(server.data, "tenants/acme/tenant.db");
  const done = spawnSync("sqlite3", ["-readonly", path, sql], { encoding: "utf8" });
  assert.equal(done.status, 0, done.stderr);
  return done.stdout.trim();
}

test("behind an upgrade jobs go on before anybody has asked for anything", async () => {
  const { id } = await ok("POST", "/api/v1/admin/jobs/acme.stamp/stamp/run", {});
  const sql = "select distinct state from job where queue = 'job:acme.stamp.stamp'";
  const states = () => stored(sql);
  client.close();
  await server.stop({ deaths: true });
  assert.notEqual(states(), "done", "the job was over before the upgrade: the test proves nothing");
  await server.start({ env: { PERIGEE_HOME: nextRelease() } });
  await faults.until("the job is done", async () => states() === "done");
  client = new Client({ host: HOSTS.acme, port: server.port });
  assert.equal((await ok("GET", `/api/v1/jobs/${id}`)).state, "done");
  assert.equal(await counted(2), RECORDS);
});

test("files replaced under a server stop no job of a runner that reads them first", async () => {
  await ok("POST", GREETINGS, { name: "one more", times: 9 }); // its owner has a model
  addField(91, "known");
  const runners = faults.processes(server.child.pid).filter(({ role }) => role === "runner");
  for (const { pid } of runners) process.kill(pid, "SIGKILL");
  const { id } = await ok("POST", "/api/v1/admin/jobs/acme.stamp/stamp/run", {});
  const asked = "select state from job where queue = 'job:acme.stamp.stamp' order by id";
  await faults.until("the job is done", async () => /done$/.test(stored(asked)));
  assert.equal((await ok("GET", `/api/v1/jobs/${id}`)).state, "done");
  assert.equal(await counted(3), RECORDS);
});
