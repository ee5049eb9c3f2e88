// limits - just under and just over what one request may ask for.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { query } from "../kit/client.mjs";
import { limit } from "../kit/limits.mjs";
import { PASSWORD, world } from "../kit/world.mjs";

const LEADS = "/api/v1/records/lead";
const w = world();

const times = (count, make) => Array.from({ length: count }, (_, i) => make(i));
const post = (path, body, options = {}) => w.acme.as("admin", "POST", path, { body, ...options });
const ask = (body) => post(`${LEADS}/query`, body);
const user = (login, password) =>
  post("/api/v1/admin/users", { login, name: "Long", roles: [], password });
const list = (members) => w.acme.as("admin", "GET", `${LEADS}${query(members)}`);

/** name, status under and over, and the request itself for a number. */
const LIMITS = [
  ["a filter so deep", limit("FILTER_DEPTH_MAX"), 200, 422, (n) => list({ filter: nested(n) })],
  [
    "a filter of so many values",
    limit("FILTER_IN_MAX"),
    200,
    422,
    (n) => list({ filter: { name: { in: times(n, String) } } }),
  ],
  [
    "paths over so many references",
    limit("PATH_REFS_MAX"),
    200,
    422,
    (n) => list({ sort: `owner.${"manager.".repeat(n - 1)}name` }),
  ],
  [
    "so many keys to sort by",
    limit("SORT_KEYS_MAX"),
    200,
    422,
    (n) => list({ sort: ["name", "status", "score", "grade"].slice(0, n).join(",") }),
  ],
  [
    "so many groups",
    limit("GROUPS_MAX"),
    200,
    422,
    (n) => ask({ group: ["status", "source", "grade"].slice(0, n), measure: ["count"] }),
  ],
  [
    "so many measures",
    limit("MEASURES_MAX"),
    200,
    422,
    (n) => ask({ measure: MEASURES.slice(0, n) }),
  ],
  [
    "so many queries",
    limit("QUERIES_MAX"),
    200,
    422,
    (n) => post("/api/v1/queries", { queries: times(n, () => ({ entity: "lead", limit: 1 })) }),
  ],
  [
    "a dashboard of so many widgets",
    limit("DASHBOARD_WIDGETS_MAX"),
    201,
    422,
    (n) =>
      post("/api/v1/views", {
        kind: "dashboard",
        name: "mine",
        body: { widgets: times(n, (i) => ({ id: `w${i}`, kind: "kpi", entity: "lead" })) },
      }),
  ],
  [
    "an Idempotency-Key of so many characters",
    limit("IDEMPOTENCY_KEY_MAX"),
    201,
    400,
    (n) => post(LEADS, { name: "once" }, { headers: { "idempotency-key": "k".repeat(n) } }),
  ],
  [
    "JSON so deep",
    limit("JSON_DEPTH_MAX"),
    422,
    400,
    (n) => post(LEADS, `{"name":${"[".repeat(n - 1)}${"]".repeat(n - 1)}}`),
  ],
  [
    "a body of so many bytes",
    limit("BODY_JSON_BYTES_MAX"),
    422,
    413,
    (n) => post(LEADS, `{"name":"${"x".repeat(n - 11)}"}`),
  ],
  [
    "a long text of so many bytes",
    limit("LONGTEXT_BYTES_MAX"),
    201,
    422,
    (n) => post(LEADS, { name: "long", original_message: "𠀀".repeat(Math.ceil(n / 4)) }),
  ],
  ["a password so long", limit("PASSWORD_BYTES_MAX"), 201, 422, (n) => user(`long${n}`, words(n))],
  ["a login so long", limit("LOGIN_BYTES_MAX"), 201, 422, (n) => user("l".repeat(n), PASSWORD)],
];

const SUMS = ["sum", "avg", "min", "max"];
const MEASURES = ["count", ...SUMS.flatMap((of) => [`${of}.score`, `${of}.visits`])];

/** Text of that length that nobody would guess. */
function words(length) {
  const hash = (i) => createHash("sha256").update(String(i)).digest("base64");
  return times(20, hash).join("").slice(0, length);
}

function nested(depth) {
  let tree = { name: "x" };
  for (let i = 1; i < depth; i++) tree = { and: [tree] };
  return tree;
}

for (const [name, most, under, over, request] of LIMITS) {
  test(`${name}, and no more`, async () => {
    const fits = await request(most);
    assert.equal(fits.status, under, `${most}: ${fits.text.slice(0, 400)}`);
    const beyond = await request(most + 1);
    assert.equal(beyond.status, over, `${most + 1}: ${beyond.text.slice(0, 400)}`);
  });
}

test("a body that is spooled is the same as one that is not", async () => {
  const bytes = limit("BODY_INLINE_BYTES_MAX");
  const around = JSON.stringify({ name: "spooled", original_message: "" }).length;
  for (const n of [bytes, bytes + 1]) {
    const text = "s".repeat(n - around);
    const made = await post(LEADS, { name: "spooled", original_message: text });
    assert.equal(made.status, 201, made.text.slice(0, 400));
    assert.equal(made.json.original_message, text);
  }
});

test("a page of long records ends early, and the next goes on", async () => {
  const count = 30;
  for (let i = 0; i < count; i++) {
    const description = "长".repeat(65_000);
    await w.globex.create("admin", "lead", { name: `long ${i}`, description });
  }
  const seen = new Set();
  let cursor,
    pages = 0;
  do {
    const path = `${LEADS}${query({ limit: 200, ...(cursor ? { cursor } : {}) })}`;
    const page = await w.globex.as("admin", "GET", path);
    assert.equal(page.status, 200, page.text.slice(0, 300));
    // One that begins within the bound may end behind it.
    const most = limit("LIST_BYTES_MAX") + limit("LONGTEXT_BYTES_MAX");
    assert.ok(page.bytes.length < most, `${page.bytes.length} bytes`);
    for (const { id } of page.json.items) seen.add(id);
    cursor = page.json.next;
    pages++;
  } while (cursor);
  assert.equal(seen.size, count);
  assert.ok(pages >= 2);
  const queries = times(20, () => ({ entity: "lead", limit: 200 }));
  const many = await w.globex.as("admin", "POST", "/api/v1/queries", { body: { queries } });
  assert.equal(many.status, 200);
  assert.ok(many.bytes.length < 12 << 20, `${many.bytes.length} bytes`);
});
