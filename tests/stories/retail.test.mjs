// retail - a chain of shops turns the retail plugin on, sells, turns it off and on again.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { PASSWORD, world } from "../kit/world.mjs";

const w = world();
const PURCHASES = "/api/v1/records/retail_purchase";
const cny = (amount) => ({ amount, currency: "CNY" });
const day = (offset) =>
  new Date(Date.now() + 8 * 3600e3 + offset * 864e5).toISOString().slice(0, 10);

test("a chain of shops", async (t) => {
  const { acme, globex, server } = w;
  let east, customer, promotion, purchase;

  await t.test("one command turns it on, for this company alone", async () => {
    server.must(["plugin", "enable", "acme", "industry_retail"]);
    const meta = await acme.ok("admin", "GET", "/api/v1/meta");
    assert.ok(meta.entities.some(({ name }) => name === "retail_purchase"));
    assert.equal((await globex.as("admin", "GET", PURCHASES)).status, 404);
    const list = await acme.ok("admin", "GET", "/api/v1/admin/plugins");
    const mine = list.items.find(({ id }) => id === "industry_retail");
    assert.deepEqual([mine.layer, mine.state, mine.warnings], ["industry", "enabled", []]);
  });

  await t.test("departments are stores now, in both languages", async () => {
    for (const [lang, words] of [
      ["zh-CN", ["门店", "顾客"]],
      ["en", ["Store", "Customer"]],
    ]) {
      const headers = { "accept-language": lang };
      const seen = [];
      for (const entity of ["department", "contact"]) {
        const answer = await acme.as("admin", "GET", `/api/v1/meta/${entity}`, { headers });
        seen.push(answer.json.label);
      }
      assert.deepEqual(seen, words);
    }
    east = acme.departments.sales;
    const path = `/api/v1/records/department/${east}`;
    const shop = { industry_retail_code: "SH-001", industry_retail_kind: "own" };
    assert.equal((await acme.ok("admin", "PATCH", path, shop)).industry_retail_code, "SH-001");
  });

  await t.test("staff get the roles that came with it", async () => {
    const place = { department: east, password: PASSWORD };
    for (const [login, role] of [
      ["clerk", "store_clerk"],
      ["keeper", "store_manager"],
    ]) {
      const body = { login, name: login, roles: [role], ...place };
      await acme.ok("admin", "POST", "/api/v1/admin/users", body);
    }
    const promotionBody = {
      name: "会员日",
      starts_on: day(-3),
      ends_on: day(3),
      kind: "percent",
      percent: 20,
      least: cny("100.00"),
    };
    promotion = await acme.create("keeper", "retail_promotion", promotionBody);
    const late = { ...promotionBody, ends_on: day(-5) };
    const refused = await acme.as("keeper", "POST", "/api/v1/records/retail_promotion", {
      body: late,
    });
    assert.equal(refused.status, 422, refused.text);
    const wrong = await acme.as("clerk", "POST", "/api/v1/records/retail_promotion", {
      body: promotionBody,
    });
    assert.equal(wrong.status, 403, wrong.text);
  });

  await t.test("a clerk sells; the promotion is worked out and summed up", async () => {
    customer = await acme.create("clerk", "contact", { name: "王芳", phones: ["13800138111"] });
    purchase = await acme.create("clerk", "retail_purchase", {
      contact: customer.id,
      store: east,
      category: "clothing",
      amount: cny("250.00"),
      promotion: promotion.id,
    });
    assert.equal(purchase.discount.amount, "50.00");
    assert.equal(purchase.paid.amount, "200.00");
    assert.match(purchase.number, /^XF\d{8}-00001$/);
    const small = { contact: customer.id, amount: cny("30.00"), promotion: promotion.id };
    const refused = await acme.as("clerk", "POST", PURCHASES, { body: small });
    assert.equal(
      refused.json.error.fields.promotion[0].code,
      "industry_retail:promotion_too_little",
    );
    const seen = await acme.ok("clerk", "GET", `/api/v1/records/contact/${customer.id}`);
    assert.deepEqual(
      [seen.industry_retail_purchases, seen.industry_retail_spent.amount],
      [1, "200.00"],
    );
    const kept = await acme.ok("keeper", "GET", `/api/v1/records/retail_promotion/${promotion.id}`);
    assert.deepEqual([kept.uses, kept.given.amount], [1, "50.00"]);
  });

  await t.test("a return has its reason and its time", async () => {
    const path = `${PURCHASES}/${purchase.id}`;
    const bare = await acme.as("clerk", "PATCH", path, { body: { status: "returned" } });
    assert.equal(bare.status, 422, bare.text);
    const old = await acme.create("clerk", "retail_purchase", {
      contact: customer.id,
      amount: cny("10.00"),
      bought_on: day(-30),
    });
    const late = await acme.as("clerk", "PATCH", `${PURCHASES}/${old.id}`, {
      body: { status: "returned", return_reason: "size" },
    });
    assert.equal(late.json.error.fields.status[0].code, "industry_retail:return_too_late");
    await acme.ok("clerk", "PATCH", path, { status: "returned", return_reason: "size" });
    const seen = await acme.ok("clerk", "GET", `/api/v1/records/contact/${customer.id}`);
    assert.equal(seen.industry_retail_spent.amount, "10.00");
  });

  await t.test("turned off it is out of sight, turned on everything is back", async () => {
    server.must(["plugin", "disable", "acme", "industry_retail"]);
    assert.equal((await acme.as("admin", "GET", PURCHASES)).status, 404);
    const bare = await acme.ok("admin", "GET", `/api/v1/records/contact/${customer.id}`);
    assert.equal(bare.industry_retail_spent, undefined);
    const meta = await acme.as("admin", "GET", "/api/v1/meta/department", {
      headers: { "accept-language": "zh-CN" },
    });
    assert.equal(meta.json.label, "部门");
    server.must(["plugin", "enable", "acme", "industry_retail"]);
    const list = await acme.ok("admin", "GET", `${PURCHASES}?count=true`);
    assert.equal(list.count, 2);
    const back = await acme.ok("admin", "GET", `/api/v1/records/contact/${customer.id}`);
    assert.equal(back.industry_retail_spent.amount, "10.00");
    const shop = await acme.ok("admin", "GET", `/api/v1/records/department/${east}`);
    assert.equal(shop.industry_retail_code, "SH-001");
  });
});
