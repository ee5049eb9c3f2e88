// values - what fields take, keep to the last digit, and refuse.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { query } from "../kit/client.mjs";
import { world } from "../kit/world.mjs";

const LEADS = "/api/v1/records/lead";
const w = world();
const post = (body, entity = "lead") =>
  w.acme.as("sales1", "POST", `/api/v1/records/${entity}`, { body: { name: "value", ...body } });

const KEPT = [
  ["a whole number of 64 bits", { visits: "9007199254740993" }, /"visits":9007199254740993\b/],
  [
    "the largest amount",
    { estimated_amount: '{"amount":"92233720368547758.07","currency":"CNY"}' },
    /"92233720368547758\.07"/,
  ],
  [
    "an amount without decimals",
    { estimated_amount: '{"amount":"5","currency":"CNY"}' },
    /"amount":"5\.00"/,
  ],
  [
    "a currency without decimals",
    { estimated_amount: '{"amount":"500","currency":"JPY"}' },
    /"amount":"500","currency":"JPY"/,
  ],
  ["a decimal of its scale", { page_views: '"0.10"' }, /"page_views":"0\.10"/],
  [
    "a leap day",
    { next_contact_at: '"2028-02-29T23:59:59.999+14:00"' },
    /"2028-02-29T09:59:59\.999Z"/,
  ],
  [
    "an offset behind",
    { next_contact_at: '"2026-01-01T00:00:00-05:30"' },
    /"2026-01-01T05:30:00\.000Z"/,
  ],
];
for (const [what, members, wanted] of KEPT) {
  test(`${what} is kept exactly`, async () => {
    const text = Object.entries(members).map(([name, value]) => `"${name}":${value}`);
    const body = `{"name":"value",${text}}`;
    const answer = await w.acme.as("sales1", "POST", LEADS, { body });
    assert.equal(answer.status, 201, answer.text);
    assert.match(answer.text, wanted);
    const read = await w.acme.as("sales1", "GET", `${LEADS}/${answer.json.id}`);
    assert.match(read.text, wanted);
  });
}

const money = (amount, currency = "CNY") => ({ estimated_amount: { amount, currency } });
const REFUSED = [
  ["money with an exponent", money("1e5")],
  ["money with thousands marks", money("1,000.00")],
  ["money with too many decimals", money("1.005")],
  ["money beyond 64 bits", money("92233720368547758.08")],
  ["money below its bound", money("-0.01")],
  ["money in no currency", money("1.00", "QQQ")],
  ["money without its currency's name", money("1.00", 7)],
  ["money with another member", { estimated_amount: { amount: "1.00", currency: "CNY", tax: 1 } }],
  ["a whole number with a fraction", { visits: 1.5 }],
  ["a whole number as a list", { visits: [1] }],
  ["a day that is none", { next_contact_at: "2026-02-30T00:00:00Z" }],
  ["an hour that is none", { next_contact_at: "2026-02-03T24:30:00Z" }],
  ["a time as a number", { next_contact_at: 1770000000 }],
  ["a truth as a word nobody knows", { do_not_call: "perhaps" }],
  ["a text as an object", { company: { name: "x" } }],
  ["an e-mail without its host", { emails: ["someone@"] }],
  ["an e-mail with a line break", { emails: ["a@b.com\r\nBcc: c@d.com"] }],
  ["a list of lists", { phones: [["13800138000"]] }],
  ["a phone that is a word", { phones: ["call me"] }],
  ["a value of no dictionary", { region: "atlantis" }],
  ["an id of another kind", { duplicate_of: "0000000000001" }],
  ["an empty name of a field", { "": 1 }],
  ["a name with a path", { "owner.name": "x" }],
  ["the prototype", { __proto__x: 1 }],
];
for (const [what, body] of REFUSED) {
  test(`${what} is refused at its field`, async () => {
    const answer = await post(body);
    assert.equal(answer.status, 422, answer.text);
    const [name] = Object.keys(body);
    const named = Object.keys(answer.json.error.fields);
    assert.ok(named.length === 1 && named[0].startsWith(name), `${name}: ${answer.text}`);
  });
}

test("a birthday is a day, without hours or zones", async () => {
  const made = await post({ birthday: "1990-02-28" }, "contact");
  assert.equal(made.json.birthday, "1990-02-28", made.text);
  for (const birthday of ["1990-02-29", "1990-2-3", "28.02.1990", "1990-02-28T00:00:00Z"]) {
    assert.equal((await post({ birthday }, "contact")).status, 422, birthday);
  }
});

/* Texts that have broken other programs: they come back as they went in; searching them ends. */
const ODD = [
  "undefined",
  "null",
  "true",
  "0x10",
  "1/0",
  "' OR 1=1 --",
  "'; DROP TABLE lead; --",
  "<script>alert(1)</script>",
  "${7*7} {{7*7}}",
  "%s%n%x%d",
  "../../../../etc/passwd",
  "\\\\server\\share",
  "C:\\x",
  "line one\nline two\ttab",
  "\u202eright to left",
  "a\u200bb\ufeffc",
  "é and e\u0301",
  "𠮷野家 👩‍👩‍👧‍👦 🏳️‍🌈",
  "﷽ ﷽ ﷽",
  "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L",
  "ÅÄÖ åäö ß ſ İ ı",
  "!!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
  "NEAR AND OR NOT *",
  "张".repeat(100),
  "a".repeat(100),
  "重庆 单于 曾 仇 尉迟",
];
test("odd texts come back as they went in, are found again and break nothing", async () => {
  for (const text of ODD) {
    const made = await post({ name: text.slice(0, 100), original_message: text });
    assert.equal(made.status, 201, `${text}: ${made.text}`);
    const read = await w.acme.ok("sales1", "GET", `${LEADS}/${made.json.id}`);
    assert.equal(read.original_message, text);
    const found = await w.acme.as(
      "sales1",
      "GET",
      `/api/v1/search${query({ q: text.slice(0, 200) })}`,
    );
    assert.equal(found.status, 200, `${text}: ${found.text}`);
    const listed = await w.acme.as("sales1", "GET", LEADS + query({ filter: { name: read.name } }));
    assert.ok(
      listed.json.items.some(({ id }) => id === made.json.id),
      text,
    );
  }
});

test("what a filter takes for a pattern is only text", async () => {
  await post({ company: "50% off_today\\now" });
  const finds = async (contains) => {
    const path = LEADS + query({ filter: { company: { contains } } });
    return (await w.acme.ok("sales1", "GET", path)).items.length;
  };
  for (const text of ["50%", "off_", "\\now"]) assert.equal(await finds(text), 1, text);
  for (const text of ["5%off", "off-today", "o_f", "*", "?"])
    assert.equal(await finds(text), 0, text);
});

test("a reply in JSON stays JSON whatever is in it; control characters are left out", async () => {
  const made = await post({ name: '</script>\u2028\u2029"\\\u0007\u001f.' });
  assert.equal(made.status, 201, made.text);
  assert.doesNotMatch(made.text, /[\u0000-\u001f]/);
  assert.match(made.json.name, /^<\/script>.*"\\ ?\.$/s);
});

test("a zero byte and a number beyond 64 bits are no JSON of ours", async () => {
  for (const value of ['"a\\u0000b"', "18446744073709551616", "1e400", "-0x1", "01", "1."]) {
    const body = `{"name":"x","visits":${value}}`;
    const answer = await w.acme.as("sales1", "POST", LEADS, { body });
    assert.ok([400, 422].includes(answer.status), `${value}: ${answer.text}`);
  }
});

test("the forms that spreadsheets and people use are understood", async () => {
  const body = {
    estimated_amount: "1234.5",
    do_not_call: "是",
    next_contact_at: "2026-02-03 10:00",
    emails: "a@example.com",
    visits: "12",
  };
  const { json } = await post(body);
  assert.deepEqual(json.estimated_amount, { amount: "1234.50", currency: "CNY" });
  assert.equal(json.do_not_call, true);
  assert.equal(json.next_contact_at, "2026-02-03T02:00:00.000Z", "in the company's time zone");
  assert.deepEqual(json.emails, ["a@example.com"]);
  assert.equal(json.visits, 12);
});
