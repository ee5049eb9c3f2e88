// quota - what one user and one company may have: at the bound, and one beyond.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { multipart } from "../kit/client.mjs";
import { PASSWORD, world } from "../kit/world.mjs";

const KEYS = "/api/v1/admin/api-keys";
const w = world({
  env: {
    PERIGEE_KEYS_PER_USER_MAX: 3,
    PERIGEE_KEYS_PER_TENANT_MAX: 5,
    PERIGEE_SESSIONS_PER_USER_MAX: 3,
    PERIGEE_FILES_BYTES_MAX: 1000,
    PERIGEE_JOBS_PER_USER_MAX: 2,
    PERIGEE_JOBS_PER_TENANT_MAX: 3,
  },
});

test("API keys: so many of one user, so many of the company, and one more is refused", async () => {
  const make = (user, scopes = ["lead:read"]) =>
    w.acme.as("admin", "POST", KEYS, { body: { user: w.acme.users[user], name: "key", scopes } });
  const made = [];
  for (let i = 0; i < 3; i++) made.push(await make("sales1"));
  assert.deepEqual(
    made.map(({ status }) => status),
    [201, 201, 201],
  );
  const fourth = await make("sales1");
  assert.equal(fourth.status, 409);
  assert.equal(fourth.json.error.code, "too_many_keys");
  await w.acme.ok("admin", "DELETE", `${KEYS}/${made[0].json.id}`);
  assert.equal((await make("sales1")).status, 201, "a revoked one gives its place back");
  assert.equal((await make("sales2")).status, 201);
  assert.equal((await make("sales2")).status, 201);
  assert.equal((await make("sales2")).status, 409, "the company's bound");
  const other = await w.globex.as("admin", "POST", KEYS, {
    body: { user: w.globex.users.sales1, name: "key", scopes: ["lead:read"] },
  });
  assert.equal(other.status, 201, "another company has its own");
});

test("sessions: with one more the oldest ends, and only one's own", async () => {
  const mine = [];
  for (let i = 0; i < 4; i++) mine.push((await w.acme.signIn("viewer")).token);
  const alive = async (token) => (await w.acme.as(null, "GET", "/api/v1/me", { token })).status;
  assert.deepEqual(await Promise.all(mine.map(alive)), [401, 200, 200, 200]);
  assert.equal((await w.acme.as("admin", "GET", "/api/v1/me")).status, 200);
});

const upload = (tenant, content, more = {}) => {
  const parts = [{ name: "file", filename: "a.txt", type: "text/plain", content }];
  return tenant.as("sales1", "POST", "/api/v1/files", { ...multipart(parts), ...more });
};

test("files: to the byte, and not one more; another company has its own room", async () => {
  assert.equal((await upload(w.acme, "a".repeat(999))).status, 201);
  const beyond = await upload(w.acme, "bb");
  assert.equal(beyond.status, 413);
  assert.equal(beyond.json.error.code, "no_room_for_files");
  assert.equal((await upload(w.acme, "b")).status, 201, "what was refused counts for nothing");
  assert.equal((await upload(w.acme, "c")).status, 413);
});

test("exports are files, too: they count, and there is none without room", async () => {
  const exported = async (tenant) => {
    const job = await tenant.ok("admin", "POST", "/api/v1/exports", { entity: "lead" });
    return tenant.settled("admin", `/api/v1/jobs/${job.id}`);
  };
  const full = await exported(w.acme);
  assert.equal(full.state, "failed", JSON.stringify(full));
  assert.match(full.error, /企业的文件空间已用完|room for files is used up/);
  const other = await exported(w.globex);
  assert.equal(other.state, "done", "another company has its own room");
  const { text } = await w.globex.as("admin", "GET", `/api/v1/files/${other.result.file}`);
  const left = 1000 - Buffer.byteLength(text);
  assert.ok(left > 0 && left < 1000, `${left} bytes left`);
  assert.equal((await upload(w.globex, "d".repeat(left + 1))).status, 413);
  assert.equal((await upload(w.globex, "d".repeat(left))).status, 201);
});

test("jobs: so many unfinished ones of a user, and one more waits", async () => {
  // The exports of one company wait behind each other, so some of these are still to be done.
  for (let round = 0; ; round++) {
    const ask = () => w.acme.as("admin", "POST", "/api/v1/exports", { body: { entity: "lead" } });
    const answers = await Promise.all(Array.from({ length: 12 }, ask));
    const refused = answers.filter(({ status }) => status !== 202);
    for (const answer of refused) {
      assert.equal(answer.status, 429, answer.text);
      assert.equal(answer.json.error.code, "too_many_jobs");
      assert.ok(Number(answer.headers["retry-after"]) > 0);
    }
    if (refused.length) break;
    assert.ok(round < 50, "nothing was ever refused");
  }
  const { items } = await w.acme.ok("admin", "GET", "/api/v1/jobs?limit=200");
  for (const { id } of items) await w.acme.settled("admin", `/api/v1/jobs/${id}`);
  const again = await w.acme.as("admin", "POST", "/api/v1/exports", { body: { entity: "lead" } });
  assert.equal(again.status, 202, "when they have ended there is room");
});

test("jobs: so many unfinished ones of a company, whoever asks; another has its own", async () => {
  const logins = Array.from({ length: 12 }, (_, i) => `boss${i}`);
  for (const login of logins) {
    const body = { login, name: login, roles: ["admin"], password: PASSWORD };
    await w.acme.ok("admin", "POST", "/api/v1/admin/users", body);
    await w.acme.token(login);
  }
  const ask = (t, login) => t.as(login, "POST", "/api/v1/exports", { body: { entity: "lead" } });
  // One job of each user at a time: only the company's bound can be passed.
  for (let round = 0; ; round++) {
    const answers = await Promise.all(logins.map((login) => ask(w.acme, login)));
    const refused = answers.filter(({ status }) => status !== 202);
    for (const answer of refused) {
      assert.equal(answer.status, 429, answer.text);
      assert.equal(answer.json.error.code, "too_many_jobs");
    }
    assert.ok(answers.length - refused.length >= 3, "up to the bound they are taken");
    const other = await ask(w.globex, "admin");
    assert.equal(other.status, 202, other.text);
    await w.globex.settled("admin", `/api/v1/jobs/${other.json.id}`);
    for (const [i, { status, json }] of answers.entries()) {
      if (status === 202) await w.acme.settled(logins[i], `/api/v1/jobs/${json.id}`);
    }
    if (refused.length) break;
    assert.ok(round < 50, "nothing was ever refused");
  }
});

test("a key sees jobs, files and imports only when its scopes say so", async () => {
  const user = w.globex.users.admin;
  const body = (scopes) => ({ user, name: "narrow", scopes });
  const key = async (scopes) => (await w.globex.ok("admin", "POST", KEYS, body(scopes))).token;
  const job = await w.globex.ok("admin", "POST", "/api/v1/exports", { entity: "lead" });
  const content = "zqown";
  const parts = [{ name: "file", filename: "a.txt", type: "text/plain", content }];
  const narrow = await key(["account:read"]);
  const wide = await key(["job:read", "account:read"]);
  const ask = async (token, path, method = "GET") =>
    (await w.globex.as(null, method, path, { token })).status;
  assert.equal(await ask(narrow, "/api/v1/jobs"), 403);
  assert.equal(await ask(narrow, `/api/v1/jobs/${job.id}`), 403);
  assert.equal(await ask(wide, "/api/v1/jobs"), 200);
  assert.equal(await ask(wide, `/api/v1/jobs/${job.id}`), 200);
  assert.equal(await ask(wide, `/api/v1/jobs/${job.id}`, "DELETE"), 403);
  const made = await w.globex.as(null, "POST", "/api/v1/files", {
    ...multipart(parts),
    token: narrow,
  });
  assert.equal(made.status, 403);
  const refused = await w.globex.as("admin", "POST", KEYS, { body: body(["job:fly"]) });
  assert.equal(refused.status, 422);
});
