// mail - a company's mail server: set up, tried, letters of plugins sent, refused, repeated.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { certify } from "../kit/certify.mjs";
import { multipart } from "../kit/client.mjs";
import { limit } from "../kit/limits.mjs";
import { bundle, packed } from "../kit/pack.mjs";
import { parseLetter, SmtpServer } from "../kit/smtp.mjs";
import { world } from "../kit/world.mjs";

const MAIL = "/api/v1/admin/mail";
const LETTERS = `${MAIL}/letters`;
const SECRET = "Mail-Secret-2026";
const ID = "acme.letters";
const certificate = certify();
const w = world({
  env: {
    PERIGEE_OUTBOUND_PRIVATE: "127.0.0.1",
    PERIGEE_OUTBOUND_CA: certificate.paths.cert,
  },
});
const servers = [];
after(async () => {
  for (const server of servers) await server.stop();
});

async function smtp(options) {
  const server = await new SmtpServer({ certificate, ...options }).start();
  servers.push(server);
  return server;
}

const settings = (server, more = {}) => ({
  host: "localhost",
  port: server.port,
  tls: server.mode,
  from: "crm@acme.example.com",
  ...more,
});
const setUp = (server, more, tenant = w.acme) =>
  tenant.as("admin", "PUT", MAIL, { body: settings(server, more) });
const attempt = async (to = "boss@example.com") =>
  w.acme.ok("admin", "POST", `${MAIL}/test`, { to });

test("nothing is set up at first", async () => {
  const { host, password } = await w.acme.ok("admin", "GET", MAIL);
  assert.deepEqual([host, password], [null, null]);
  const body = { to: "a@example.com" };
  const answer = await w.acme.as("admin", "POST", `${MAIL}/test`, { body });
  assert.equal(answer.status, 409, answer.text);
  assert.equal(answer.json.error.code, "mail_not_set_up");
});

test("settings are checked, and the password is never told", async () => {
  const server = await smtp();
  for (const [more, field] of [
    [{ host: null }, "host"],
    [{ host: " " }, "host"],
    [{ from: "" }, "from"],
    [{ host: 5 }, "host"],
    [{ host: "a b" }, "host"],
    [{ from: "nobody" }, "from"],
    [{ from: "a@b.example\r\nBcc: x@y.example" }, "from"],
    [{ port: 0 }, "port"],
    [{ port: 65536 }, "port"],
    [{ tls: "maybe" }, "tls"],
    [{ per_hour: 501 }, "per_hour"],
    [{ tls: "none", user: "u", password: "p" }, "tls"],
    [{ unknown: 1 }, "unknown"],
  ]) {
    const answer = await setUp(server, more);
    assert.equal(answer.status, 422, JSON.stringify(more) + answer.text);
    assert.ok(field in answer.json.error.fields, answer.text);
  }
  const made = await setUp(server, { user: "crm", password: SECRET, from_name: "客户中心" });
  assert.equal(made.status, 200, made.text);
  assert.equal(made.json.password, "********");
  const shown = await w.acme.as("admin", "GET", MAIL);
  assert.ok(!shown.text.includes(SECRET));
  const raw = readFileSync(join(w.server.data, "tenants", "acme", "tenant.db"));
  assert.ok(!raw.includes(SECRET), "the password lies in the store as it is");
  const audit = await w.acme.as("admin", "GET", "/api/v1/admin/audit?action=mail.settings");
  assert.ok(audit.json.items.length > 0 && !audit.text.includes(SECRET));
});

test("a stored password goes to no other server", async () => {
  const other = await smtp();
  const kept = { user: "crm", password: "********" };
  const moved = await setUp(other, kept);
  assert.equal(moved.status, 422, moved.text);
  assert.ok("password" in moved.json.error.fields, moved.text);
  assert.equal((await setUp(servers[0], kept)).status, 200);
  const gone = await setUp(other, { user: "crm", password: null });
  assert.equal(gone.json.password, null);
});

for (const [mode, users] of [
  ["starttls", { crm: SECRET }],
  ["tls", { crm: SECRET }],
  ["none", {}],
]) {
  test(`a letter on trial by ${mode}`, async () => {
    const server = await smtp({ mode, users });
    const user = Object.keys(users)[0];
    const more = user ? { user, password: SECRET, from_name: "客户中心" } : {};
    assert.equal((await setUp(server, more)).status, 200);
    const outcome = await attempt();
    assert.deepEqual(outcome, { sent: true, code: 250, why: null });
    const [letter] = server.letters;
    assert.deepEqual(letter.to, ["boss@example.com"]);
    assert.equal(letter.from, "crm@acme.example.com");
    assert.equal(letter.secure, mode !== "none");
    assert.equal(letter.user, user ?? null);
    const { headers, body } = parseLetter(letter.raw);
    assert.equal(headers["auto-submitted"], "auto-generated");
    assert.match(headers["message-id"], /^<[^@\s]+@acme\.example\.com>$/);
    if (user) assert.match(headers.from, /^客户中心\s+<crm@acme\.example\.com>$/);
    assert.match(body, /\S/);
  });
}

test("the password outlives a rotation of keys", async () => {
  const server = await smtp({ mode: "tls", users: { crm: SECRET } });
  await setUp(server, { user: "crm", password: SECRET });
  w.server.must(["keys", "rotate", "acme"]);
  for (;;) {
    const { items } = await w.acme.ok("admin", "GET", "/api/v1/jobs?limit=200");
    const job = items.find(({ queue }) => queue === "keys");
    if (job?.state === "done") break;
    assert.notEqual(job?.state, "failed", JSON.stringify(job));
    await new Promise((done) => setTimeout(done, 50));
  }
  assert.equal((await attempt()).sent, true);
});

test("what the server says is told", async () => {
  const server = await smtp({ mode: "tls", users: { crm: SECRET } });
  await setUp(server, { user: "crm", password: "wrong" });
  const denied = await attempt();
  assert.equal(denied.sent, false);
  assert.match(denied.why, /login|denied|535/i);
  const anonymous = await smtp({ mode: "tls" });
  anonymous.refuse = { RCPT: "550 5.1.1 no such user" };
  await setUp(anonymous, {});
  const unknown = await attempt();
  assert.equal(unknown.code, 550);
  await setUp(anonymous, { tls: "starttls" });
  assert.equal((await attempt()).sent, false, "no TLS where TLS was agreed on");
  assert.equal(anonymous.letters.length, 0);
});

test("a server without STARTTLS gets nothing, and no password", async () => {
  const server = await smtp({ mode: "none", users: { crm: SECRET } });
  server.clear = true;
  await setUp(server, { tls: "starttls", user: "crm", password: SECRET });
  assert.equal((await attempt()).sent, false);
  assert.ok(!server.seen.some((line) => /^(AUTH|MAIL)/.test(line)), server.seen.join("\n"));
});

test("a certificate for another name is refused", async () => {
  const strange = certify(["DNS:other.example.com"]);
  const server = await new SmtpServer({ mode: "tls", certificate: strange }).start();
  servers.push(server);
  await setUp(server, {});
  const outcome = await attempt();
  assert.equal(outcome.sent, false);
  assert.match(outcome.why, /certificate|SSL/i);
  assert.equal(server.letters.length, 0);
});

test("a mail server inside the network is out of reach unless the operator names it", async () => {
  const server = await smtp({ mode: "none" });
  await setUp(server, { host: "127.0.0.2" });
  const outcome = await attempt();
  assert.equal(outcome.sent, false);
  assert.match(outcome.why, /127\.0\.0\.2.*may not be reached/);
});

/* --- letters of plugins ---------------------------------------------------------------------- */

const plugin = () =>
  bundle(
    ID,
    {
      "init.lua": `local letters = require("letters")
crm.on("lead", "after_create", { id = "welcome" }, letters.welcome)
`,
      "letters.lua": `local letters = {}
function letters.welcome(ev, ctx)
  local lead = ev.record
  if lead.title == "none" then return end
  local letter = { to = lead.wechat_id, template = "welcome", lang = "en", key = lead.company,
    data = { name = lead.name, lines = { { what = "pen & paper", count = 2 } }, link = "x" } }
  if lead.title == "missing" then letter.template = "welcom" end
  if lead.title == "lacking" then letter.data = { name = "x" } end
  if lead.title == "bad" then
    local id, why = ctx.mail { to = "nobody", subject = "s", text = "t" }
    if id or why ~= "to: bad_email" then error("not refused: " .. tostring(why)) end
    return
  end
  if lead.title == "zh" then letter.lang = "zh-CN" end
  if lead.title == "file" then letter.files = { lead.description } end
  assert(ctx.mail(letter))
  if lead.title == "abort" then ev:abort("@no") end
end
return letters
`,
      "templates/welcome.en.txt": `Subject: Welcome, {{name}}!

Dear {{name}},
{{for line in lines}}
- {{line.count}} {{line.what}}
{{end}}
{{link}}
`,
      "templates/welcome.en.html":
        "<p>Dear {{name}}</p>{{for line in lines}}<li>{{line.what}}</li>{{end}}{{link}}",
      "templates/welcome.zh-CN.txt": `Subject: 欢迎您，{{name}}！

{{name}}，您好。{{link}}
{{for l in lines}}{{end}}`,
      "i18n/en.json": { no: "no" },
      "i18n/zh-CN.json": { no: "不" },
    },
    { capabilities: ["mail"] },
  );

const lead = (body) =>
  w.acme.as("sales1", "POST", "/api/v1/records/lead", {
    body: { wechat_id: "ann@example.com", ...body },
  });

/** Polls the log until the newest letter's state is one of these. */
async function newest(...states) {
  for (;;) {
    const { items } = await w.acme.ok("admin", "GET", `${LETTERS}?limit=1`);
    if (items.length && states.includes(items[0].state)) return items[0];
    await new Promise((done) => setTimeout(done, 50));
  }
}
/** The newest letter, once it has been put off. */
async function tried() {
  for (;;) {
    const { items } = await w.acme.ok("admin", "GET", `${LETTERS}?limit=1&state=waiting`);
    if (items[0]?.error) return items[0];
    await new Promise((done) => setTimeout(done, 50));
  }
}
const count = async () => (await w.acme.ok("admin", "GET", `${LETTERS}?limit=200`)).items.length;

let box;
test("a letter of a plugin is sent behind the commit", async () => {
  box = await smtp({ mode: "starttls" });
  await setUp(box, {});
  const deployed = await w.acme.as("admin", "POST", `/api/v1/admin/plugins/${ID}/deploys`, {
    ...packed(plugin()),
  });
  assert.equal(deployed.status, 201, deployed.text);
  const made = await lead({ name: "Ann <b>" });
  assert.equal(made.status, 201, made.text);
  const letter = await newest("sent", "failed");
  assert.equal(letter.state, "sent", JSON.stringify(letter));
  assert.deepEqual(letter.to, ["ann@example.com"]);
  assert.equal(letter.template, `${ID}:welcome`);
  const { headers, parts } = parseLetter(box.letters[0].raw);
  assert.equal(headers.subject, "Welcome, Ann <b>!");
  assert.match(headers["content-type"], /multipart\/alternative/);
  assert.equal(parts[0].body, "Dear Ann <b>,\r\n- 2 pen & paper\r\nx\r\n");
  assert.match(parts[1].body, /<p>Dear Ann &lt;b&gt;<\/p><li>pen &amp; paper<\/li>x/);
  assert.ok(headers["message-id"].includes(letter.id));
});

test("in Chinese, with a subject that travels encoded", async () => {
  const name = "王小明".repeat(12);
  assert.equal((await lead({ name, title: "zh" })).status, 201);
  await newest("sent");
  const { raw } = box.letters.at(-1);
  assert.ok(/^[\x00-\x7f]*$/.test(raw), "only ASCII travels");
  assert.ok(
    raw.split("\r\n").every((line) => line.length <= 78),
    "lines keep their length",
  );
  const { headers, body } = parseLetter(raw);
  assert.equal(headers.subject, `欢迎您，${name}！`);
  assert.ok(body.startsWith(`${name}，您好。`));
});

test("what the letter was made from is forgotten when it has gone", async () => {
  const raw = readFileSync(join(w.server.data, "tenants", "acme", "tenant.db"));
  const jobs = await w.acme.as("admin", "GET", "/api/v1/jobs");
  assert.ok(!jobs.text.includes("pen & paper"));
  assert.ok(raw.length > 0);
});

test("a refused write sends nothing", async () => {
  const before = await count();
  assert.ok((await lead({ name: "gone", title: "abort" })).status >= 400);
  assert.equal(await count(), before);
});

test("a letter that cannot be made stops the write and says why", async () => {
  const before = await count();
  for (const title of ["missing", "lacking"]) {
    const answer = await lead({ name: "x", title });
    assert.equal(answer.status, 500, answer.text);
    assert.equal(answer.json.error.code, "plugin_error");
  }
  assert.match(w.server.log, /there is no template \\?"acme\.letters:welcom\\?"/);
  assert.match(w.server.log, /acme\.letters\/templates\/welcome\.en\.txt:4: there is no value/);
  assert.equal((await lead({ name: "y", title: "bad" })).status, 201);
  assert.equal(await count(), before);
});

test("an attachment goes along for who may read it, and for nobody else", async () => {
  const upload = (login) =>
    w.acme.as(
      login,
      "POST",
      "/api/v1/files",
      multipart([{ name: "file", filename: "报价 2026.txt", type: "text/plain", content: "价格" }]),
    );
  const mine = (await upload("sales1")).json.id;
  const theirs = (await upload("sales3")).json.id;
  assert.equal((await lead({ name: "file", title: "file", description: mine })).status, 201);
  const sent = await newest("sent", "failed");
  assert.equal(sent.state, "sent", JSON.stringify(sent));
  const { parts } = parseLetter(box.letters.at(-1).raw);
  assert.equal(parts.length, 2);
  assert.match(
    parts[1].headers["content-disposition"],
    /^attachment;\s+filename\*0\*=UTF-8''%E6%8A%A5%E4%BB%B7%202026\.txt$/,
  );
  assert.equal(parts[1].body, "价格");
  assert.equal((await lead({ name: "no", title: "file", description: theirs })).status, 201);
  const failed = await newest("failed");
  assert.match(failed.error, /attachment/);
});

test("attachments together are as large as they may be, and no larger", async () => {
  const bytes = limit("MAIL_FILES_BYTES_MAX");
  const attach = async (size) => {
    const content = Buffer.alloc(size, "x");
    const part = { name: "file", filename: "a.bin", type: "application/octet-stream", content };
    const { json } = await w.acme.as("sales1", "POST", "/api/v1/files", multipart([part]));
    assert.equal((await lead({ name: "f", title: "file", description: json.id })).status, 201);
    return newest("sent", "failed");
  };
  assert.equal((await attach(bytes)).state, "sent");
  assert.ok(box.letters.at(-1).raw.length > bytes);
  assert.match((await attach(bytes + 1)).error, /larger than 10 MiB/);
});

test("later is tried again, never is not, and an administrator may have it sent anew", async () => {
  box.refuse = { RCPT: "451 4.2.1 later" };
  assert.equal((await lead({ name: "later" })).status, 201);
  const waiting = await tried();
  assert.ok(Date.parse(waiting.next_at) > Date.parse(waiting.created_at));
  box.refuse = { RCPT: "550 5.1.1 no such user" };
  assert.equal((await lead({ name: "never" })).status, 201);
  const failed = await newest("failed");
  assert.match(failed.error, /550/);
  const path = `${LETTERS}/${failed.id}/again`;
  box.refuse = {};
  assert.equal((await w.globex.as("admin", "POST", path, { body: {} })).status, 404);
  assert.equal((await w.acme.as("sales1", "POST", path, { body: {} })).status, 403);
  assert.equal((await w.acme.as("admin", "POST", path, { body: {} })).status, 204);
  assert.equal((await newest("sent")).id, failed.id);
  assert.equal((await w.acme.as("admin", "POST", path, { body: {} })).status, 409);
});

test("one letter of a key waits at a time", async () => {
  box.refuse = { MAIL: "451 4.3.2 later" };
  const before = await count();
  for (let i = 0; i < 3; i++) await lead({ name: `keyed ${i}`, company: "the same" });
  assert.equal(await count(), before + 1);
  await tried();
  box.refuse = {};
});

test("a company sends so many letters an hour, and no more", async () => {
  const waiting = await w.acme.ok("admin", "GET", `${LETTERS}?state=waiting`);
  for (const { id } of waiting.items) await w.acme.ok("admin", "DELETE", `/api/v1/jobs/${id}`);
  const { items } = await w.acme.ok("admin", "GET", `${LETTERS}?state=sent&limit=200`);
  await setUp(box, { per_hour: items.length + 1 });
  assert.equal((await lead({ name: "fits" })).status, 201);
  assert.equal((await newest("sent")).state, "sent");
  const sent = box.letters.length;
  assert.equal((await lead({ name: "waits" })).status, 201);
  assert.match((await tried()).error, /used up/);
  assert.equal(box.letters.length, sent);
});

test("only runners hold the code that reaches the network", async () => {
  const { processes } = await import("../kit/faults.mjs");
  const holders = processes(w.server.child.pid).filter(({ pid }) =>
    readFileSync(`/proc/${pid}/maps`, "utf8").includes("libcurl"),
  );
  assert.ok(holders.length > 0);
  for (const { role } of holders) assert.equal(role, "runner");
});

test("another company has neither the server nor the letters", async () => {
  const { host } = await w.globex.ok("admin", "GET", MAIL);
  assert.equal(host, null);
  assert.deepEqual((await w.globex.ok("admin", "GET", LETTERS)).items, []);
  assert.equal((await w.acme.as("sales1", "GET", MAIL)).status, 403);
  assert.equal((await w.acme.as("sales1", "GET", LETTERS)).status, 403);
});
