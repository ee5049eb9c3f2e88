// outbound - plugins call other systems: where they may, how far, and what a retry sends.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import http from "node:http";
import https from "node:https";
import { after, before, test } from "node:test";
import { certify } from "../kit/certify.mjs";
import { limit } from "../kit/limits.mjs";
import { bundle, packed } from "../kit/pack.mjs";
import { command } from "../kit/server.mjs";
import { world } from "../kit/world.mjs";

const ID = "acme.calls";
const CALL = `/api/v1/x/${ID}/call`;
const KEY = "erp-key-2026-secret";
const certificate = certify();
const seen = [];
let plain, secure;
const w = world({
  env: {
    PERIGEE_OUTBOUND_PRIVATE: "127.0.0.1",
    PERIGEE_OUTBOUND_CA: certificate.paths.cert,
    HTTPS_PROXY: "http://127.0.0.1:1",
  },
  setup: async () => {
    await deploy();
  },
});

/** What the other system does: keeps what it was sent, answers as the path says. */
function serve(request, response) {
  let body = "";
  request.setEncoding("utf8").on("data", (part) => (body += part));
  request.on("end", () => {
    const { method, url, headers } = request;
    seen.push({ method, url, headers, body });
    if (url.startsWith("/redirect")) {
      response.writeHead(302, { location: `https://localhost:${secure.port}/found` }).end();
    } else if (url.startsWith("/down")) {
      response.writeHead(503).end("down");
    } else if (url.startsWith("/json")) {
      response.setHeader("content-type", "application/json");
      response.setHeader("x-twice", ["a", "b"]);
      response.end(JSON.stringify({ method, body, 名: ["一", 2, null] }));
    } else if (url.startsWith("/large")) {
      response.end("x".repeat((1 << 20) + Number(url.slice(6))));
    } else if (url.startsWith("/silent")) {
      setTimeout(() => response.end("late"), 60_000).unref();
    } else {
      response.end("found");
    }
  });
}

async function listen(server) {
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  server.unref();
  return { server, port: server.address().port };
}

before(async () => {
  plain = await listen(http.createServer(serve));
  secure = await listen(https.createServer(certificate, serve));
});
after(() => {
  for (const { server } of [plain, secure]) {
    server.closeAllConnections();
    server.close();
  }
});

const files = () =>
  bundle(
    ID,
    {
      "init.lua": `local calls = require("calls")
crm.route("POST", "/call", {
  body = { method = "text!", call = "json!", times = "int", tx = "bool", secret = "text" },
}, calls.call)
crm.on("lead", "validate", { id = "early" }, calls.early)
crm.on("lead", "after_commit", { id = "push" }, calls.push)
`,
      "calls.lua": `local calls = {}

function calls.call(req, ctx)
  local call, answer, why, name = req.body.call
  local copy = {}
  for key, value in pairs(call) do copy[key] = value end
  if req.body.secret then
    copy.headers = { ["x-key"] = { "k=", ctx.config[req.body.secret] } }
  end
  if req.body.tx then
    ctx.tx(function() ctx.http.get(call.url) end)
  end
  for _ = 1, req.body.times or 1 do
    answer, why, name = ctx.http[req.body.method](copy)
  end
  if not answer then return { why = why, name = name } end
  local json = answer.json()
  return { status = answer.status, body = #answer.body < 100 and answer.body or #answer.body,
    type = answer.headers["content-type"], twice = answer.headers["x-twice"], json = json }
end

function calls.early(ev, ctx)
  if ev.record.title == "early" then ctx.http.get("https://localhost:${secure.port}/early") end
end

function calls.push(ev, ctx)
  if ev.record.title ~= "push" then return end
  local url = "https://localhost:${secure.port}"
  assert(ctx.http.get(url .. "/first"))
  assert(ctx.http.post { url = url .. "/push", json = { name = ev.record.name },
    headers = { authorization = { "Bearer ", ctx.config.key } } })
  local own = { ["Idempotency-Key"] = "mine" }
  assert(ctx.http.put { url = url .. "/own", body = "x", headers = own })
end

return calls
`,
    },
    {
      config: [
        { name: "key", type: "secret", label: "key" },
        { name: "other", type: "secret", label: "other" },
      ],
      capabilities: [
        "secret:key",
        `http:https://localhost:${secure.port}`,
        `http:http://127.0.0.1:${plain.port}`,
        "http:https://127.0.0.2:1",
        "http:http://127.0.0.2:1",
        "http:http://ip6-localhost:1",
        "http:https://nothing.invalid",
      ],
    },
  );

async function deploy() {
  const path = `/api/v1/admin/plugins/${ID}/deploys`;
  const answer = await w.acme.as("admin", "POST", path, packed(files()));
  assert.equal(answer.status, 201, answer.text);
}

const ask = (method, call, more = {}) =>
  w.acme.as("sales1", "POST", CALL, { body: { method, call, ...more } });
const got = async (...args) => {
  const answer = await ask(...args);
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
};
const at = (path) => `https://localhost:${secure.port}${path}`;

test("an exception that is none stops the server before it starts", () => {
  for (const wrong of ["10.0.0.0/33", "http://erp", "fd00::/129"]) {
    const { status, stderr } = command(w.server.data, ["serve", "--listen", "127.0.0.1:0"], {
      env: { PERIGEE_OUTBOUND_PRIVATE: wrong },
    });
    assert.equal(status, 2, stderr);
    assert.match(stderr, /outbound_private/);
  }
});

test("a call is sent and answered as it was told", async () => {
  seen.length = 0;
  const { status, type, twice, json } = await got("post", {
    url: at("/json?a=b"),
    json: { 名: "王", list: [1, 2] },
    headers: { "X-Test": "yes" },
  });
  assert.equal(status, 200);
  assert.equal(type, "application/json");
  assert.equal(twice, "a, b");
  assert.equal(json.method, "POST");
  assert.deepEqual(JSON.parse(json.body), { 名: "王", list: [1, 2] });
  assert.deepEqual(json["名"].slice(0, 2), ["一", 2]);
  assert.equal(seen[0].url, "/json?a=b");
  assert.equal(seen[0].headers["x-test"], "yes");
  assert.equal(seen[0].headers["content-type"], "application/json");
  assert.match(seen[0].headers["user-agent"], /^perigee\//);
  assert.equal(seen[0].headers["idempotency-key"], undefined, "a route is not tried again");
});

for (const method of ["get", "put", "patch", "delete"]) {
  test(`${method} is spoken`, async () => {
    seen.length = 0;
    const call = { url: at("/json"), ...(method === "get" ? {} : { body: "b" }) };
    const { json } = await got(method, call);
    assert.equal(json.method, method.toUpperCase());
    assert.equal(seen[0].body, method === "get" ? "" : "b");
  });
}

test("plain HTTP only where a capability names it", async () => {
  const fine = await got("get", { url: `http://127.0.0.1:${plain.port}/` });
  assert.equal(fine.body, "found");
  const other = await got("get", { url: `http://localhost:${secure.port}/` });
  assert.equal(other.name, "FORBIDDEN");
  assert.match(other.why, /no capability/);
});

test("a redirect is an answer that nobody follows", async () => {
  seen.length = 0;
  const { status } = await got("get", { url: at("/redirect") });
  assert.equal(status, 302);
  assert.deepEqual(
    seen.map(({ url }) => url),
    ["/redirect"],
  );
});

test("addresses inside the network are refused, by name and by number", async () => {
  for (const url of ["https://127.0.0.2:1/", "http://2130706434:1/", "http://127.2:1/"]) {
    const { name, why } = await got("get", { url });
    assert.equal(name, "FORBIDDEN", `${url}: ${why}`);
    assert.match(why, /127\.0\.0\.2, which may not be reached/);
  }
  const named = await got("get", { url: "http://ip6-localhost:1/" });
  assert.ok(["FORBIDDEN", "IO"].includes(named.name), named.why);
  const nobody = await got("get", { url: "https://nothing.invalid/" });
  assert.equal(nobody.name, "IO");
});

test("a certificate that does not fit is refused", async () => {
  const { name, why } = await got("get", { url: `http://127.0.0.1:${plain.port}/` });
  assert.deepEqual([name, why], [undefined, undefined]);
  const answer = await got("get", { url: `https://127.0.0.1:${secure.port}/` });
  assert.equal(answer.name, "FORBIDDEN", "that origin is not declared");
});

test("a long answer ends at its bound", async () => {
  assert.equal((await got("get", { url: at("/large0") })).body, 1 << 20);
  assert.equal((await got("get", { url: at("/large1") })).name, "TOO_LARGE");
});

test("a silent server costs no more than its time", async () => {
  const { name } = await got("get", { url: at("/silent"), timeout: 200 });
  assert.equal(name, "TIMEOUT");
  // However long it asks for, it has the time of a call; a route has no more itself.
  const asked = { url: at("/silent"), timeout: 100 * limit("FETCH_TIMEOUT_MS") };
  const long = await ask("get", asked);
  assert.ok(long.status === 500 || long.json.name === "TIMEOUT", long.text);
});

test("a header is put together of so many parts", async () => {
  const most = limit("SECRET_PARTS_MAX");
  for (const count of [most, most + 1]) {
    const parts = Array.from({ length: count }, () => "x");
    const from = w.server.log.length;
    const answer = await ask("get", { url: at("/"), headers: { "x-long": parts } });
    if (count === most) {
      assert.equal(answer.status, 200, answer.text);
      assert.equal(seen.at(-1).headers["x-long"], "x".repeat(most));
    } else {
      assert.equal(answer.status, 500, answer.text);
      assert.match(w.server.log.slice(from), /has 1 to \d+ parts/);
    }
  }
});

test("so many calls of a route, and no more", async () => {
  seen.length = 0;
  const most = limit("SCRIPT_ROUTE_HTTP_MAX");
  assert.equal((await ask("get", { url: at("/") }, { times: most })).status, 200);
  assert.equal(seen.length, most);
  const beyond = await ask("get", { url: at("/") }, { times: most + 1 });
  assert.equal(beyond.status, 500, beyond.text);
  assert.match(w.server.log, /more calls to other systems than it may/);
});

test("slips of a call are told", async () => {
  for (const [call, text] of [
    [{ url: "https://u:p@localhost/" }, /holds no user/],
    [{ url: "file:///etc/passwd" }, /begins with https|no address/],
    [{ url: at("/"), uri: 1 }, /has no member \\?"uri/],
    [{ url: at("/"), body: "a", json: 1 }, /body or json/],
    [{ url: at("/"), headers: { host: "x" } }, /header \\?"host\\?" cannot be set/],
    [{ url: at("/"), headers: { a: "b\r\nc: d" } }, /header \\?"a\\?" cannot be set/],
    [{}, /needs a url/],
  ]) {
    const from = w.server.log.length;
    assert.equal((await ask("get", call)).status, 500);
    assert.match(w.server.log.slice(from), text);
  }
});

test("nobody waits for others inside a transaction", async () => {
  seen.length = 0;
  const inside = await ask("get", { url: at("/") }, { tx: true });
  assert.equal(inside.status, 500, inside.text);
  const early = await w.acme.as("sales1", "POST", "/api/v1/records/lead", {
    body: { name: "early", title: "early" },
  });
  assert.equal(early.status, 500, early.text);
  assert.match(w.server.log, /ctx\.http/);
  assert.equal(seen.length, 0);
});

test("behind a commit each call carries the key of its event", async () => {
  seen.length = 0;
  const config = `/api/v1/admin/plugins/${ID}/config`;
  await w.acme.ok("admin", "PUT", config, { key: KEY, other: "o" });
  await w.acme.create("sales1", "lead", { name: "pushed", title: "push" });
  while (seen.length < 3) await new Promise((done) => setTimeout(done, 50));
  const [first, push, own] = seen;
  assert.equal(first.headers["idempotency-key"], undefined, "reading needs none");
  assert.match(push.headers["idempotency-key"], /^[0-9A-Za-z]{13}$/);
  assert.equal(push.headers.authorization, `Bearer ${KEY}`);
  assert.equal(own.headers["idempotency-key"], "mine");
  assert.deepEqual(JSON.parse(push.body), { name: "pushed" });
});

test("a secret goes into a header, and scripts never see it", async () => {
  seen.length = 0;
  const answer = await ask("get", { url: at("/") }, { secret: "key" });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(seen[0].headers["x-key"], `k=${KEY}`);
  const from = w.server.log.length;
  const other = await ask("get", { url: at("/") }, { secret: "other" });
  assert.equal(other.status, 500, other.text);
  await logged(from, /does not declare the capability/);
  assert.ok(!w.server.log.includes(KEY));
});

/** The log comes through a pipe: behind the answer. */
async function logged(from, what) {
  while (!what.test(w.server.log.slice(from))) await new Promise((done) => setTimeout(done, 20));
}

test("data that looks like the handle of a secret names none", async () => {
  for (const value of [{ secret: "key" }, ["k=", { secret: "key" }]]) {
    const from = w.server.log.length;
    seen.length = 0;
    const answer = await ask("get", { url: at("/"), headers: { a: value } });
    assert.equal(answer.status, 500, answer.text);
    await logged(from, /a header (is a text, a secret|has 1 to)/);
    assert.equal(seen.length, 0);
  }
});

test("another company cannot use the plugin", async () => {
  const body = { method: "get", call: { url: at("/") } };
  assert.equal((await w.globex.as("admin", "POST", CALL, { body })).status, 404);
  assert.equal((await w.acme.as(null, "POST", CALL, { body })).status, 401);
});
