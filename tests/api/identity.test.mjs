// identity - second factors, new passwords by link, what a stricter policy asks for.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { totp } from "../kit/totp.mjs";
import { PASSWORD, world } from "../kit/world.mjs";

const w = world();
const MFA = "/api/v1/me/mfa";
const RESETS = "/api/v1/password-resets";
const SETTINGS = "/api/v1/admin/settings";
const fresh = (n) => `Quite-Another-Word-${n}!`;

const person = async (login, roles = ["viewer"], more = {}, t = w.acme) => {
  const body = { login, name: login, roles, password: PASSWORD, ...more };
  return (await t.ok("admin", "POST", "/api/v1/admin/users", body)).id;
};
const signIn = (login, otp, password = PASSWORD) =>
  w.acme.client.request("POST", "/api/v1/sessions", {
    body: { login, password, ...(otp === undefined ? {} : { otp }) },
  });
const code = (answer) => answer.json?.error?.code;
const fields = (answer) =>
  Object.fromEntries(
    Object.entries(answer.json?.error?.fields ?? {}).map(([name, [one]]) => [name, one.code]),
  );

async function withFactor(login, roles) {
  const id = await person(login, roles);
  const begun = await w.acme.ok(login, "POST", MFA, { action: "begin", current: PASSWORD });
  const { secret } = begun;
  assert.match(begun.uri, /^otpauth:\/\/totp\/.*secret=[A-Z2-7]{32}&/);
  // This step is spent here: what follows takes the next one, or recovery codes.
  const made = await w.acme.as(login, "POST", MFA, {
    body: { action: "confirm", code: totp(secret) },
  });
  assert.equal(made.status, 200, made.text);
  return { id, secret, codes: made.json.recovery_codes };
}

test("setting up a second factor asks for the password and a first code", async () => {
  await person("mia");
  const bare = await w.acme.as("mia", "POST", MFA, { body: { action: "begin" } });
  assert.deepEqual([bare.status, fields(bare)], [422, { current: "required" }]);
  const wrong = await w.acme.as("mia", "POST", MFA, {
    body: { action: "begin", current: "not it at all" },
  });
  assert.deepEqual([wrong.status, fields(wrong)], [422, { current: "wrong_password" }]);
  const { secret } = await w.acme.ok("mia", "POST", MFA, { action: "begin", current: PASSWORD });
  const off = await w.acme.as("mia", "POST", MFA, { body: { action: "confirm", code: "12" } });
  assert.deepEqual(fields(off), { code: "wrong_code" });
  assert.equal((await signIn("mia")).status, 201, "it is not on before its first code");
  const on = await w.acme.as("mia", "POST", MFA, {
    body: { action: "confirm", code: totp(secret) },
  });
  assert.equal(on.status, 200, on.text);
  assert.equal(on.json.recovery_codes.length, 10);
  assert.equal((await w.acme.ok("mia", "GET", "/api/v1/sessions/current")).mfa, true);
});

test("with a factor on, the password alone opens nothing", async () => {
  const { secret, codes } = await withFactor("nora");
  const bare = await signIn("nora");
  assert.deepEqual([bare.status, code(bare)], [401, "mfa_required"]);
  assert.ok(!bare.headers["set-cookie"]);
  const wrong = await signIn("nora", "000000");
  assert.deepEqual([wrong.status, code(wrong)], [401, "wrong_code"]);
  const otp = totp(secret, 1);
  const right = await signIn("nora", otp);
  assert.equal(right.status, 201, right.text);
  const again = await signIn("nora", otp);
  assert.deepEqual([again.status, code(again)], [401, "wrong_code"], "a code is good once");
  assert.equal((await signIn("nora", codes[0])).status, 201);
  assert.equal((await signIn("nora", codes[0])).status, 401, "so is a recovery code");
  assert.equal((await signIn("nora", codes[1].toLowerCase())).status, 201);
  assert.equal(code(await signIn("nora", codes[2], "wrong password")), "bad_credentials");
});

test("asking for the code does not count as a failure, wrong codes lock", async () => {
  await withFactor("olga");
  for (let i = 0; i < 8; i++) assert.equal(code(await signIn("olga")), "mfa_required");
  const codes = [];
  for (let i = 0; i < 6; i++) codes.push(code(await signIn("olga", "000000")));
  assert.equal(codes[0], "wrong_code");
  assert.equal(codes.at(-1), "locked");
});

test("taking the factor away needs the password and a code", async () => {
  const { codes } = await withFactor("pia");
  const body = { action: "disable", current: PASSWORD };
  const bare = await w.acme.as("pia", "POST", MFA, { body });
  assert.deepEqual(fields(bare), { otp: "required" });
  const wrong = await w.acme.as("pia", "POST", MFA, { body: { ...body, otp: "000000" } });
  assert.deepEqual(fields(wrong), { otp: "wrong_code" });
  const more = await w.acme.ok("pia", "POST", MFA, {
    action: "recovery_codes",
    current: PASSWORD,
    otp: codes[0],
  });
  const old = await w.acme.as("pia", "POST", MFA, { body: { ...body, otp: codes[1] } });
  assert.deepEqual(fields(old), { otp: "wrong_code" }, "new codes end the old ones");
  const off = await w.acme.as("pia", "POST", MFA, {
    body: { ...body, otp: more.recovery_codes[0] },
  });
  assert.equal(off.status, 204, off.text);
  assert.equal((await signIn("pia")).status, 201);
  const none = await w.acme.as("pia", "POST", MFA, { body });
  assert.deepEqual([none.status, code(none)], [409, "mfa_off"]);
});

test("an administrator takes a lost factor away, of people of the company alone", async () => {
  const { id } = await withFactor("rosa");
  const path = `/api/v1/admin/users/${id}/mfa`;
  assert.equal((await w.acme.as("sales1", "DELETE", path)).status, 403);
  assert.equal((await w.globex.as("admin", "DELETE", path)).status, 404);
  assert.equal((await w.acme.as("admin", "DELETE", path)).status, 204);
  assert.equal((await signIn("rosa")).status, 201);
  await withFactor("rita");
  const done = w.server.command(["user", "reset-mfa", "acme", "rita"]);
  assert.equal(done.status, 0, done.stderr);
  assert.equal((await signIn("rita")).status, 201);
});

test("an API key has no part in factors and passwords", async () => {
  const id = await person("sam", ["admin"]);
  const key = await w.acme.ok("sam", "POST", "/api/v1/admin/api-keys", { name: "k", user: id });
  const token = key.token ?? key.key;
  for (const [method, path, body] of [
    ["POST", MFA, { action: "begin", current: PASSWORD }],
    ["PATCH", "/api/v1/me", { email: "other@example.com", current: PASSWORD }],
  ]) {
    const answer = await w.acme.client.request(method, path, { body, token });
    assert.equal(answer.status, 403, answer.text);
  }
});

test("e-mail and phone change with the password, other things without", async () => {
  await person("tina", ["viewer"], { email: "tina@example.com" });
  const patch = (body) => w.acme.as("tina", "PATCH", "/api/v1/me", { body });
  assert.equal((await patch({ name: "Tina T." })).status, 200);
  assert.deepEqual(fields(await patch({ email: "new@example.com" })), { current: "required" });
  assert.deepEqual(fields(await patch({ phone: "13800000009", current: "wrong one" })), {
    current: "wrong_password",
  });
  const moved = await patch({ email: "new@example.com", current: PASSWORD });
  assert.equal(moved.status, 200, moved.text);
  assert.equal(moved.json.email, "new@example.com");
  assert.ok(!moved.text.includes(PASSWORD));
});

test("asking for a new password answers alike for everybody", async () => {
  await person("uma", ["viewer"], { email: "uma@example.com" });
  const ask = (body) => w.acme.client.request("POST", RESETS, { body });
  const known = await ask({ login: "uma" });
  const unknown = await ask({ login: "nobody-of-that-name" });
  assert.deepEqual([known.status, known.text], [202, ""]);
  assert.deepEqual([unknown.status, unknown.text], [202, ""]);
  assert.equal((await ask({})).status, 422);
  assert.equal((await ask({ login: "uma", email: "me@example.com" })).status, 422);
});

test("a link sets one new password, once, and ends every session", async () => {
  const id = await person("vera");
  const { token } = await w.acme.signIn("vera");
  const path = `/api/v1/admin/users/${id}/password-link`;
  assert.equal((await w.acme.as("sales1", "POST", path, { body: {} })).status, 403);
  assert.equal((await w.globex.as("admin", "POST", path, { body: {} })).status, 404);
  const link = await w.acme.ok("admin", "POST", path, {});
  assert.match(link.token, /^pr_[\w-]{43}$/);
  const use = (body, t = w.acme, name = link.token) =>
    t.client.request("POST", `${RESETS}/${name}`, { body });
  assert.equal((await use({ password: fresh(1) }, w.globex)).status, 404);
  const weak = await use({ password: "short" });
  assert.deepEqual(fields(weak), { password: "password_short" });
  assert.equal((await use({ password: fresh(1) })).status, 204);
  const again = await use({ password: fresh(2) });
  assert.deepEqual([again.status, code(again)], [404, "reset_expired"]);
  assert.equal((await use({ password: fresh(2) }, w.acme, "pr_nothing")).status, 404);
  const dead = await w.acme.client.request("GET", "/api/v1/me", { token });
  assert.equal(dead.status, 401, "sessions end with the old password");
  assert.equal((await signIn("vera")).status, 401);
  assert.equal((await signIn("vera", undefined, fresh(1))).status, 201);
});

test("a new password does not pass by the second factor", async () => {
  const { id, codes } = await withFactor("wilma");
  const link = await w.acme.ok("admin", "POST", `/api/v1/admin/users/${id}/password-link`, {});
  const done = await w.acme.client.request("POST", `${RESETS}/${link.token}`, {
    body: { password: fresh(3) },
  });
  assert.equal(done.status, 204);
  assert.equal(code(await signIn("wilma", undefined, fresh(3))), "mfa_required");
  assert.equal((await signIn("wilma", codes[0], fresh(3))).status, 201);
});

test("the operator prints a link for a user", async () => {
  await person("xena");
  const made = w.server.command(["user", "reset-password", "acme", "xena", "--link", "--json"]);
  assert.equal(made.status, 0, made.stderr);
  const { token, link } = JSON.parse(made.stdout);
  assert.ok(link.endsWith(token));
  const done = await w.acme.client.request("POST", `${RESETS}/${token}`, {
    body: { password: fresh(4) },
  });
  assert.equal(done.status, 204);
  assert.equal((await signIn("xena", undefined, fresh(4))).status, 201);
});

test("the stricter profile asks administrators for a factor, and for new passwords", async () => {
  await person("yara", ["admin"], {}, w.globex);
  await person("zoe", ["viewer"], {}, w.globex);
  const { token, due } = await w.globex.signIn("yara");
  assert.equal(due, null);
  assert.equal((await w.globex.ok("admin", "GET", SETTINGS)).mfa, "offered");
  const set = (body) => w.globex.as("admin", "PATCH", SETTINGS, { body });
  assert.equal((await set({ mfa: "nobody" })).status, 422);
  const done = await set({ password_policy: "dengbao" });
  assert.deepEqual([done.status, done.json.mfa], [200, "admins"], done.text);
  const get = (path) => w.globex.client.request("GET", path, { token });
  const stopped = await get("/api/v1/admin/users");
  assert.deepEqual([stopped.status, code(stopped)], [403, "mfa_setup_required"]);
  assert.equal((await get("/api/v1/sessions/current")).json.due, "mfa");
  assert.equal((await get("/api/v1/me")).status, 200);
  assert.equal((await w.globex.as("zoe", "GET", "/api/v1/boot")).status, 200, "not an admin");
  const post = (body) => w.globex.client.request("POST", MFA, { body, token });
  const begun = await post({ action: "begin", current: PASSWORD });
  const on = await post({ action: "confirm", code: totp(begun.json.secret) });
  assert.equal(on.status, 200, on.text);
  assert.equal((await get("/api/v1/admin/users")).status, 200);
  const loose = await w.globex.client.request("PATCH", SETTINGS, {
    body: { mfa: "offered" },
    token,
  });
  assert.equal(loose.status, 422, "the profile cannot be loosened");
  const change = (current, password) =>
    w.globex.as("zoe", "POST", "/api/v1/me/password", { body: { current, password } });
  assert.equal((await change(PASSWORD, fresh(5))).status, 204);
  assert.deepEqual(fields(await change(fresh(5), PASSWORD)), { password: "password_past" });
  assert.deepEqual(fields(await change(fresh(5), fresh(5))), { password: "password_past" });
});
