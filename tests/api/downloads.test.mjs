// downloads - stored files as answers: whole, in parts, not again, and by routes of plugins.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { multipart, raw } from "../kit/client.mjs";
import { document, paragraph } from "../kit/docx.mjs";
import { bundle, packed } from "../kit/pack.mjs";
import { world } from "../kit/world.mjs";

const ID = "acme.desk";
const X = `/api/v1/x/${ID}`;
const w = world({ env: { PERIGEE_FILES_BYTES_MAX: 4_000_000 } });
/* Larger than what is sent at once, and nowhere the same. */
const bytes = Buffer.alloc(300_000, (() => {
  const all = [];
  for (let i = 0; i < 40_000; i += 1) all.push(`${i}\n`);
  return all.join("");
})());
const etag = `"${createHash("sha256").update(bytes).digest("hex")}"`;
let lead, file, path;

async function upload(tenant, login, parts) {
  const part = { name: "file", filename: "报价 1.txt", content: bytes };
  const made = await tenant.as(login, "POST", "/api/v1/files", multipart([part, ...parts]));
  assert.equal(made.status, 201, made.text);
  return made.json.id;
}

test("a lead of sales1 has an attachment", async () => {
  lead = await w.acme.create("sales1", "lead", { name: "王芳", phones: ["13800138000"] });
  const about = [
    { name: "entity", content: "lead" },
    { name: "record", content: lead.id },
  ];
  file = await upload(w.acme, "sales1", about);
  path = `/api/v1/files/${file}`;
});

const get = (headers, method = "GET", where = path) =>
  w.acme.as("sales1", method, where, { headers });

test("HEAD says what GET would send", async () => {
  const [all, head] = [await get({}), await get({}, "HEAD")];
  assert.equal(all.status, 200);
  assert.ok(all.bytes.equals(bytes));
  assert.equal(head.status, 200);
  assert.equal(head.bytes.length, 0);
  for (const name of ["content-length", "content-type", "content-disposition", "etag"])
    assert.equal(head.headers[name], all.headers[name], name);
  assert.equal(all.headers["content-length"], String(bytes.length));
  assert.equal(all.headers.etag, etag);
  assert.equal(all.headers["accept-ranges"], "bytes");
  assert.equal(all.headers["cache-control"], "private, no-cache");
});

test("what the client has is not sent again", async () => {
  for (const tags of [etag, `W/${etag}`, `"x", ${etag}`, "*"]) {
    for (const method of ["GET", "HEAD"]) {
      const answer = await get({ "if-none-match": tags }, method);
      assert.equal(answer.status, 304, tags);
      assert.equal(answer.bytes.length, 0);
      assert.equal(answer.headers.etag, etag);
    }
  }
  assert.equal((await get({ "if-none-match": '"other"' })).status, 200);
});

const PARTS = [
  ["bytes=0-9", 0, 10],
  ["bytes=100000-", 100_000, 200_000],
  ["bytes=-5", 299_995, 5],
  ["bytes=299999-999999999", 299_999, 1],
  ["bytes=0-", 0, 300_000],
];

test("a part is sent as a part", async () => {
  for (const [range, from, count] of PARTS) {
    const answer = await get({ range });
    assert.equal(answer.status, 206, range);
    assert.ok(answer.bytes.equals(bytes.subarray(from, from + count)), range);
    const told = `bytes ${from}-${from + count - 1}/${bytes.length}`;
    assert.equal(answer.headers["content-range"], told);
    assert.equal(answer.headers["content-length"], String(count));
  }
  const same = await get({ range: "bytes=0-9", "if-range": etag });
  assert.equal(same.status, 206);
});

test("what cannot be a part is the whole, and what is not there is refused", async () => {
  for (const range of ["bytes=5-2", "bytes=0-1,5-6", "lines=0-1", "bytes=x-"]) {
    const answer = await get({ range });
    assert.equal(answer.status, 200, range);
    assert.equal(answer.bytes.length, bytes.length);
  }
  for (const stale of ['"other"', `W/${etag}`, "Sun, 06 Nov 1994 08:49:37 GMT"]) {
    const answer = await get({ range: "bytes=0-9", "if-range": stale });
    assert.equal(answer.status, 200, stale);
  }
  assert.equal((await get({ range: "bytes=0-9" }, "HEAD")).status, 200);
  for (const range of ["bytes=300000-", "bytes=-0"]) {
    const answer = await get({ range });
    assert.equal(answer.status, 416, range);
    assert.equal(answer.headers["content-range"], `bytes */${bytes.length}`);
    assert.equal(answer.json.error.code, "range_not_satisfiable");
  }
});

test("parts one behind the other on one connection keep apart", async () => {
  const token = await w.acme.token("sales1");
  const ask = (range) =>
    `GET ${path} HTTP/1.1\r\nHost: ${w.acme.host}\r\nAuthorization: Bearer ${token}\r\n` +
    `Range: ${range}\r\n\r\n`;
  const last = ask("bytes=20-29").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
  const { text } = await raw(w.server.port, ask("bytes=0-9") + ask("bytes=10-19") + last);
  const bodies = text.split(/HTTP\/1\.1 206[\s\S]*?\r\n\r\n/).slice(1);
  assert.deepEqual(
    bodies,
    [0, 10, 20].map((at) => bytes.subarray(at, at + 10).toString()),
  );
});

/* --- routes of plugins --- */

const ROUTES = `
local function send(req)
  local id = crm.id_parse(req.params.id)
  return nil, 200, { file = id, filename = "offer.txt" }
end
local function lent(req)
  return nil, nil, { file = crm.id_parse(req.params.id), as_system = true }
end
crm.route("GET", "/files/{id}", send)
crm.route("POST", "/files/{id}", function(req, ctx)
  ctx.kv:incr("sent")
  return send(req)
end)
crm.route("GET", "/sent", function(_, ctx) return { n = ctx.kv:get("sent") } end)
crm.route("GET", "/open/{id}", { auth = "public", rate = "999/s" }, send)
crm.route("GET", "/lent/{id}", { auth = "public", rate = "999/s" }, lent)
crm.route("GET", "/knows/{id}", { auth = "public", rate = "999/s" }, function(req, ctx)
  return { knows = ctx.file(crm.id_parse(req.params.id)) ~= nil }
end)
crm.route("POST", "/mail/{id}", { auth = "public", rate = "999/s", body = {} }, function(req, ctx)
  local letter, why = ctx.mail { to = "thief@example.com", subject = "s", text = "t",
    files = { crm.id_parse(req.params.id) } }
  return { is_posted = letter ~= nil, why = why }
end)
crm.route("POST", "/documents", { body = { template = "id!" } }, function(req, ctx)
  local id, why = ctx.document {
    template = req.body.template, name = "offer.docx", data = { name = "Ann" },
  }
  if not id then return { why = why }, 409 end
  return nil, 200, { file = id }
end)
crm.route("GET", "/odd/{how}", function(req)
  if req.params.how == "both" then return "text", 200, { file = 1 } end
  if req.params.how == "status" then return nil, 201, { file = 1 } end
  if req.params.how == "type" then return nil, 200, { file = 1, type = "text/plain" } end
  if req.params.how == "text" then return nil, 200, { file = "1" } end
  if req.params.how == "slip" then return nil, 200, { filname = "x" } end
  return nil, 200, "offer.txt"
end)
`;
const deploy = (lua, capabilities) =>
  w.acme.as(
    "admin",
    "POST",
    `/api/v1/admin/plugins/${ID}/deploys`,
    packed(bundle(ID, { "init.lua": lua }, { capabilities })),
  );

test("a route answers with a file, for whoever may read its record", async () => {
  const made = await deploy(ROUTES, ["route:public", "mail"]);
  assert.equal(made.status, 201, made.text);
  const answer = await get({}, "GET", `${X}/files/${file}`);
  assert.equal(answer.status, 200, answer.text);
  assert.ok(answer.bytes.equals(bytes));
  assert.match(answer.headers["content-disposition"], /^attachment; filename="offer\.txt"/);
  assert.equal(answer.headers["content-type"], "text/plain; charset=utf-8");
  const part = await get({ range: "bytes=7-9" }, "GET", `${X}/files/${file}`);
  assert.equal(part.status, 206);
  assert.equal(part.text, bytes.subarray(7, 10).toString());
  assert.equal((await get({ "if-none-match": etag }, "GET", `${X}/files/${file}`)).status, 304);
  const head = await get({}, "HEAD", `${X}/files/${file}`);
  assert.deepEqual([head.status, head.headers["content-length"]], [200, String(bytes.length)]);
});

test("and for nobody else", async () => {
  const asked = (login, where, tenant = w.acme) => tenant.as(login, "GET", `${X}/${where}`);
  assert.equal((await asked("admin", `files/${file}`)).status, 200);
  assert.equal((await asked("sales3", `files/${file}`)).status, 404, "who may not read the lead");
  assert.equal((await asked(null, `files/${file}`)).status, 401);
  assert.equal((await asked("admin", `files/${file}`, w.globex)).status, 404);
  assert.equal((await asked(null, `open/${file}`)).status, 404, "a stranger");
  assert.deepEqual((await asked(null, `knows/${file}`)).json, { knows: false });
  const theirs = await upload(w.globex, "sales1", []);
  assert.equal((await asked("admin", `files/${theirs}`)).status, 404);
  assert.equal((await asked("admin", `files/${lead.id}`)).status, 404, "an id of something else");
  const loose = await upload(w.acme, "sales1", []);
  assert.equal((await asked("sales2", `files/${loose}`)).status, 404);
  assert.equal((await asked("sales1", `files/${loose}`)).status, 200);
});

test("nor does a letter that nobody posts take it along", async () => {
  const post = (id) => w.acme.as(null, "POST", `${X}/mail/${id}`, { body: {} });
  const refused = await post(file);
  assert.equal(refused.status, 200, refused.text);
  assert.equal(refused.json.is_posted, false);
  assert.match(refused.json.why, /files: one of them is not there, or not to be read/);
  assert.equal((await deploy(ROUTES, ["route:public", "mail", "db:lead:r"])).status, 201);
  assert.equal((await post(file)).json.is_posted, true, "the plugin may read leads");
  assert.equal((await post(await upload(w.acme, "sales1", []))).json.is_posted, false);
  assert.equal((await deploy(ROUTES, ["route:public", "mail"])).status, 201);
});

test("as_system takes the capability for the entity", async () => {
  assert.equal((await w.acme.as(null, "GET", `${X}/lent/${file}`)).status, 404);
  assert.equal((await deploy(ROUTES, ["route:public", "mail", "db:lead:r"])).status, 201);
  const answer = await w.acme.as(null, "GET", `${X}/lent/${file}`);
  assert.equal(answer.status, 200, answer.text);
  assert.ok(answer.bytes.equals(bytes));
  assert.equal((await w.acme.as(null, "GET", `${X}/open/${file}`)).status, 404);
  const loose = await upload(w.acme, "sales1", []);
  assert.equal((await w.acme.as(null, "GET", `${X}/lent/${loose}`)).status, 404);
});

test("what is sent for a key is told as done, not sent twice", async () => {
  const headers = { "idempotency-key": "once" };
  const first = await get(headers, "POST", `${X}/files/${file}`);
  assert.equal(first.status, 200, first.text);
  assert.ok(first.bytes.equals(bytes));
  const again = await get(headers, "POST", `${X}/files/${file}`);
  assert.deepEqual([again.status, again.json], [200, { replayed: true, answer: null }]);
  assert.equal((await get({}, "GET", `${X}/sent`)).json.n, 1);
});

test("what is no answer is an error of the plugin that names it", async () => {
  const told = {
    both: /a file is answered alone/,
    status: /a file is answered alone/,
    type: /a file is answered alone/,
    text: /an answer's file is the id of a stored file/,
    slip: /an answer has no "filname" \(did you mean "filename"\?\)/,
    else: /behind value and status an answer has a table/,
  };
  for (const [how, why] of Object.entries(told)) {
    const answer = await w.acme.as("admin", "GET", `${X}/odd/${how}`);
    assert.equal(answer.status, 500, how);
    assert.match(answer.json.error.detail, why);
  }
});

test("an address with other methods says which", async () => {
  const answer = await w.acme.as("sales1", "DELETE", `${X}/files/${file}`, {});
  assert.equal(answer.status, 405);
  assert.equal(answer.headers.allow, "GET, HEAD, POST");
});

test("a document is made and sent at once, as long as there is room for files", async () => {
  const part = { name: "file", filename: "t.docx", content: document(paragraph("Dear {{name}}")) };
  const form = multipart([part]);
  const made = await w.acme.as("sales1", "POST", "/api/v1/files", form);
  assert.equal(made.status, 201, made.text);
  const body = { template: made.json.id };
  const ask = (tenant = w.acme) => tenant.as("sales1", "POST", `${X}/documents`, { body });
  const first = await ask();
  assert.equal(first.status, 200, first.text.slice(0, 500));
  assert.match(first.headers["content-disposition"], /offer\.docx/);
  assert.equal(first.bytes.subarray(0, 2).toString(), "PK");
  for (const size of [300_000, 30_000, 3000, 300]) {
    for (let status = 201; status === 201;) {
      const content = Buffer.alloc(size, "x");
      const parts = multipart([{ name: "file", filename: "fill.txt", content }]);
      const answer = await w.acme.as("sales1", "POST", "/api/v1/files", parts);
      status = answer.status;
      assert.ok(status === 201 || status === 413, answer.text);
    }
  }
  const refused = await ask();
  assert.equal(refused.status, 409, refused.text.slice(0, 500));
  assert.equal(refused.json.why, "the company's room for files is used up");
  assert.equal((await ask(w.globex)).status, 404);
  const other = multipart([{ name: "file", filename: "a.txt", content: "theirs" }]);
  assert.equal((await w.globex.as("sales1", "POST", "/api/v1/files", other)).status, 201);
});
