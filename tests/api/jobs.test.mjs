// jobs - what a bundle does by itself and answers itself: jobs, its queue, what it keeps, routes.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { test } from "node:test";
import { limit } from "../kit/limits.mjs";
import { bundle, packed } from "../kit/pack.mjs";
import { scenarios } from "../kit/scenario.mjs";
import { world } from "../kit/world.mjs";

const JOBS = "/api/v1/admin/jobs";
const X = "/api/v1/x/acme.desk";
const SECRET = "a long secret of the other system";
const INIT = `
crm.job("count", { every = "1h" }, function(job, ctx)
  local greetings = ctx.db:as_system().greeting
  job:each({ entity = "greeting", as_system = true, batch = 10 }, function(greeting)
    greetings:update(greeting.id, { times = (greeting.times or 0) + 1 })
  end)
  return { runs = ctx.kv:incr("runs") }
end)
crm.job("hail", {}, function(job, ctx)
  return { who = ctx.user and ctx.user.login, name = job.args.name }
end)
crm.job("sort", { retry = 0 }, function(job)
  if job.args.part == "broken" then error("it broke") end
  return { part = job.args.part }
end)
crm.route("POST", "/sort", { body = { part = "text!" } }, function(req, ctx)
  local part = req.body.part
  return { id = crm.id_text(ctx.queue:push("sort", { part = part }, { part = part })) }
end)
crm.on("greeting", "after_create", { id = "hail" }, function(ev, ctx)
  ctx.queue:push("hail", { name = ev.record.name })
end)
crm.route("GET", "/mine", function(_, ctx)
  return { login = ctx.user.login, count = ctx.db.greeting:count {} }
end)
crm.route("POST", "/greetings", { perm = "greeting:create", body = { name = "text!" } },
  function(req, ctx)
    local made, why = ctx.db.greeting:insert { name = req.body.name }
    if not made then req:abort(why) end
    return { id = crm.id_text(made.id) }, 201
  end)
crm.route("POST", "/order", { auth = "hmac:key", body = { no = "text!", amount = "money" } },
  function(req, ctx)
    return { no = req.body.no, amount = req.body.amount, n = ctx.kv:incr("orders") }
  end)
crm.route("POST", "/open", { auth = "public", rate = "2/h", body = { name = "text!" } },
  function(req, ctx) return { name = req.body.name, user = ctx.user } end)
crm.route("GET", "/slow", function() while true do end end)
`;
const CAPABILITIES = ["db:greeting:rw", "route:public", "secret:key"];

async function deploy(t, id, init) {
  const config = [{ name: "key", type: "secret" }];
  const manifest = { requires: { hello: "^1" }, capabilities: CAPABILITIES, config };
  const path = `/api/v1/admin/plugins/${id}`;
  const files = bundle(id, { "init.lua": init }, manifest);
  const answer = await t.as("admin", "POST", `${path}/deploys`, packed(files));
  assert.equal(answer.status, 201, answer.text);
}

const w = world({
  setup: async ({ acme }) => {
    await deploy(acme, "acme.desk", INIT);
    await acme.ok("admin", "PUT", "/api/v1/admin/plugins/acme.desk/config", { key: SECRET });
  },
});

/** Asks again until it is so. */
async function until(found) {
  for (let wait = 10; ; wait = Math.min(wait * 2, 300)) {
    const got = await found();
    if (got) return got;
    await new Promise((done) => setTimeout(done, wait));
  }
}

const offered = (name) =>
  until(async () => {
    const { items } = await w.acme.ok("admin", "GET", JOBS);
    return items.find((item) => item.plugin === "acme.desk" && item.name === name);
  });

function signed(body, at = Math.floor(Date.now() / 1000), secret = SECRET) {
  const text = JSON.stringify(body);
  const digest = createHash("sha256").update(text).digest("hex");
  const all = `${at}\nPOST\n${X}/order\n${digest}`;
  const mac = createHmac("sha256", secret).update(all).digest("hex");
  return {
    body: text,
    headers: { "x-perigee-timestamp": String(at), "x-perigee-signature": `sha256=${mac}` },
  };
}

test("a deploy's jobs are known, and when they run next", async () => {
  const job = await offered("count");
  assert.equal(job.every_s, 3600);
  assert.ok(Date.parse(job.next_at) > Date.now() - 1000, job.next_at);
  assert.equal(job.paused_at, null);
  assert.equal((await offered("hail")).next_at, null);
  const theirs = await w.globex.ok("admin", "GET", JOBS);
  assert.deepEqual(
    theirs.items.filter(({ plugin }) => plugin === "acme.desk"),
    [],
  );
});

test("a job that an administrator runs walks over every record once", async () => {
  const names = ["anna", "bea", "cleo", "dora", "elli"].map((name) => `${name} ${w.acme.mark}`);
  for (const name of names) await w.acme.create("admin", "greeting", { name, times: 0 });
  await offered("count");
  const run = await w.acme.ok("admin", "POST", `${JOBS}/acme.desk/count/run`, {});
  const job = await w.acme.settled("admin", `/api/v1/jobs/${run.id}`);
  assert.equal(job.state, "done", JSON.stringify(job));
  const { items } = await w.acme.ok("admin", "GET", "/api/v1/records/greeting?limit=200");
  for (const item of items) assert.equal(item.times, 1, JSON.stringify(item));
  assert.equal((await offered("count")).last_state, "done");
});

test("what a save asks for runs with the rights of who saved", async () => {
  const name = `frida ${w.acme.mark}`;
  await w.acme.create("admin", "greeting", { name });
  const job = await until(async () => {
    const { items } = await w.acme.ok("admin", "GET", "/api/v1/jobs");
    return items.find(({ state, result }) => state === "done" && result?.name === name);
  });
  assert.equal(job.queue, "job:acme.desk.hail");
  assert.equal(job.result.who, "admin");
  const other = await w.acme.as("sales1", "GET", `/api/v1/jobs/${job.id}`);
  assert.equal(other.status, 404);
});

test("a paused job waits, a resumed one goes on", async () => {
  await offered("count");
  await w.acme.ok("admin", "POST", `${JOBS}/acme.desk/count/pause`, {});
  const waiting = await offered("count");
  assert.notEqual(waiting.paused_at, null);
  assert.deepEqual(waiting.paused_by, { id: w.acme.users.admin, name: "admin" });
  const run = await w.acme.ok("admin", "POST", `${JOBS}/acme.desk/count/run`, {});
  await w.acme.ok("admin", "POST", `${JOBS}/acme.desk/count/resume`, {});
  const job = await w.acme.settled("admin", `/api/v1/jobs/${run.id}`);
  assert.equal(job.state, "done");
});

test("what fails for one part is paused for that part alone", async () => {
  const sort = (part) => w.acme.ok("admin", "POST", `${X}/sort`, { part });
  for (let run = 0; run < limit("TRIP_ERRORS_MAX"); run++) await sort("broken");
  const job = await until(async () => {
    const now = await offered("sort");
    return now.paused_parts.length && now;
  });
  assert.equal(job.paused_at, null, "all of it goes on");
  assert.deepEqual(
    job.paused_parts.map(({ part }) => part),
    ["broken"],
  );
  assert.ok(job.paused_parts[0].paused_at && job.paused_parts[0].why);
  assert.equal(job.paused_parts[0].paused_by, null, "nobody did: it failed too often");
  assert.equal(job.paused_parts[0].about, null, "it is no record");
  const other = await w.acme.settled("admin", `/api/v1/jobs/${(await sort("short")).id}`);
  assert.deepEqual(other.result, { part: "short" });
  const held = await sort("broken");
  assert.equal((await w.acme.ok("admin", "GET", `/api/v1/jobs/${held.id}`)).finished_at, null);
  await w.acme.ok("admin", "DELETE", `/api/v1/jobs/${held.id}`);
  const audit = await w.acme.ok("admin", "GET", "/api/v1/admin/audit?action=job_paused");
  assert.match(JSON.stringify(audit.items), /job:acme\.desk\.sort:broken/);
  const resume = (body) => w.acme.as("admin", "POST", `${JOBS}/acme.desk/sort/resume`, { body });
  assert.equal((await resume({ part: "short" })).status, 404, "that one is not paused");
  assert.equal((await resume({ part: 5 })).status, 422);
  assert.equal((await offered("sort")).paused_parts.length, 1);
  const again = await resume({ part: "broken" });
  assert.deepEqual([again.status, again.json.paused_parts], [200, []], again.text);
  const resumed = await w.acme.ok("admin", "GET", "/api/v1/admin/audit?action=job.resume");
  assert.equal(resumed.items[0].detail.job, "job:acme.desk.sort:broken");
});

scenarios(w, [
  { name: "jobs are not everybody's", path: JOBS, as: "sales1", status: 403 },
  {
    name: "another company has no such job",
    tenant: "globex",
    method: "POST",
    path: `${JOBS}/acme.desk/count/run`,
    body: {},
    status: 404,
  },
  { name: "a route knows who asks", path: `${X}/mine`, as: "admin", status: 200 },
  { name: "a route of nobody's is refused", path: `${X}/mine`, as: null, status: 401 },
  { name: "a route is its company's", path: `${X}/mine`, tenant: "globex", status: 404 },
  { name: "another method", method: "PUT", path: `${X}/mine`, body: {}, status: 405 },
  {
    name: "a right that is missing",
    method: "POST",
    path: `${X}/greetings`,
    as: "sales1",
    body: { name: "x" },
    status: 403,
  },
  {
    name: "a body that does not fit names its fields",
    method: "POST",
    path: `${X}/greetings`,
    body: { nam: "x" },
    status: 422,
    fields: { nam: "unknown_field", name: "required" },
  },
  { name: "a body that is none", method: "POST", path: `${X}/greetings`, body: "{", status: 400 },
  {
    name: "a good body is stored",
    method: "POST",
    path: `${X}/greetings`,
    body: () => ({ name: `gina ${w.acme.mark}` }),
    status: 201,
    contains: '"id":"',
  },
  {
    name: "a plugin's refusal is told in words",
    method: "POST",
    path: `${X}/greetings`,
    body: { name: "7 of 9" },
    status: 422,
  },
  {
    name: "without a signature",
    method: "POST",
    path: `${X}/order`,
    as: null,
    body: { no: "1" },
    status: 401,
  },
]);

test("a signed request counts once, and its repetition is told the same", async () => {
  const order = signed({ no: "A-1", amount: { amount: "12.50", currency: "CNY" } });
  const send = (more = {}) =>
    w.acme.as(null, "POST", `${X}/order`, { ...order, headers: { ...order.headers, ...more } });
  const first = await send({ "idempotency-key": "A-1" });
  assert.equal(first.status, 200, first.text);
  assert.equal(first.json.amount.amount, "12.50");
  const again = await send({ "idempotency-key": "A-1" });
  assert.equal(again.text, first.text);
  assert.equal((await send()).status, 401, "a copy is no second order");
  const old = signed({ no: "A-2" }, Math.floor(Date.now() / 1000) - 3600);
  assert.equal((await w.acme.as(null, "POST", `${X}/order`, old)).status, 401);
  const forged = signed({ no: "A-3" }, undefined, "guessed");
  assert.equal((await w.acme.as(null, "POST", `${X}/order`, forged)).status, 401);
  const token = await w.acme.token("admin");
  const other = await w.globex.as(null, "POST", `${X}/order`, { ...order, token });
  assert.equal(other.status, 404);
});

test("a public route has its rate over all processes", async () => {
  const send = () => w.acme.as(null, "POST", `${X}/open`, { body: { name: "x" } });
  const statuses = [];
  for (let i = 0; i < 4; i++) statuses.push((await send()).status);
  assert.deepEqual(statuses, [200, 200, 429, 429]);
});

test("a route that does not end is ended, and the others go on", async () => {
  const slow = await w.acme.as("admin", "GET", `${X}/slow`);
  assert.equal(slow.status, 500, slow.text);
  assert.equal(slow.json.error.code, "plugin_error");
  assert.equal((await w.acme.as("admin", "GET", `${X}/mine`)).status, 200);
});

test("routes stand in the document of their company", async () => {
  const path = "/x/acme.desk/greetings";
  const doc = await until(async () => {
    const { paths } = await w.acme.ok("admin", "GET", "/api/v1/openapi.json");
    return paths[path] && paths;
  });
  assert.deepEqual(Object.keys(doc[path]), ["post"]);
  const schema = doc[path].post.requestBody.content["application/json"].schema;
  assert.deepEqual(schema.required, ["name"]);
  const theirs = await w.globex.ok("admin", "GET", "/api/v1/openapi.json");
  assert.equal(theirs.paths[path], undefined);
});

test("a disabled plugin answers nothing and runs nothing", async () => {
  await w.acme.ok("admin", "POST", "/api/v1/admin/plugins/acme.desk/disable", {});
  assert.equal((await w.acme.as("admin", "GET", `${X}/mine`)).status, 404);
  await until(async () => {
    const { items } = await w.acme.ok("admin", "GET", JOBS);
    return items.every(({ plugin }) => plugin !== "acme.desk");
  });
});

test("what is due beside a long import does not wait for its end", async () => {
  const imports = "/api/v1/imports";
  const rows = Array.from({ length: 20000 }, (_, at) => `长 ${w.acme.mark} ${at},${at}`);
  const made = await w.acme.as("admin", "POST", `${imports}?entity=lead`, {
    body: ["name,company", ...rows].join("\n"),
    headers: { "content-type": "text/csv" },
  });
  assert.equal(made.status, 201, made.text);
  const path = `${imports}/${made.json.id}`;
  await w.acme.ok("admin", "PUT", `${path}/mapping`, {});
  await w.acme.ok("admin", "POST", `${path}/run`, {});
  const { job } = await until(async () => {
    const now = await w.acme.ok("admin", "GET", path);
    return now.state === "running" && now.counts.rows > 0 && now;
  });
  const name = `gina ${w.acme.mark}`;
  await w.acme.create("admin", "greeting", { name });
  await until(async () => {
    const { items } = await w.acme.ok("admin", "GET", "/api/v1/jobs");
    return items.find(({ state, result }) => state === "done" && result?.name === name);
  });
  assert.equal((await w.acme.ok("admin", "GET", path)).state, "running");
  await w.acme.ok("admin", "DELETE", `/api/v1/jobs/${job}`);
  const { counts, state } = await w.acme.settled("admin", path);
  assert.equal(state, "failed");
  const { count } = await w.acme.ok(
    "admin",
    "GET",
    `/api/v1/records/lead?count=true&limit=1&filter=${encodeURIComponent(
      JSON.stringify({ name: { prefix: `长 ${w.acme.mark}` } }),
    )}`,
  );
  assert.equal(count, counts.created, "each row once");
});
