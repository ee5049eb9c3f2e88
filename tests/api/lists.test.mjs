// lists - filter, sort, page, count, expand, group, board: one company's leads from every side.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { query } from "../kit/client.mjs";
import { scenarios } from "../kit/scenario.mjs";
import { world } from "../kit/world.mjs";

const LEADS = "/api/v1/records/lead";
const DAY = 86_400_000;
const iso = (days) => new Date(Date.now() + days * DAY).toISOString();

/* visits counts them, so every answer can be told by numbers. */
const SOME = [
  { name: "赵一", company: "Alpha 100%", source: "website", grade: "a", visits: 1 },
  { name: "钱二", company: "Beta", source: "event", grade: "b", visits: 2, tags: ["red", "blue"] },
  { name: "孙三", company: "Gamma", source: "website", grade: "a", visits: 3, tags: ["red"] },
  { name: "李四", company: "delta", source: "phone", visits: 4, do_not_call: true },
  { name: "周五", source: "website", visits: 5, next_contact_at: iso(0) },
  { name: "吴六", company: "Zeta", visits: 6, next_contact_at: iso(3) },
  { name: "郑七", company: "Eta", grade: "c", visits: 7, next_contact_at: iso(-3) },
  { name: "王八", company: "Theta", status: "working", visits: 8 },
];
const AMOUNTS = ["100.00", "2500.50", "40.00", null, "9999.99", "0.00", null, "10000.00"];

const w = world({
  setup: async ({ acme, globex }) => {
    w.account = await acme.create("sales1", "account", { name: "父公司", industry: "medical" });
    for (const [i, lead] of SOME.entries()) {
      const amount = AMOUNTS[i];
      const money = amount ? { estimated_amount: { amount, currency: "CNY" } } : {};
      await acme.create(i % 2 ? "sales2" : "sales1", "lead", { ...lead, ...money });
    }
    for (const [name, account] of [
      ["甲", w.account.id],
      ["乙", null],
    ]) {
      await acme.create("sales1", "contact", { name, account });
    }
    for (let i = 0; i < 5; i++) await globex.create("sales1", "lead", { name: globex.mark });
  },
});

const visits = (answer) => answer.items.map((item) => item.visits).sort();
const filtered = (filter, login = "admin") =>
  w.acme.ok(login, "POST", `${LEADS}/query`, { filter, limit: 200 });

const CASES = [
  [{ source: "website" }, [1, 3, 5]],
  [{ source: { eq: "website" } }, [1, 3, 5]],
  [{ source: { ne: "website" } }, [2, 4, 6, 7, 8]],
  [{ source: ["event", "phone"] }, [2, 4]],
  [{ source: { in: ["event"] } }, [2]],
  [{ source: { nin: ["website", "event"] } }, [4, 6, 7, 8]],
  [{ source: null }, [6, 7, 8]],
  [{ source: { null: false } }, [1, 2, 3, 4, 5]],
  [{ visits: { gt: 6 } }, [7, 8]],
  [{ visits: { gte: 7 } }, [7, 8]],
  [{ visits: { lt: 3 } }, [1, 2]],
  [{ visits: { lte: 2 } }, [1, 2]],
  [{ visits: { between: [3, 5] } }, [3, 4, 5]],
  [{ visits: { gt: 2, lt: 5 } }, [3, 4]],
  [{ company: { prefix: "de" } }, [4]],
  [{ company: { contains: "ETA" } }, [2, 6, 7, 8]],
  [{ company: { contains: "100%" } }, [1]],
  [{ company: { contains: "%" } }, [1]],
  [{ tags: { has: "red" } }, [2, 3]],
  [{ not: { tags: { has: "red" } } }, [1, 4, 5, 6, 7, 8]],
  [{ or: [{ visits: 1 }, { source: "event" }] }, [1, 2]],
  [{ and: [{ source: "website" }, { grade: "a" }] }, [1, 3]],
  [{ not: { source: "website" } }, [2, 4, 6, 7, 8]],
  [{ estimated_amount: { gte: "2500.50" } }, [2, 5, 8]],
  [{ estimated_amount: { lt: "100" } }, [3, 6]],
  [{ estimated_amount: { minor: 10000, currency: "CNY" } }, [1]],
  [{ next_contact_at: { today: true } }, [5]],
  [{ next_contact_at: { next_days: 5 } }, [5, 6]],
  [{ next_contact_at: { last_days: 5 } }, [5, 7]],
  [{ do_not_call: true }, [4]],
  [{ status: "working" }, [8]],
  [{ "owner.login": "sales2" }, [2, 4, 6, 8]],
  [{}, [1, 2, 3, 4, 5, 6, 7, 8]],
];

for (const [filter, wanted] of CASES) {
  test(`filter ${JSON.stringify(filter)}`, async () => {
    assert.deepEqual(visits(await filtered(filter)), wanted);
    const listed = await w.acme.ok("admin", "GET", LEADS + query({ filter, limit: 200 }));
    assert.deepEqual(visits(listed), wanted, "the same as a parameter");
  });
}

test("variables stand for who asks", async () => {
  assert.deepEqual(visits(await filtered({ owner: "$me" }, "sales1")), [1, 3, 5, 7]);
  assert.deepEqual(
    visits(await filtered({ team: "$my_team" }, "sales2")),
    [1, 2, 3, 4, 5, 6, 7, 8],
  );
  assert.deepEqual(visits(await filtered({ department: "$my_subtree" }, "manager")).length, 8);
});

test("exists asks for records that point here", async () => {
  const path = "/api/v1/records/account/query";
  const found = await w.acme.ok("admin", "POST", path, {
    filter: { exists: { contact: { name: "甲" } } },
  });
  assert.deepEqual(
    found.items.map(({ id }) => id),
    [w.account.id],
  );
  const none = await w.acme.ok("admin", "POST", path, {
    filter: { exists: { contact: { name: "丙" } } },
  });
  assert.equal(none.items.length, 0);
});

test("paths and lookups filter through references", async () => {
  const path = "/api/v1/records/contact/query";
  const found = await w.acme.ok("admin", "POST", path, {
    filter: { "account.industry": "medical" },
  });
  assert.deepEqual(
    found.items.map(({ name }) => name),
    ["甲"],
  );
});

scenarios(w, [
  {
    name: "the short form of a filter",
    path: `${LEADS}?source=website&visits[gte]=3&sort=visits`,
    status: 200,
    check: ({ json }) =>
      assert.deepEqual(
        json.items.map((lead) => lead.visits),
        [3, 5],
      ),
  },
  {
    name: "the short form takes a list",
    path: `${LEADS}?source[in]=event,phone&sort=visits`,
    status: 200,
    check: ({ json }) =>
      assert.deepEqual(
        json.items.map((lead) => lead.visits),
        [2, 4],
      ),
  },
  {
    name: "sort by several keys",
    path: `${LEADS}?sort=-grade,visits&fields=visits,grade`,
    status: 200,
    check: ({ json }) => {
      const graded = json.items.filter((lead) => lead.grade).map((lead) => lead.visits);
      assert.deepEqual(graded, [7, 2, 1, 3]);
    },
  },
  {
    name: "Chinese names sort by their sound",
    path: `${LEADS}?sort=name&fields=name`,
    status: 200,
    check: ({ json }) => {
      const names = json.items.map((lead) => lead.name);
      assert.deepEqual(names, ["李四", "钱二", "孙三", "王八", "吴六", "赵一", "郑七", "周五"]);
    },
  },
  {
    name: "fields cuts the record",
    path: `${LEADS}?fields=name,visits&limit=1`,
    status: 200,
    check: ({ json }) => {
      const keys = Object.keys(json.items[0]).sort();
      assert.ok(keys.includes("name") && keys.includes("visits") && keys.includes("id"));
      assert.ok(!keys.includes("company") && !keys.includes("source"));
    },
  },
  {
    name: "expand shows the reference as an object",
    path: `${LEADS}?expand=owner&limit=1&sort=visits`,
    status: 200,
    check: ({ json }) => {
      assert.equal(json.items[0].owner.id, w.acme.users.sales1);
      assert.match(json.items[0].owner.title, /^sales1/);
    },
  },
  {
    name: "count is given when asked for",
    path: `${LEADS}?count=true&limit=2&source=website`,
    status: 200,
    check: ({ json }) => {
      assert.equal(json.count, 3);
      assert.equal(json.count_capped, false);
      assert.equal(json.items.length, 2);
    },
  },
  {
    name: "count is absent otherwise",
    path: LEADS,
    status: 200,
    check: ({ json }) => assert.ok(!("count" in json) || json.count === null),
  },
  {
    name: "an unknown field in a filter",
    path: `${LEADS}?colour=red`,
    status: 422,
    contains: "colour",
  },
  { name: "an unknown operator", path: `${LEADS}?visits[like]=3`, status: 422 },
  { name: "an unknown field to sort by", path: `${LEADS}?sort=colour`, status: 422 },
  { name: "an unknown field to show", path: `${LEADS}?fields=colour`, status: 422 },
  { name: "an unknown reference to expand", path: `${LEADS}?expand=colour`, status: 422 },
  {
    name: "a limit of nothing",
    path: `${LEADS}?limit=0`,
    status: 422,
    fields: { limit: "out_of_range" },
  },
  {
    name: "a limit beyond 200",
    path: `${LEADS}?limit=201`,
    status: 422,
    fields: { limit: "out_of_range" },
  },
  {
    name: "a limit that is none",
    path: `${LEADS}?limit=ten`,
    status: 422,
    fields: { limit: "not_a_number" },
  },
  { name: "a parameter twice", path: `${LEADS}?limit=1&limit=2`, status: 422 },
  { name: "a filter that is no JSON", path: `${LEADS}?filter={oops`, status: 400 },
  { name: "a value of another type", path: `${LEADS}?visits=many`, status: 422 },
  {
    name: "money is never a bare number",
    method: "POST",
    path: `${LEADS}/query`,
    body: { filter: { estimated_amount: { gt: 100 } } },
    status: 422,
  },
  {
    name: "a tree is not too deep",
    method: "POST",
    path: `${LEADS}/query`,
    body: { filter: Array.from({ length: 12 }).reduce((tree) => ({ not: tree }), { visits: 1 }) },
    status: 422,
  },
  {
    name: "in takes five hundred values and not one more",
    method: "POST",
    path: `${LEADS}/query`,
    body: { filter: { visits: { in: Array.from({ length: 501 }, (_, i) => i) } } },
    status: 422,
  },
  {
    name: "an unknown member of the query",
    method: "POST",
    path: `${LEADS}/query`,
    body: { filters: {} },
    status: 422,
    fields: { filters: "unknown_field" },
  },
  {
    name: "what looks like SQL is a value",
    path: `${LEADS}${query({ company: "x' OR '1'='1" })}`,
    status: 200,
    check: ({ json }) => assert.equal(json.items.length, 0),
  },
  {
    name: "what looks like SQL is no field",
    path: `${LEADS}${query({ sort: "name; DROP TABLE lead" })}`,
    status: 422,
  },
]);

/* Walks all the pages of a query and gives the records in order. */
async function walk(path, parameters, login = "admin") {
  const all = [];
  let cursor;
  for (let page = 0; page < 100; page++) {
    const answer = await w.acme.ok(
      login,
      "GET",
      path + query({ ...parameters, ...(cursor ? { cursor } : {}) }),
    );
    all.push(...answer.items);
    cursor = answer.next;
    if (!cursor) return all;
  }
  throw new Error("the pages have no end");
}

for (const sort of [
  "visits",
  "-visits",
  "-grade,visits",
  "grade",
  "source,-visits",
  "name",
  "-estimated_amount",
]) {
  test(`paging by ${sort} gives the whole set without gaps or repeats`, async () => {
    const whole = (await walk(LEADS, { sort, limit: 200 })).map(({ id }) => id);
    assert.equal(whole.length, SOME.length);
    for (const limit of [1, 3, 8]) {
      const paged = (await walk(LEADS, { sort, limit })).map(({ id }) => id);
      assert.deepEqual(paged, whole, `limit ${limit}`);
    }
  });
}

test("a cursor that was edited, or of another query, is 400", async () => {
  const first = await w.acme.ok("admin", "GET", `${LEADS}?limit=2&sort=visits`);
  const cursor = first.next;
  assert.ok(cursor);
  const ask = (more) =>
    w.acme.as("admin", "GET", LEADS + query({ limit: 2, sort: "visits", ...more }));
  assert.equal((await ask({ cursor })).status, 200);
  for (let at = 0; at < cursor.length; at += Math.ceil(cursor.length / 12)) {
    const other = cursor[at] === "A" ? "B" : "A";
    const edited = cursor.slice(0, at) + other + cursor.slice(at + 1);
    const answer = await ask({ cursor: edited });
    assert.equal(answer.status, 400, `byte ${at}: ${answer.text.slice(0, 200)}`);
    assert.equal(answer.json.error.code, "bad_cursor");
  }
  for (const more of [{ sort: "-visits" }, { source: "website" }]) {
    assert.equal((await ask({ cursor, ...more })).status, 400, JSON.stringify(more));
  }
  assert.equal((await ask({ cursor: cursor.slice(0, -2) })).status, 400);
  assert.equal((await ask({ cursor: "AAAA" })).status, 400);
  const there = await w.globex.as(
    "admin",
    "GET",
    LEADS + query({ limit: 2, sort: "visits", cursor }),
  );
  assert.equal(there.status, 400, "a cursor of another company");
});

test("records that come and go while paging neither repeat nor hide others", async () => {
  const path = "/api/v1/records/greeting";
  const made = [];
  for (const [times, name] of [..."abcdef"].entries()) {
    made.push(await w.acme.create("admin", "greeting", { name, times }));
  }
  const first = await w.acme.ok("admin", "GET", `${path}?sort=times&limit=3`);
  await w.acme.as("admin", "DELETE", `${path}/${made[1].id}`);
  await w.acme.create("admin", "greeting", { name: "late", times: 0 });
  const rest = await w.acme.ok(
    "admin",
    "GET",
    `${path}${query({ sort: "times", limit: 50, cursor: first.next })}`,
  );
  assert.deepEqual(
    rest.items.map(({ name }) => name),
    ["d", "e", "f"],
  );
});

test("the recycle bin lists what was deleted", async () => {
  const path = "/api/v1/records/greeting";
  const bin = await w.acme.ok("admin", "GET", `${path}?deleted=true`);
  assert.deepEqual(
    bin.items.map(({ name }) => name),
    ["b"],
  );
});

test("group and measure", async () => {
  const body = {
    group: ["source"],
    measure: ["count", "sum.visits"],
    filter: { visits: { lte: 8 } },
  };
  const { groups } = await w.acme.ok("admin", "POST", `${LEADS}/query`, body);
  const by = Object.fromEntries(
    groups.map((row) => [row.source, [row.count, Number(row["sum.visits"])]]),
  );
  assert.deepEqual(by, { website: [3, 9], event: [1, 2], phone: [1, 4], null: [3, 21] });
  const having = await w.acme.ok("admin", "POST", `${LEADS}/query`, {
    ...body,
    having: { count: { gte: 3 } },
  });
  assert.equal(having.groups.length, 2);
  const money = await w.acme.ok("admin", "POST", `${LEADS}/query`, {
    measure: ["sum.estimated_amount", "count"],
  });
  assert.equal(money.groups.length, 1);
  assert.ok(JSON.stringify(money.groups[0]).includes("22640.49"), JSON.stringify(money));
  const month = await w.acme.ok("admin", "POST", `${LEADS}/query`, {
    group: [{ f: "created_at", by: "month" }],
    measure: ["count"],
  });
  assert.equal(
    month.groups.reduce((sum, row) => sum + row.count, 0),
    8,
  );
});

test("a board has its columns with counts, sums and first items", async () => {
  const body = { group_by: "grade", limit: 1, sum: "visits", sort: "visits" };
  const { columns } = await w.acme.ok("admin", "POST", `${LEADS}/board`, body);
  const a = columns.find(({ value }) => value === "a");
  assert.equal(a.count, 2);
  assert.equal(Number(a.sum), 4);
  assert.deepEqual(
    a.items.map((lead) => lead.visits),
    [1],
  );
  const more = await w.acme.ok("admin", "POST", `${LEADS}/board`, {
    ...body,
    column: "a",
    cursor: a.next,
  });
  assert.deepEqual(
    more.columns[0].items.map((lead) => lead.visits),
    [3],
  );
});

test("several queries in one call, each with its own fate", async () => {
  const queries = [
    { entity: "lead", filter: { source: "event" } },
    { entity: "lead", filter: { colour: 1 } },
    { entity: "nothing" },
    { entity: "contact", measure: ["count"] },
  ];
  const answer = await w.acme.as("admin", "POST", "/api/v1/queries", { body: { queries } });
  assert.equal(answer.status, 200, answer.text);
  const [first, second, third, fourth] = answer.json.results;
  assert.equal(first.items.length, 1);
  assert.equal(second.error.code, "validation_failed");
  assert.equal(third.error.code, "not_found");
  assert.equal(fourth.groups[0].count, 2);
  const many = { queries: Array.from({ length: 21 }, () => ({ entity: "lead" })) };
  assert.equal((await w.acme.as("admin", "POST", "/api/v1/queries", { body: many })).status, 422);
});
