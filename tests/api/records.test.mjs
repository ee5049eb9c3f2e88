// records - one record over HTTP: create, read, change, delete, restore, and many in one call.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { scenarios } from "../kit/scenario.mjs";
import { world } from "../kit/world.mjs";

const LEADS = "/api/v1/records/lead";
const w = world({
  setup: async ({ acme, globex }) => {
    w.lead = await acme.create("sales1", "lead", { name: "张伟", company: "远景软件" });
    w.foreign = await globex.create("sales1", "lead", { name: globex.mark, company: globex.mark });
  },
});
const one = () => `${LEADS}/${w.lead.id}`;
const make = (more = {}) => w.acme.create("sales1", "lead", { name: "fresh", ...more });

test("create answers 201 with Location, ETag and the whole record", async () => {
  const body = {
    name: "王芳",
    company: "华信制造",
    phones: ["13800138000"],
    emails: ["Wang.Fang@Example.com"],
    source: "website",
    estimated_amount: { amount: "1234.50", currency: "CNY" },
    tags: ["vip", "展会"],
    next_contact_at: "2026-12-01T09:00:00+08:00",
    visits: 3,
    page_views: "2.50",
    do_not_call: false,
  };
  const answer = await w.acme.as("sales1", "POST", LEADS, { body });
  assert.equal(answer.status, 201, answer.text);
  const lead = answer.json;
  assert.match(lead.id, /^[0-9A-HJKMNP-TV-Z]{13}$/);
  assert.equal(answer.headers.location, `${LEADS}/${lead.id}`);
  assert.equal(answer.headers.etag, `"${lead.id}-1"`);
  assert.equal(lead.version, 1);
  assert.equal(lead.name, "王芳");
  assert.equal(lead.status, "new");
  assert.equal(lead.owner, w.acme.users.sales1);
  assert.equal(lead.created_by, w.acme.users.sales1);
  assert.match(lead.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.deepEqual(lead.estimated_amount, { amount: "1234.50", currency: "CNY" });
  assert.deepEqual(lead.tags, ["vip", "展会"]);
  assert.equal(lead.next_contact_at, "2026-12-01T01:00:00.000Z");
  assert.equal(lead.page_views, "2.50");
  const read = await w.acme.ok("sales1", "GET", `${LEADS}/${lead.id}`);
  assert.deepEqual(read, lead);
});

test("money is taken as minor units too, exactly", async () => {
  const lead = await make({ estimated_amount: { minor: 123456789012345, currency: "CNY" } });
  assert.deepEqual(lead.estimated_amount, { amount: "1234567890123.45", currency: "CNY" });
});

test("change keeps what was not named and moves the version", async () => {
  const lead = await make({ company: "before" });
  const patch = await w.acme.as("sales1", "PATCH", `${LEADS}/${lead.id}`, {
    body: { company: "after", title: "采购经理" },
  });
  assert.equal(patch.status, 200, patch.text);
  assert.equal(patch.json.version, 2);
  assert.equal(patch.json.company, "after");
  assert.equal(patch.json.name, "fresh");
  const cleared = await w.acme.ok("sales1", "PATCH", `${LEADS}/${lead.id}`, { title: null });
  assert.equal(cleared.title, null);
  assert.equal(cleared.version, 3);
});

test("a change that changes nothing keeps the version", async () => {
  const lead = await make({ company: "same" });
  const again = await w.acme.ok("sales1", "PATCH", `${LEADS}/${lead.id}`, { company: "same" });
  assert.equal(again.version, 1);
});

test("If-Match: the right version passes, an old one is 412 with the current", async () => {
  const lead = await make();
  const path = `${LEADS}/${lead.id}`;
  const patch = (etag, company) =>
    w.acme.as("sales1", "PATCH", path, { body: { company }, headers: { "if-match": etag } });
  assert.equal((await patch(`"${lead.id}-1"`, "one")).status, 200);
  const late = await patch(`"${lead.id}-1"`, "two");
  assert.equal(late.status, 412, late.text);
  assert.equal(late.json.error.code, "version_mismatch");
  assert.equal(late.json.error.version, 2);
  assert.equal((await patch(`"nonsense"`, "three")).status, 412);
  assert.equal((await patch("*", "four")).status, 200);
  const body = { company: "five", version: 1 };
  assert.equal((await w.acme.as("sales1", "PATCH", path, { body })).status, 412);
  const right = await w.acme.ok("sales1", "PATCH", path, { company: "five", version: 3 });
  assert.equal(right.version, 4);
  const gone = await w.acme.as("sales1", "DELETE", path, {
    headers: { "if-match": `"${lead.id}-1"` },
  });
  assert.equal(gone.status, 412);
});

test("the weak tag of a plain read gives 304 until anything moves", async () => {
  const contact = await w.acme.create("sales1", "lead", { name: "cached" });
  const path = `${LEADS}/${contact.id}`;
  const first = await w.acme.as("sales1", "GET", path);
  const { etag } = first.headers;
  assert.match(etag, /^W\//);
  const headers = { "if-none-match": etag };
  const same = await w.acme.as("sales1", "GET", path, { headers });
  assert.equal(same.status, 304);
  assert.equal(same.text, "");
  const english = { ...headers, "accept-language": "en" };
  assert.equal((await w.acme.as("sales1", "GET", path, { headers: english })).status, 200);
  await w.acme.ok("sales1", "PATCH", path, { company: "moved" });
  assert.equal((await w.acme.as("sales1", "GET", path, { headers })).status, 200);
});

test("delete hides a record everywhere, restore brings it back", async () => {
  const lead = await make({ company: "bring me back" });
  const path = `${LEADS}/${lead.id}`;
  const gone = await w.acme.as("sales1", "DELETE", path);
  assert.equal(gone.status, 204);
  assert.equal((await w.acme.as("sales1", "GET", path)).status, 404);
  assert.equal((await w.acme.as("sales1", "PATCH", path, { body: { name: "x" } })).status, 404);
  assert.equal((await w.acme.as("sales1", "DELETE", path)).status, 404);
  const listed = await w.acme.ok("sales1", "GET", `${LEADS}?company=bring me back`);
  assert.equal(listed.items.length, 0);
  const back = await w.acme.as("sales1", "POST", `${path}/restore`, { body: {} });
  assert.equal(back.status, 200, back.text);
  assert.equal(back.json.company, "bring me back");
  assert.equal((await w.acme.as("sales1", "GET", path)).status, 200);
});

test("history tells who changed what, timeline as well", async () => {
  const lead = await make({ company: "old name" });
  await w.acme.ok("sales1", "PATCH", `${LEADS}/${lead.id}`, { company: "new name" });
  for (const part of ["history", "timeline"]) {
    const { items } = await w.acme.ok("sales1", "GET", `${LEADS}/${lead.id}/${part}`);
    const change = items
      .flatMap((item) => (item.changes ?? []).map((one) => ({ ...one, actor: item.actor })))
      .find(({ field, old }) => field === "company" && old === "old name");
    assert.ok(change, `${part}: ${JSON.stringify(items)}`);
    assert.equal(change.new, "new name");
    assert.ok(JSON.stringify(change.actor).includes(w.acme.users.sales1));
  }
});

test("the state flow refuses what may not follow and logs its visits", async () => {
  const lead = await make();
  const path = `${LEADS}/${lead.id}`;
  const patch = (body) => w.acme.as("sales1", "PATCH", path, { body });
  const jump = await patch({ status: "converted" });
  assert.equal(jump.status, 422, jump.text);
  assert.ok(jump.json.error.fields.status);
  /* states are told as they are read, not as they are kept */
  const said = async (lang, body) => {
    const options = { body, headers: { "accept-language": lang } };
    const { json } = await w.acme.as("sales1", "PATCH", path, options);
    return Object.values(json.error.fields)[0][0].message;
  };
  const turned = { status: "converted" };
  assert.equal(await said("zh-CN", turned), "不能从“新线索”变为“已转化”。");
  assert.equal(await said("en", turned), "This cannot go from “New” to “Converted”.");
  const dead = await patch({ status: "dead" });
  assert.equal(dead.status, 422);
  assert.equal(dead.json.error.fields.lost_reason[0].code, "required_for_state");
  assert.equal(await said("en", { status: "dead" }), "This is needed for “Dead”.");
  assert.equal((await patch({ status: "dead", lost_reason: "no_need" })).status, 200);
  const { visits } = await w.acme.ok("sales1", "GET", `${path}/history`);
  assert.ok(visits.some(({ value, left_at }) => value === "new" && left_at));
  assert.ok(visits.some(({ value, left_at }) => value === "dead" && !left_at));
});

const both = (row, zh, en) => [
  { ...row, name: `${row.name} (zh-CN)`, headers: { "accept-language": "zh-CN" }, contains: zh },
  { ...row, name: `${row.name} (en)`, headers: { "accept-language": "en" }, contains: en },
];
const bad = (name, body, fields) => ({
  name,
  method: "POST",
  path: LEADS,
  as: "sales1",
  body: { name: "bad", ...body },
  status: 422,
  code: "validation_failed",
  fields,
});

scenarios(w, [
  ...both(
    { ...bad("an unknown field is refused", { levl: 1 }), fields: { levl: "unknown_field" } },
    "部分字段需要修改",
    "Some fields need your attention.",
  ),
  ...both(
    { ...bad("a number that is no phone", { phones: ["12"] }), fields: undefined },
    "phones",
    "phones",
  ),
  bad("an enum knows its values", { source: "rumour" }, { source: "not_in_list" }),
  bad("a whole number is no text", { visits: "many" }, { visits: "not_a_number" }),
  bad("a bound is kept", { visits: -1 }, { visits: "too_small" }),
  bad("text has its length", { title: "x".repeat(61) }, { title: "too_long" }),
  bad("what is readonly is not written", { score: 99 }, { score: "read_only" }),
  bad("the system's fields are not written", { created_at: "2020-01-01T00:00:00Z" }),
  bad("an id is not chosen by the client", { id: "0000000000001" }),
  bad("a reference has to exist", { owner: "0000000000009" }),
  {
    name: "a reference to another company's record does not exist here",
    method: "POST",
    path: "/api/v1/records/contact",
    as: "sales1",
    body: () => ({ name: "x", account: w.foreign.id }),
    status: 422,
    lacks: "zqglobex",
  },
  {
    name: "all complaints come at once",
    method: "POST",
    path: LEADS,
    as: "sales1",
    body: { name: "bad", source: "rumour", visits: -1 },
    status: 422,
    check: (answer) => {
      assert.deepEqual(Object.keys(answer.json.error.fields).sort(), ["source", "visits"]);
    },
  },
  { name: "an unknown entity is 404", path: "/api/v1/records/leed", status: 404 },
  { name: "an unknown id is 404", path: `${LEADS}/0000000000001`, status: 404 },
  { name: "an id that is none is 404", path: `${LEADS}/not-an-id`, status: 404 },
  { name: "an id with a trailing byte is 404", path: () => `${one()}0`, status: 404 },
  {
    name: "another company's record is 404",
    path: () => `${LEADS}/${w.foreign.id}`,
    as: "admin",
    status: 404,
  },
  {
    name: "a list is no record",
    method: "POST",
    path: LEADS,
    body: [{ name: "x" }],
    status: 400,
    code: "not_an_object",
  },
  { name: "a body has to be there", method: "POST", path: LEADS, body: "", status: [400, 415] },
  {
    name: "depth is bounded",
    method: "POST",
    path: LEADS,
    body: `{"name":${"[".repeat(40)}${"]".repeat(40)}}`,
    status: 400,
  },
  {
    name: "bytes that are no UTF-8 are refused",
    method: "POST",
    path: LEADS,
    body: () => Buffer.from([0x7b, 0x22, 0x6e, 0x22, 0x3a, 0x22, 0xff, 0xfe, 0x22, 0x7d]),
    status: 400,
  },
  {
    name: "a JSON body beyond 1 MiB is 413",
    method: "POST",
    path: LEADS,
    body: () => JSON.stringify({ name: "x".repeat(1 << 20) }),
    status: 413,
    code: "too_large",
  },
  {
    name: "another method is 405 and says what is allowed",
    method: "PUT",
    path: one,
    body: {},
    status: 405,
    check: (answer) => assert.match(answer.headers.allow, /GET.*PATCH.*DELETE|DELETE.*GET/),
  },
  {
    name: "a viewer creates nothing",
    method: "POST",
    path: LEADS,
    as: "viewer",
    body: { name: "x" },
    status: 403,
    code: "forbidden",
  },
]);

test("a long JSON body of a known user passes through its spool", async () => {
  const lead = await make({ original_message: "长".repeat(60_000) });
  const read = await w.acme.ok("sales1", "GET", `${LEADS}/${lead.id}`);
  assert.equal(read.original_message.length, 60_000);
});

test("Idempotency-Key: the same answer for the same body, 422 for another", async () => {
  const post = (key, body, login = "sales1") =>
    w.acme.as(login, "POST", LEADS, { body, headers: { "idempotency-key": key } });
  const first = await post("order-1", { name: "once only" });
  assert.equal(first.status, 201);
  const again = await post("order-1", { name: "once only" });
  assert.equal(again.status, 201);
  assert.equal(again.json.id, first.json.id);
  assert.equal(again.headers["idempotency-replayed"], "true");
  assert.equal(again.headers.location, first.headers.location);
  assert.equal(again.headers.etag, first.headers.etag);
  const other = await post("order-1", { name: "another body" });
  assert.equal(other.status, 422);
  assert.equal(other.json.error.code, "idempotency_mismatch");
  const theirs = await post("order-1", { name: "once only" }, "sales2");
  assert.equal(theirs.status, 201);
  assert.notEqual(theirs.json.id, first.json.id);
  const { items } = await w.acme.ok("admin", "GET", `${LEADS}?name=once only`);
  assert.equal(items.length, 2);
  assert.equal((await post("k".repeat(201), { name: "x" })).status, 400);
});

test("a refused request leaves its key free", async () => {
  const post = (body) =>
    w.acme.as("sales1", "POST", LEADS, { body, headers: { "idempotency-key": "second-try" } });
  assert.equal((await post({ name: "x", visits: -1 })).status, 422);
  assert.equal((await post({ name: "right now" })).status, 201);
});

test("the same key at the same moment has one effect", async () => {
  const body = { name: "thundering herd" };
  const headers = { "idempotency-key": "herd" };
  const all = await Promise.all(
    Array.from({ length: 12 }, () => w.acme.as("sales1", "POST", LEADS, { body, headers })),
  );
  assert.equal(new Set(all.map((answer) => answer.json.id)).size, 1);
  const { items } = await w.acme.ok("admin", "GET", `${LEADS}?name=thundering herd`);
  assert.equal(items.length, 1);
});

test("concurrent changes of one version: one wins, the others are 412", async () => {
  const lead = await make();
  const etag = `"${lead.id}-1"`;
  const all = await Promise.all(
    Array.from({ length: 8 }, (_, i) =>
      w.acme.as("sales1", "PATCH", `${LEADS}/${lead.id}`, {
        body: { company: `writer ${i}` },
        headers: { "if-match": etag },
      }),
    ),
  );
  const won = all.filter((answer) => answer.status === 200);
  assert.equal(won.length, 1);
  assert.ok(all.every((answer) => [200, 412].includes(answer.status)));
  const now = await w.acme.ok("sales1", "GET", `${LEADS}/${lead.id}`);
  assert.equal(now.company, won[0].json.company);
});

test("bulk, not atomic: each item has its own result", async () => {
  const lead = await make();
  const items = [
    { op: "create", data: { name: "bulk one" } },
    { op: "create", data: { name: "bulk bad", visits: -1 } },
    { op: "update", id: lead.id, data: { company: "bulk changed" } },
    { op: "delete", id: w.foreign.id },
  ];
  const answer = await w.acme.as("sales1", "POST", `${LEADS}/bulk`, {
    body: { items, atomic: false },
  });
  assert.equal(answer.status, 200, answer.text);
  const fates = answer.json.results.map((result) => result.ok || result.status);
  assert.deepEqual(fates, [true, 422, true, 404], answer.text);
  assert.equal(answer.json.failed, 2);
  const { items: kept } = await w.acme.ok("sales1", "GET", `${LEADS}?name=bulk one`);
  assert.equal(kept.length, 1);
});

test("bulk: a version that cannot be read is refused, not taken for none", async () => {
  const lead = await make({ company: "guarded" });
  const bad = ["1", 0, -1, null, true, 1.5];
  const change = (version) => ({ op: "update", id: lead.id, version, data: { company: "lost" } });
  const body = { items: [...bad.map(change), { op: "delete", id: lead.id, version: "1" }] };
  const { results } = await w.acme.ok("sales1", "POST", `${LEADS}/bulk`, body);
  assert.deepEqual(
    results.map(({ status, error }) => [status, error?.fields.version?.[0].code]),
    results.map(() => [422, "not_a_number"]),
  );
  const same = await w.acme.ok("sales1", "GET", `${LEADS}/${lead.id}`);
  assert.deepEqual([same.company, same.version], ["guarded", lead.version]);
});

test("bulk, atomic: one bad item and nothing has happened", async () => {
  const lead = await make({ company: "untouched" });
  const items = [
    { op: "create", data: { name: "atomic one" } },
    { op: "update", id: lead.id, data: { company: "touched" } },
    { op: "create", data: { name: "atomic bad", visits: -1 } },
  ];
  const answer = await w.acme.as("sales1", "POST", `${LEADS}/bulk`, {
    body: { items, atomic: true },
  });
  assert.equal(answer.status, 422, answer.text);
  const { items: kept } = await w.acme.ok("sales1", "GET", `${LEADS}?name=atomic one`);
  assert.equal(kept.length, 0);
  const same = await w.acme.ok("sales1", "GET", `${LEADS}/${lead.id}`);
  assert.equal(same.company, "untouched");
});

test("bulk upsert: what matches is changed, what does not is made", async () => {
  await make({ prospect_id: "P-1", company: "first" });
  const upsert = (id, company) => ({
    op: "upsert",
    match: "prospect_id",
    data: { name: "upserted", prospect_id: id, company },
  });
  const body = { items: [upsert("P-1", "second"), upsert("P-2", "new")], atomic: true };
  const answer = await w.acme.as("sales1", "POST", `${LEADS}/bulk`, { body });
  assert.equal(answer.status, 200, answer.text);
  const { items } = await w.acme.ok(
    "sales1",
    "GET",
    `${LEADS}?prospect_id[prefix]=P-&sort=prospect_id`,
  );
  assert.deepEqual(
    items.map(({ prospect_id, company }) => [prospect_id, company]),
    [
      ["P-1", "second"],
      ["P-2", "new"],
    ],
  );
});

test("bulk takes a thousand items and not one more", async () => {
  const items = Array.from({ length: 1001 }, (_, i) => ({
    op: "create",
    data: { name: "one of many", times: i % 1000 },
  }));
  const post = (some) =>
    w.acme.as("admin", "POST", "/api/v1/records/greeting/bulk", {
      body: { items: some, atomic: true },
    });
  assert.equal((await post(items)).status, 422);
  const all = await post(items.slice(0, 1000));
  assert.equal(all.status, 200, all.text.slice(0, 300));
  const counted = await w.acme.ok("admin", "GET", "/api/v1/records/greeting?count=true&limit=1");
  assert.equal(counted.count, 1000);
});

test("autonumbers have no gaps where creates were refused", async () => {
  const numbers = [];
  for (let i = 0; i < 6; i++) {
    const body = { name: `account ${i}`, ...(i % 2 ? { employees: -1 } : {}) };
    const answer = await w.acme.as("sales1", "POST", "/api/v1/records/account", { body });
    if (answer.status === 201) numbers.push(Number(answer.json.number.split("-")[1]));
  }
  assert.deepEqual(numbers, [numbers[0], numbers[0] + 1, numbers[0] + 2]);
});

test("a roll-up and a lookup follow their records", async () => {
  const account = await w.acme.create("sales1", "account", { name: "rolled", industry: "it" });
  const contact = await w.acme.create("sales1", "contact", { name: "李娜", account: account.id });
  assert.equal(contact.industry, "it");
  const path = `/api/v1/records/account/${account.id}`;
  assert.equal((await w.acme.ok("sales1", "GET", path)).contacts_count, 1);
  const related = await w.acme.ok("sales1", "GET", `${path}/related/contact`);
  assert.deepEqual(
    related.items.map(({ id }) => id),
    [contact.id],
  );
  await w.acme.as("sales1", "DELETE", `/api/v1/records/contact/${contact.id}`);
  assert.equal((await w.acme.ok("sales1", "GET", path)).contacts_count, 0);
});

test("deleting an account clears the references to it", async () => {
  const account = await w.acme.create("sales1", "account", { name: "cleared" });
  const contact = await w.acme.create("sales1", "contact", { name: "stays", account: account.id });
  const gone = await w.acme.as("sales1", "DELETE", `/api/v1/records/account/${account.id}`);
  assert.equal(gone.status, 204, gone.text);
  const left = await w.acme.ok("sales1", "GET", `/api/v1/records/contact/${contact.id}`);
  assert.equal(left.account, null);
});

test("every answer with a record carries the tag that the next change needs", async () => {
  const made = await w.acme.as("sales1", "POST", "/api/v1/records/lead", {
    body: { name: "标签" },
  });
  const path = `/api/v1/records/lead/${made.json.id}`;
  let tag = made.headers.etag;
  for (const title of ["一", "二"]) {
    const headers = { "if-match": tag };
    const answer = await w.acme.as("sales1", "PATCH", path, { headers, body: { title } });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.headers.etag, `"${made.json.id}-${answer.json.version}"`);
    tag = answer.headers.etag;
  }
});
