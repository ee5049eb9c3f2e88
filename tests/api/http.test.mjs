// http - the wire itself: framing, order, limits, refusals. Raw sockets, byte for byte.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { raw, statuses } from "../kit/client.mjs";
import { limit } from "../kit/limits.mjs";
import { HOSTS, PASSWORD, world } from "../kit/world.mjs";

const w = world({
  staff: false,
  setup: async ({ acme, globex }) => {
    w.token = await acme.token("admin");
    await globex.create("admin", "lead", { name: globex.mark });
  },
});

const CRLF = "\r\n";
/** A request as bytes. */
function req(line, headers = {}, body = "") {
  const all = { Host: HOSTS.acme, ...headers };
  const fields = Object.entries(all).flatMap(([name, value]) =>
    [value].flat().map((one) => `${name}: ${one}`),
  );
  return [line, ...fields, "", ""].join(CRLF) + body;
}
const auth = () => ({ Authorization: `Bearer ${w.token}` });
const close = { Connection: "close" };
const send = (bytes, options) => raw(w.server.port, bytes, options);

/** One refused request: its status, and that nothing after it on the socket is answered. */
function refused(name, bytes, wanted) {
  test(`${name}: ${wanted}`, async () => {
    const after = req("GET /healthz HTTP/1.1", close);
    const given = typeof bytes === "function" ? bytes() : bytes;
    const { text, closed } = await send(given + after, { end: true });
    const got = statuses(text);
    assert.equal(got.length, 1, `one answer and no more: ${text.slice(0, 600)}`);
    assert.ok([wanted].flat().includes(got[0]), text.slice(0, 600));
    assert.ok(closed, "the server closes");
    assert.match(text, /connection: close/i);
  });
}

const GET = "GET /healthz HTTP/1.1";
const POST = "POST /api/v1/sessions HTTP/1.1";
const JSON_TYPE = { "Content-Type": "application/json" };

refused("no Host", `${GET}${CRLF}${CRLF}`, 400);
refused("two Hosts", req(GET, { Host: [HOSTS.acme, HOSTS.globex] }), 400);
refused("a Host that is none", req(GET, { Host: "a b" }), 400);
refused("a Host with a path", req(GET, { Host: "acme.example.com/x" }), 400);
refused("an empty Host", req(GET, { Host: "" }), 400);
refused(
  "an absolute target of another host",
  req(`GET http://${HOSTS.globex}/healthz HTTP/1.1`),
  400,
);
refused(
  "a length and chunks",
  req(POST, { "Content-Length": "3", "Transfer-Encoding": "chunked" }, "0\r\n\r\n"),
  400,
);
refused("two lengths", req(POST, { "Content-Length": ["3", "4"] }, "abc"), 400);
refused("two equal lengths", req(POST, { "Content-Length": ["3", "3"] }, "abc"), 400);
refused("a list of lengths", req(POST, { "Content-Length": "3, 3" }, "abc"), 400);
refused("a negative length", req(POST, { "Content-Length": "-1" }), 400);
refused("a length with a sign", req(POST, { "Content-Length": "+3" }, "abc"), 400);
refused("a length in hex", req(POST, { "Content-Length": "0x3" }, "abc"), 400);
refused("a length beyond all numbers", req(POST, { "Content-Length": "9".repeat(40) }), [400, 413]);
refused("another coding", req(POST, { "Transfer-Encoding": "gzip, chunked" }, "0\r\n\r\n"), 400);
refused(
  "chunked twice",
  req(POST, { "Transfer-Encoding": ["chunked", "chunked"] }, "0\r\n\r\n"),
  400,
);
refused(
  "chunks on 1.0",
  req("POST /api/v1/sessions HTTP/1.0", { "Transfer-Encoding": "chunked" }, "0\r\n\r\n"),
  400,
);
refused(
  "a chunk size that is none",
  req(POST, { "Transfer-Encoding": "chunked", ...JSON_TYPE }, "zz\r\nab\r\n0\r\n\r\n"),
  400,
);
refused(
  "a chunk longer than it says",
  req(POST, { "Transfer-Encoding": "chunked", ...JSON_TYPE }, "1\r\nabc\r\n0\r\n\r\n"),
  400,
);
refused(
  "a folded header",
  `${GET}${CRLF}Host: ${HOSTS.acme}${CRLF}X-A: b${CRLF} c${CRLF}${CRLF}`,
  400,
);
refused("a space before the colon", `${GET}${CRLF}Host : ${HOSTS.acme}${CRLF}${CRLF}`, 400);
refused("bare line feeds", `${GET}\nHost: ${HOSTS.acme}\n\n`, 400);
refused("a zero byte in a value", req(GET, { "X-A": "a\0b" }), 400);
refused("a control byte in a value", req(GET, { "X-A": "a\x01b" }), 400);
refused("a fragment in the target", req("GET /healthz#a HTTP/1.1"), 400);
refused("a space in the target", req("GET /a b HTTP/1.1"), 400);
refused("a broken escape in the target", req("GET /%zz HTTP/1.1"), 400);
refused("HTTP/2.0 as text", req("GET /healthz HTTP/2.0"), 505);
refused("HTTP/0.9", `GET /healthz${CRLF}`, 400);
refused("CONNECT", req(`CONNECT ${HOSTS.acme}:443 HTTP/1.1`), [400, 405]);
refused("TRACE", req("TRACE / HTTP/1.1"), 405);
refused("Upgrade", req(GET, { Connection: "Upgrade", Upgrade: "websocket" }), 400);
refused(
  "an expectation nobody knows",
  req(POST, { Expect: "the-unexpected", "Content-Length": "2" }, "{}"),
  [400, 417],
);
refused("a request line beyond 8 KiB", req(`GET /${"a".repeat(8300)} HTTP/1.1`), 414);
refused("one header beyond 16 KiB", req(GET, { "X-A": "a".repeat(17_000) }), 431);
refused(
  "101 headers",
  req(GET, Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`X-${i}`, "a"]))),
  431,
);
refused("TLS on the plain port", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400);
refused(
  "a body beyond its cap is refused before it is sent",
  () =>
    req("POST /api/v1/records/lead HTTP/1.1", {
      ...auth(),
      ...JSON_TYPE,
      "Content-Length": "2000000",
    }),
  413,
);

test("an unknown host is nobody's: 404, and no company's name", async () => {
  const { text } = await send(
    req("GET /api/v1/me HTTP/1.1", { Host: "else.example.com", ...close }),
  );
  assert.deepEqual(statuses(text), [404]);
  assert.ok(text.includes("no_tenant"));
  assert.ok(!/acme|globex/.test(text));
});

test("a Host is the same in any case and with any port", async () => {
  for (const host of [
    "ACME.Example.COM",
    `acme.example.com:${w.server.port}`,
    "acme.example.com:80",
  ]) {
    const { text } = await send(
      req("GET /api/v1/me HTTP/1.1", { Host: host, ...auth(), ...close }),
    );
    assert.deepEqual(statuses(text), [200], host);
  }
});

test("a method in a header changes nothing", async () => {
  const lead = await w.acme.create("admin", "lead", { name: "stays" });
  const path = `/api/v1/records/lead/${lead.id}`;
  for (const name of ["x-http-method-override", "x-method-override", "x-http-method"]) {
    await w.acme.as("admin", "GET", `${path}?_method=DELETE`, { headers: { [name]: "DELETE" } });
    await w.acme.as("admin", "POST", path, { headers: { [name]: "DELETE" }, body: {} });
    assert.equal((await w.acme.as("admin", "GET", path)).status, 200, name);
  }
});

test("a body where none belongs is never taken for the next request", async () => {
  const inner = req("DELETE /api/v1/sessions HTTP/1.1", auth());
  const outer = req("GET /healthz HTTP/1.1", { "Content-Length": inner.length }, inner);
  const { text } = await send(outer + req("GET /healthz HTTP/1.1", close), { end: true });
  assert.ok(
    statuses(text).every((status) => [200, 400, 413].includes(status)),
    text,
  );
  assert.equal((await w.acme.as("admin", "GET", "/api/v1/me")).status, 200);
  const asked = { ...auth(), "Content-Length": 2, "Accept-Language": "en" };
  const said = await send(req("GET /api/v1/me HTTP/1.1", asked, "{}"), { end: true });
  assert.match(said.text, /^HTTP\/1\.1 413 [\s\S]*This request takes no body\./);
});

test("an absolute target that agrees with its Host is served", async () => {
  const { text } = await send(
    req(`GET http://${HOSTS.acme}/api/v1/me HTTP/1.1`, { ...auth(), ...close }),
  );
  assert.deepEqual(statuses(text), [200]);
});

test("pipelined requests are answered in their order, slow ones among quick ones", async () => {
  const create = (name) => {
    const body = JSON.stringify({ name });
    const length = Buffer.byteLength(body);
    return req(
      "POST /api/v1/records/greeting HTTP/1.1",
      { ...auth(), ...JSON_TYPE, "Content-Length": length },
      body,
    );
  };
  const signIn = JSON.stringify({ login: "admin", password: PASSWORD });
  const bytes = [
    req("GET /api/v1/nothing HTTP/1.1"),
    create("first"),
    req("GET /healthz HTTP/1.1"),
    req(POST, { ...JSON_TYPE, "Content-Length": signIn.length }, signIn),
    create("second"),
    req("GET /api/v1/records/greeting?fields=name&sort=name HTTP/1.1", { ...auth(), ...close }),
  ].join("");
  const { text } = await send(bytes);
  assert.deepEqual(statuses(text), [404, 201, 200, 201, 201, 200]);
  const last = text.slice(text.lastIndexOf("HTTP/1.1 200"));
  assert.ok(
    last.includes('"first"') && last.includes('"second"'),
    "a read sees the writes before it",
  );
});

test("a request may come byte by byte", async () => {
  const bytes = req("GET /healthz HTTP/1.1", close);
  const pieces = [...bytes].flatMap((byte) => [
    byte,
    () => new Promise((done) => setImmediate(done)),
  ]);
  const { text } = await send(pieces);
  assert.deepEqual(statuses(text), [200]);
});

test("a chunked body is read, with its extensions and trailers", async () => {
  const body = JSON.stringify({ name: "in chunks" });
  const size = (n) => n.toString(16);
  const first = `${size(5)};ext=1\r\n${body.slice(0, 5)}\r\n`;
  const second = `${size(body.length - 5)}\r\n${body.slice(5)}\r\n`;
  const headers = { ...auth(), ...JSON_TYPE, "Transfer-Encoding": "chunked", ...close };
  const end = "0\r\nAuthorization: Bearer other\r\nHost: globex.example.com\r\n\r\n";
  const { text } = await send(
    req("POST /api/v1/records/greeting HTTP/1.1", headers, first + second + end),
  );
  assert.deepEqual(statuses(text), [201], text);
});

test("a chunked body beyond the cap is 413", async () => {
  const chunk = `10000\r\n${"x".repeat(0x10000)}\r\n`;
  const headers = { ...auth(), ...JSON_TYPE, "Transfer-Encoding": "chunked" };
  const { text } = await send(
    req("POST /api/v1/records/lead HTTP/1.1", headers, chunk.repeat(20)),
    { end: true },
  );
  assert.deepEqual(statuses(text), [413], text.slice(0, 300));
});

test("chunk extensions are bounded", async () => {
  const headers = { ...auth(), ...JSON_TYPE, "Transfer-Encoding": "chunked" };
  const body = `2;${"a".repeat(2000)}\r\n{}\r\n0\r\n\r\n`;
  const { text } = await send(req("POST /api/v1/records/lead HTTP/1.1", headers, body), {
    end: true,
  });
  assert.ok([400, 413, 431].includes(statuses(text)[0]), text.slice(0, 300));
});

test("100-continue is said when the head is right, and not when it is wrong", async () => {
  const body = JSON.stringify({ name: "continued" });
  const headers = {
    ...auth(),
    ...JSON_TYPE,
    Expect: "100-continue",
    "Content-Length": body.length,
    ...close,
  };
  const waits = async (seen) => {
    while (!seen().includes("100 Continue")) await new Promise((done) => setTimeout(done, 5));
  };
  const head = req("POST /api/v1/records/greeting HTTP/1.1", headers);
  const good = await send([head, waits, body]);
  assert.deepEqual(statuses(good.text), [100, 201], good.text);
  const nobody = req("POST /api/v1/records/greeting HTTP/1.1", {
    ...headers,
    Authorization: "Bearer x",
  });
  const bad = await send(nobody);
  assert.deepEqual(statuses(bad.text), [401], bad.text);
});

test("HEAD is GET without its body, with its length", async () => {
  const get = await w.acme.as("admin", "GET", "/api/v1/me");
  const head = await w.acme.as("admin", "HEAD", "/api/v1/me");
  assert.equal(head.status, 200);
  assert.equal(head.text, "");
  assert.equal(Number(head.headers["content-length"]), get.bytes.length);
});

test("OPTIONS says what is allowed and opens nothing to other origins", async () => {
  const answer = await w.acme.as(null, "OPTIONS", "/api/v1/records/lead", {
    headers: { origin: "https://evil.example.com", "access-control-request-method": "POST" },
  });
  assert.equal(answer.status, 204);
  assert.match(answer.headers.allow, /GET/);
  assert.match(answer.headers.allow, /POST/);
  assert.equal(answer.headers["access-control-allow-origin"], undefined);
});

test("an address of the API that is none is 404 for any method", async () => {
  for (const method of ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
    const { status, headers } = await w.acme.as("admin", method, "/api/v1/nothing/here");
    assert.deepEqual([status, headers.allow], [404, undefined], method);
  }
  for (const method of ["GET", "HEAD", "PUT", "OPTIONS"]) {
    const { status, headers } = await w.acme.as("admin", method, "/api/v1/queries");
    assert.deepEqual([status, headers.allow], [method === "OPTIONS" ? 204 : 405, "POST"], method);
  }
});

test("OPTIONS of the whole server", async () => {
  const { text } = await send(req("OPTIONS * HTTP/1.1", close));
  assert.deepEqual(statuses(text), [204]);
  assert.match(text, /allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS/i);
});

test("JSON in another encoding than UTF-8 is refused, and broken JSON told where", async () => {
  const post = (type, body, lang = "en") =>
    w.acme.as("admin", "POST", "/api/v1/records/greeting", {
      body,
      headers: { "content-type": type, "accept-language": lang },
    });
  for (const type of ["application/json; charset=gbk", "application/json;x=y;charset=latin1"])
    assert.equal((await post(type, '{"name":"a"}')).status, 415, type);
  for (const type of ["application/json; charset=UTF-8", 'application/json;charset="utf-8"'])
    assert.equal((await post(type, '{"name":"a"}')).status, 201, type);
  const wrong = { en: /^The JSON is broken: line 1 column 11: /, "zh-CN": /^JSON 有误：line 1 / };
  for (const [lang, pattern] of Object.entries(wrong)) {
    const answer = await post("application/json", '{"name":"a"', lang);
    assert.equal(answer.status, 400);
    assert.match(answer.json.error.message, pattern);
  }
  const zero = await post("application/json", '{"name":"a\\u0000b"}');
  assert.match(zero.json.error.message, /a text holds a zero character$/);
});

test("HTTP/1.0 is answered and closed, or kept when asked", async () => {
  const one = await send(req("GET /healthz HTTP/1.0"));
  assert.deepEqual(statuses(one.text), [200]);
  assert.ok(one.closed);
  const keep = req("GET /healthz HTTP/1.0", { Connection: "keep-alive" });
  const two = await send(keep + req("GET /healthz HTTP/1.0"));
  assert.equal(statuses(two.text).length, 2, two.text);
});

test("every answer has the headers that protect a browser", async () => {
  for (const path of ["/", "/api/v1/me", "/api/v1/nothing", "/healthz"]) {
    const { headers } = await w.acme.as(null, "GET", path);
    assert.equal(headers["x-content-type-options"], "nosniff", path);
    assert.ok(
      headers["content-type"].includes("charset=utf-8") ||
        headers["content-type"] === "application/json",
      path,
    );
    if (path === "/") assert.match(headers["content-security-policy"], /default-src/);
  }
  const api = await w.acme.as("admin", "GET", "/api/v1/me");
  assert.match(api.headers["cache-control"], /no-store|private/);
});

test("who stops in the middle of the head is cut, and others are served meanwhile", async () => {
  const slow = send("GET /healthz HTTP/1.1\r\nHost: a", {
    quiet: 6 * limit("HEADER_TIMEOUT_MS"),
  });
  assert.equal((await w.acme.as(null, "GET", "/healthz")).status, 200);
  const { text, closed } = await slow;
  assert.ok(closed, "the server ends it by itself");
  assert.ok(
    statuses(text).every((status) => [400, 408].includes(status)),
    text,
  );
});

test("a client that leaves without waiting harms nobody", async () => {
  const body = JSON.stringify({ name: "left behind" });
  const headers = { ...auth(), ...JSON_TYPE, "Content-Length": body.length };
  const bytes = req("POST /api/v1/records/greeting HTTP/1.1", headers, body);
  await Promise.all(Array.from({ length: 20 }, () => send(bytes, { until: /^/, quiet: 1 })));
  assert.equal((await w.acme.as("admin", "GET", "/api/v1/records/greeting")).status, 200);
});

test("X-Perigee-Tenant and forwarded hosts choose no company on a public listener", async () => {
  const token = await w.globex.token("admin");
  for (const name of [
    "x-perigee-tenant",
    "x-forwarded-host",
    "forwarded",
    "x-host",
    "x-original-host",
  ]) {
    const value =
      name === "forwarded"
        ? `host=${HOSTS.globex}`
        : name.includes("tenant")
          ? "globex"
          : HOSTS.globex;
    const theirs = await w.acme.as(null, "GET", "/api/v1/records/lead", {
      token,
      headers: { [name]: value },
    });
    assert.equal(theirs.status, 401, `${name}: the key of globex does not fit acme's door`);
    const mine = await w.acme.as("admin", "GET", "/api/v1/me", { headers: { [name]: value } });
    assert.equal(mine.status, 200, name);
  }
});
