// points - a shop's members earn, spend and return points, and the ledger adds up after each step.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { checkDamaged, hasSqlite } from "../kit/damage.mjs";
import { bundle, packed } from "../kit/pack.mjs";
import { DATASETS, must } from "../kit/server.mjs";
import { world } from "../kit/world.mjs";

const RECORDS = "/api/v1/records";
const w = world({
  setup: async ({ server }) => {
    for (const name of ["acme", "globex"])
      must(server.data, ["plugin", "enable", name, "membership"]);
  },
});

const yuan = (amount) => ({ amount, currency: "CNY" });
const day = (shift) =>
  new Date(Date.now() + shift * 86400e3 + 8 * 3600e3).toISOString().slice(0, 10);

async function all(tenant, entity) {
  const items = [];
  for (let next = ""; next !== null;) {
    const page = await tenant.ok("admin", "GET", `${RECORDS}/${entity}?limit=200${next}`);
    items.push(...page.items);
    next = page.next && `&cursor=${encodeURIComponent(page.next)}`;
  }
  return items;
}

const act = (tenant, login, entity, id, action, body = {}) =>
  tenant.as(login, "POST", `${RECORDS}/${entity}/${id}/actions/${action}`, { body });

async function done(tenant, entity, id, action, body) {
  const answer = await act(tenant, "admin", entity, id, action, body);
  assert.equal(answer.status, 200, `${action}: ${answer.text}`);
  return answer.json;
}

async function refused(tenant, entity, id, action, body, field) {
  const answer = await act(tenant, "admin", entity, id, action, body);
  assert.equal(answer.status, 422, `${action}: ${answer.text}`);
  assert.deepEqual(Object.keys(answer.json.error.fields), [field]);
}

const sum = (rows, field) => rows.reduce((total, row) => total + row[field], 0);
const of = (rows, field, id) => rows.filter((row) => row[field] === id);

function checkChain(member, entries) {
  let [balance, pending, hash] = [0, 0, null];
  entries.sort((a, b) => a.seq - b.seq);
  for (const [at, entry] of entries.entries()) {
    balance += entry.points;
    pending += entry.pending_points;
    assert.deepEqual(
      [entry.seq, entry.balance_after, entry.pending_after, entry.previous_hash],
      [at + 1, balance, pending, hash],
    );
    hash = entry.hash;
    assert.match(hash, /^[0-9a-f]{64}$/);
    const text = [entry.previous_hash ?? "", member.id, entry.seq, entry.kind, entry.points];
    text.push(entry.pending_points, balance, pending, entry.created_at_day, entry.key ?? "");
    assert.equal(hash, createHash("sha256").update(text.join("|")).digest("hex"));
  }
  assert.deepEqual([member.entry_seq, member.entry_hash], [entries.length, hash]);
}

/** Every invariant of the ledger, over everything there is. */
async function check(tenant) {
  const [members, entries, lots, draws, holds] = await Promise.all(
    ["member", "points_entry", "points_lot", "points_draw", "points_hold"].map((entity) =>
      all(tenant, entity),
    ),
  );
  for (const entry of entries) {
    const at = new Date(Date.parse(entry.created_at) + 8 * 3600e3);
    entry.created_at_day = at.toISOString().slice(0, 10);
    assert.equal(sum(of(draws, "entry", entry.id), "points"), entry.points + entry.pending_points);
  }
  for (const lot of lots) {
    assert.equal(sum(of(draws, "lot", lot.id), "points"), lot.remaining, `lot ${lot.id}`);
    assert.ok(lot.state === "debt" ? lot.remaining <= 0 : lot.remaining >= 0);
    assert.ok(lot.source === "debt" || lot.remaining <= lot.initial);
    assert.ok(["active", "pending", "debt"].includes(lot.state) || lot.remaining === 0);
  }
  for (const member of members) {
    const own = of(lots, "member", member.id);
    const active = own.filter(({ state }) => state === "active" || state === "debt");
    checkChain(member, of(entries, "member", member.id));
    assert.equal(sum(active, "remaining"), member.balance, `lots of ${member.name}`);
    assert.equal(sum(of(own, "state", "pending"), "remaining"), member.pending);
    const held = of(of(holds, "member", member.id), "state", "held");
    assert.equal(sum(held, "points"), member.held);
    assert.equal(member.available, member.balance - member.held);
    assert.ok(member.debt >= 0);
  }
  return { members: members.length, entries: entries.length };
}

/** Asks until the answer will do. */
async function until(ask, fits) {
  for (;;) {
    const told = await ask();
    if (fits(told)) return told;
    await new Promise((next) => setTimeout(next, 20));
  }
}

const member = async (tenant, program, name, more = {}) =>
  (await tenant.create("admin", "member", { name, program, ...more })).id;
const read = (tenant, id) => tenant.ok("admin", "GET", `${RECORDS}/member/${id}`);
const buy = (tenant, id, amount, more = {}) =>
  tenant.create("admin", "purchase", { member: id, amount: yuan(amount), ...more });

test("points of two companies", async (t) => {
  const { acme, globex } = w;
  const program = (
    await acme.create("admin", "program", {
      name: "会员积分",
      points_per_unit: "1.5",
      expiry: "days",
      expiry_span: 365,
      transfer_allowed: true,
      point_value: yuan("0.01"),
    })
  ).id;
  for (const [name, threshold, multiplier] of [
    ["银卡", 0, "1"],
    ["金卡", 1000, "2"],
  ]) {
    await acme.create("admin", "tier", { name, program, threshold, multiplier });
  }
  const zhang = await member(acme, program, "张伟", { phone: "13800138000" });

  await t.test("a purchase earns by the rate, rounded down, once", async () => {
    const { id } = await buy(acme, zhang, "33.35");
    const purchase = await acme.ok("admin", "GET", `${RECORDS}/purchase/${id}`);
    assert.equal(purchase.points, 50); // 50.025
    assert.equal((await read(acme, zhang)).balance, 50);
    const fixed = await acme.as("admin", "PATCH", `${RECORDS}/purchase/${id}`, {
      body: { amount: yuan("99.00") },
    });
    assert.equal(fixed.status, 422);
    await check(acme);
  });

  await t.test("redeeming draws the soonest expiring lot first and never too much", async () => {
    await buy(acme, zhang, "100.00", { bought_on: day(-300) });
    const { balance } = await done(acme, "member", zhang, "redeem", { points: 160, key: "r1" });
    assert.equal(balance, 40);
    const lots = of(await all(acme, "points_lot"), "member", zhang);
    const left = lots.map(({ initial, remaining, state }) => [initial, remaining, state]);
    assert.deepEqual(
      left.sort((a, b) => a[0] - b[0]),
      [
        [50, 40, "active"],
        [150, 0, "spent"],
      ],
    );
    await refused(acme, "member", zhang, "redeem", { points: 41 }, "points");
    for (const points of [0, -5, 1.5, "7", null]) {
      await refused(acme, "member", zhang, "redeem", { points }, "points");
    }
  });

  await t.test("the same key gives the same answer and no second entry", async () => {
    const before = await all(acme, "points_entry");
    const again = await done(acme, "member", zhang, "redeem", { points: 160, key: "r1" });
    assert.equal(again.points, -160);
    await refused(acme, "member", zhang, "redeem", { points: 10, key: "r1" }, "key");
    assert.equal((await all(acme, "points_entry")).length, before.length);
  });

  await t.test("a redemption given back returns to its lots; more than it cannot", async () => {
    const entry = (await all(acme, "points_entry")).find(({ key }) => key === "redeem:r1");
    await done(acme, "points_entry", entry.id, "give_back", { points: 60, key: "b1" });
    await done(acme, "points_entry", entry.id, "give_back", { points: 60, key: "b1" });
    await refused(acme, "points_entry", entry.id, "give_back", { points: 101 }, "points");
    await done(acme, "points_entry", entry.id, "give_back", {});
    assert.equal((await read(acme, zhang)).balance, 200);
    const lots = of(await all(acme, "points_lot"), "member", zhang);
    assert.ok(lots.every(({ initial, remaining }) => initial === remaining));
    await check(acme);
  });

  await t.test("points that expired before today are booked out at once", async () => {
    const id = await member(acme, program, "李娜");
    await buy(acme, id, "100.00", { bought_on: day(-400) });
    const { balance, lifetime_earned } = await read(acme, id);
    assert.deepEqual([balance, lifetime_earned], [0, 150]);
    const kinds = of(await all(acme, "points_entry"), "member", id).map(({ kind }) => kind);
    assert.deepEqual(kinds.sort(), ["earn", "expire"]);
    await check(acme);
  });

  await t.test(
    "a return takes points back in proportion, and owed ones from the next",
    async () => {
      const id = await member(acme, program, "王芳");
      const bought = await buy(acme, id, "100.00");
      const ask = { amount: "33.33", key: "f1" };
      const first = await done(acme, "purchase", bought.id, "refund", ask);
      assert.deepEqual(await done(acme, "purchase", bought.id, "refund", ask), first);
      assert.equal((await read(acme, id)).balance, 101); // 150 - floor(49.995)
      await done(acme, "member", id, "redeem", { points: 100 });
      const rest = await done(acme, "purchase", bought.id, "refund", {});
      assert.deepEqual([rest.reversed, rest.balance, rest.debt], [101, 0, 100]);
      await refused(acme, "purchase", bought.id, "refund", { amount: "0.01" }, "amount");
      await buy(acme, id, "100.00");
      const after = await read(acme, id);
      assert.deepEqual([after.balance, after.debt], [50, 0]);
      await check(acme);
    },
  );

  await t.test("a program may let the balance go below zero, or refuse the return", async () => {
    for (const [debt, balance] of [
      ["negative", -100],
      ["block", 50],
    ]) {
      const other = (await acme.create("admin", "program", { name: debt, debt })).id;
      const id = await member(acme, other, debt);
      const bought = await buy(acme, id, "150.00");
      await done(acme, "member", id, "redeem", { points: 100 });
      const answer = await act(acme, "admin", "purchase", bought.id, "refund", {});
      assert.equal(answer.status, debt === "block" ? 422 : 200, answer.text);
      assert.equal((await read(acme, id)).balance, balance);
      await buy(acme, id, "120.00");
      assert.equal((await read(acme, id)).balance, balance + 120);
    }
    await check(acme);
  });

  await t.test("holds lower what can be spent, not the balance", async () => {
    const id = await member(acme, program, "赵敏");
    await buy(acme, id, "100.00");
    const held = await done(acme, "member", id, "hold", { points: 100, key: "h" });
    assert.deepEqual(await done(acme, "member", id, "hold", { points: 100, key: "h" }), held);
    assert.deepEqual([held.balance, held.available], [150, 50]);
    await refused(acme, "member", id, "redeem", { points: 51 }, "points");
    await refused(acme, "points_hold", held.hold, "capture", { points: 101 }, "points");
    const spent = await done(acme, "points_hold", held.hold, "capture", { points: 80 });
    assert.deepEqual([spent.balance, spent.available, spent.state], [70, 70, "captured"]);
    await refused(acme, "points_hold", held.hold, "release", {}, "state");
    const other = await done(acme, "member", id, "hold", { points: 70 });
    const freed = await done(acme, "points_hold", other.hold, "release", {});
    assert.deepEqual([freed.available, freed.state], [70, "released"]);
    await check(acme);
  });

  await t.test("points of the first days wait, and are seen but not spent", async () => {
    const later = (await acme.create("admin", "program", { name: "later", lock_days: 7 })).id;
    const id = await member(acme, later, "周杰");
    await buy(acme, id, "10.00");
    const bought = await buy(acme, id, "20.00", { bought_on: day(-8) });
    const { balance, pending } = await read(acme, id);
    assert.deepEqual([balance, pending, bought.points], [20, 10, 20]);
    await refused(acme, "member", id, "redeem", { points: 21 }, "points");
    await check(acme);
  });

  await t.test("tiers follow what was earned, not what is left", async () => {
    const id = await member(acme, program, "吴磊");
    const tier = async () => {
      const { items } = await acme.ok("admin", "GET", `${RECORDS}/tier?program=${program}`);
      const own = (await read(acme, id)).tier;
      return items.find((one) => one.id === own)?.name;
    };
    assert.equal(await tier(), "银卡");
    await buy(acme, id, "700.00");
    assert.equal(await tier(), "金卡");
    await done(acme, "member", id, "redeem", { points: 1000 });
    await done(acme, "member", id, "evaluate", {});
    assert.equal(await tier(), "金卡");
    assert.equal((await buy(acme, id, "10.00")).points, 30);
  });

  await t.test("rewards have stock and limits, and canceling gives points back", async () => {
    const id = await member(acme, program, "郑爽");
    await buy(acme, id, "1000.00");
    const before = (await read(acme, id)).balance;
    const reward = await acme.create("admin", "reward", {
      name: "保温杯",
      program,
      kind: "gift",
      points: 100,
      stock: 1,
    });
    const exchange = { reward: reward.id, key: "x1" };
    const got = await done(acme, "member", id, "exchange", exchange);
    assert.deepEqual(await done(acme, "member", id, "exchange", exchange), got);
    await refused(acme, "member", id, "exchange", { reward: reward.id }, "reward");
    const { balance } = await done(acme, "redemption", got.redemption, "cancel", {});
    assert.equal(balance, before);
    await done(acme, "redemption", got.redemption, "cancel", {});
    assert.equal((await acme.ok("admin", "GET", `${RECORDS}/reward/${reward.id}`)).stock, 1);
    const coupon = await acme.create("admin", "reward", {
      name: "十元券",
      program,
      kind: "coupon",
      points: 100,
      worth: yuan("10.00"),
    });
    const bought = await done(acme, "member", id, "exchange", { reward: coupon.id });
    const { items } = await acme.ok("admin", "GET", `${RECORDS}/coupon?code=${bought.coupon}`);
    await refused(acme, "coupon", items[0].id, "use", { member: zhang }, "member");
    assert.equal((await done(acme, "coupon", items[0].id, "use", { member: id })).left, 0);
    await refused(acme, "coupon", items[0].id, "use", { member: id }, "state");
    await check(acme);
  });

  await t.test(
    "points move to another card with the expiry they have; a merge ends one",
    async () => {
      const [a, b] = [await member(acme, program, "甲"), await member(acme, program, "乙")];
      await buy(acme, a, "100.00", { bought_on: day(-100) });
      const gift = { to: b, points: 50, key: "t1" };
      const given = await done(acme, "member", a, "transfer", gift);
      assert.deepEqual(await done(acme, "member", a, "transfer", gift), given);
      await refused(acme, "member", a, "transfer", { to: a, points: 1 }, "to");
      const lots = await all(acme, "points_lot");
      const until = new Set(
        [...of(lots, "member", a), ...of(lots, "member", b)].map((l) => l.expires_on),
      );
      assert.equal(until.size, 1);
      await done(acme, "member", a, "merge", { into: b });
      await done(acme, "member", a, "merge", { into: b });
      assert.deepEqual(
        [(await read(acme, a)).status, (await read(acme, b)).balance],
        ["closed", 150],
      );
      const closed = await acme.as("admin", "POST", `${RECORDS}/purchase`, {
        body: { member: a, amount: yuan("1.00") },
      });
      assert.equal(closed.status, 422);
      await check(acme);
    },
  );

  await t.test(
    "Balance check, lot draw and entry are one atomic step per member; concurrent redeems " +
      "cannot overdraw.",
    async () => {
      const id = await member(acme, program, "孙悦");
      await done(acme, "member", id, "adjust", { points: 1005, reason: "期初" });
      const answers = await Promise.all(
        Array.from({ length: 200 }, () =>
          act(acme, "admin", "member", id, "redeem", { points: 10 }),
        ),
      );
      const codes = answers.map(({ status }) => status);
      assert.equal(codes.filter((status) => status === 200).length, 100);
      assert.equal(codes.filter((status) => status === 422).length, 100);
      assert.equal((await read(acme, id)).balance, 5);
      await check(acme);
    },
  );

  await t.test("nobody writes the ledger by hand", async () => {
    const [entry] = await all(acme, "points_entry");
    const [lot] = await all(acme, "points_lot");
    const tries = [
      ["PATCH", `points_entry/${entry.id}`, { points: 1000 }],
      ["DELETE", `points_entry/${entry.id}`],
      ["POST", "points_entry", { member: zhang, kind: "earn", points: 5, pending_points: 0 }],
      ["PATCH", `points_lot/${lot.id}`, { remaining: 1000 }],
      ["DELETE", `points_lot/${lot.id}`],
      ["PATCH", `member/${zhang}`, { balance: 1000000 }],
      ["DELETE", `member/${zhang}`],
      ["POST", "points_hold", { member: zhang, points: 5, state: "held" }],
    ];
    for (const [method, path, body] of tries) {
      const { status, text } = await acme.as("admin", method, `${RECORDS}/${path}`, { body });
      assert.ok(status >= 400 && status < 500, `${method} ${path}: ${status} ${text}`);
    }
    await check(acme);
  });

  await t.test(
    "a chain's purchases earn on the customer's card, and returns take back",
    async () => {
      must(w.server.data, ["plugin", "enable", "acme", "industry_retail"]);
      const contact = (await acme.create("admin", "contact", { name: "钱多多" })).id;
      const id = await member(acme, program, "钱多多", { contact });
      const sold = await acme.create("admin", "retail_purchase", {
        contact,
        amount: yuan("100.00"),
      });
      assert.equal((await read(acme, id)).balance, 150);
      const path = `${RECORDS}/retail_purchase/${sold.id}`;
      const dearer = { body: { amount: yuan("200.00") } };
      assert.equal((await acme.as("admin", "PATCH", path, dearer)).status, 422);
      const back = { status: "returned", return_reason: "size" };
      await acme.ok("admin", "PATCH", path, back);
      assert.equal((await read(acme, id)).balance, 0);
      const { items } = await acme.ok("admin", "GET", `${RECORDS}/purchase?member=${id}`);
      assert.deepEqual([items.length, items[0].status], [1, "refunded"]);
      await acme.create("admin", "retail_purchase", {
        contact: (await acme.create("admin", "contact", { name: "没有卡" })).id,
        amount: yuan("100.00"),
      });
      await check(acme);
    },
  );

  await t.test("points that run out are written of, once, and to nobody else", async () => {
    const writes = { name: "来信", letters: true, point_name: "海星" };
    const kept = await acme.create("admin", "program", writes);
    const card = { name: "到期", program: kept.id, email: "ends@example.com" };
    card.consent_at = new Date().toISOString();
    const { id } = await acme.create("admin", "member", card);
    for (const points of [30, 12])
      await done(acme, "member", id, "adjust", { points, reason: "期初", expires_on: day(5) });
    for (let i = 0; i < 2; i++) {
      const run = "/api/v1/admin/jobs/membership/warn/run";
      const job = await acme.ok("admin", "POST", run, {});
      const settled = await acme.settled("admin", `/api/v1/jobs/${job.id}`);
      assert.equal(settled.state, "done", JSON.stringify(settled));
    }
    const sent = async (tenant) => {
      const { items } = await tenant.ok("admin", "GET", "/api/v1/admin/mail/letters");
      return items.filter((one) => /points_expiring$/.test(one.template));
    };
    const letters = await sent(acme);
    assert.deepEqual(letters.map(({ to }) => [to].flat()), [["ends@example.com"]]);
    const told = (await all(acme, "activity")).filter(({ type }) => type === "mail");
    assert.equal(told.length, 1);
    assert.match(told[0].subject, /42 海星/);
    assert.deepEqual(await sent(globex), []);
    assert.equal((await acme.as("sales1", "GET", "/api/v1/admin/mail/letters")).status, 403);
    await check(acme);
  });

  await t.test("a program's figures and coupons are for its managers", async () => {
    for (const action of ["figures", "issue_coupons"]) {
      assert.equal((await act(acme, "sales1", "program", program, action)).status, 403);
      assert.equal((await act(globex, "admin", "program", program, action)).status, 404);
    }
    await done(acme, "program", program, "figures");
    const counted = () => done(acme, "program", program, "figures");
    const { outstanding, liability } = await until(counted, (told) => told.counted_at);
    const active = (await all(acme, "points_lot")).filter(({ state }) =>
      ["active", "pending", "debt"].includes(state),
    );
    const members = of(await all(acme, "member"), "program", program).map((one) => one.id);
    const own = active.filter((lot) => members.includes(lot.member));
    assert.equal(outstanding, sum(own, "remaining"));
    assert.equal(liability, `${(outstanding / 100).toFixed(2)} CNY`);
  });

  await t.test("an event, a visit and a scan earn as often as their rules say", async () => {
    const rule = (fields) => acme.create("admin", "earning_rule", { program, ...fields });
    const bonus = { kind: "bonus", points: 20 };
    await rule({ name: "评价", ...bonus, event: "custom", code: "review" });
    await rule({ name: "签到", ...bonus, event: "check_in" });
    const scanned = await rule({ name: "扫码", ...bonus, event: "qr" });
    const code = await acme.create("admin", "qr_code", { name: "海报", rule: scanned.id });
    assert.match(code.token, /^[0-9a-f]{32}$/);
    const id = await member(acme, program, "何静");
    const review = { event: "review", key: "order 1" };
    const twice = await Promise.all(
      Array.from({ length: 8 }, () => act(acme, "admin", "member", id, "happened", review)),
    );
    assert.deepEqual([...new Set(twice.map(({ text }) => text))].length, 1, twice[0].text);
    const scans = await Promise.all(
      Array.from({ length: 8 }, () =>
        act(acme, "admin", "member", id, "scan", { token: code.token }),
      ),
    );
    assert.equal(scans.filter(({ status }) => status === 200).length, 1);
    await done(acme, "member", id, "check_in", {});
    await refused(acme, "member", id, "check_in", {}, "store");
    await refused(acme, "member", id, "scan", { token: "0".repeat(32) }, "token");
    assert.equal((await read(acme, id)).balance, 60);
    for (const action of ["happened", "scan", "check_in"]) {
      const body = { ...review, token: code.token };
      assert.equal((await act(acme, "sales1", "member", id, action, body)).status, 403);
      assert.equal((await act(globex, "admin", "member", id, action, body)).status, 404);
    }
    const other = (await globex.create("admin", "program", { name: "other" })).id;
    const theirs = await member(globex, other, "外人");
    await refused(globex, "member", theirs, "scan", { token: code.token }, "token");
    assert.equal((await acme.as("sales1", "GET", `${RECORDS}/qr_code/${code.id}`)).status, 403);
    await check(acme);
  });

  await t.test("money on a card adds up; nobody writes its entries by hand", async () => {
    const id = await member(acme, program, "林涛");
    const key = "w1";
    await done(acme, "member", id, "top_up", { amount: "100.00", key });
    await done(acme, "member", id, "top_up", { amount: "100.00", key });
    const answers = await Promise.all(
      Array.from({ length: 40 }, () => act(acme, "admin", "member", id, "pay", { amount: "7.00" })),
    );
    assert.equal(answers.filter(({ status }) => status === 200).length, 14);
    assert.equal((await read(acme, id)).stored_value.amount, "2.00");
    const [entry] = of(await all(acme, "wallet_entry"), "member", id);
    const tries = [
      ["PATCH", `wallet_entry/${entry.id}`, { reason: "x" }],
      ["DELETE", `wallet_entry/${entry.id}`],
      ["POST", "wallet_entry", { member: id, account: "stored_value", amount: yuan("5.00") }],
      ["PATCH", `member/${id}`, { stored_value: yuan("1000.00") }],
    ];
    for (const [method, path, body] of tries) {
      const { status, text } = await acme.as("admin", method, `${RECORDS}/${path}`, { body });
      assert.ok(status >= 400 && status < 500, `${method} ${path}: ${status} ${text}`);
    }
    for (const action of ["top_up", "pay", "pay_out"]) {
      const body = { amount: "1.00" };
      assert.equal((await act(acme, "sales1", "member", id, action, body)).status, 403);
      assert.equal((await act(globex, "admin", "member", id, action, body)).status, 404);
    }
    assert.equal((await act(acme, "sales1", "wallet_entry", entry.id, "reverse")).status, 404);
    assert.equal((await act(globex, "admin", "wallet_entry", entry.id, "reverse")).status, 404);
    must(w.server.data, ["check", "acme"]);
  });

  await t.test("a seller may look, not spend; another company sees nothing", async () => {
    assert.equal((await act(acme, "sales1", "member", zhang, "redeem", { points: 1 })).status, 403);
    assert.equal((await act(acme, "sales1", "member", zhang, "adjust", { points: 1 })).status, 403);
    assert.equal(
      (await act(globex, "admin", "member", zhang, "redeem", { points: 1 })).status,
      404,
    );
    assert.deepEqual(await all(globex, "points_entry"), []);
  });
});

// The seed is printed with every failure; PERIGEE_POINTS_STEPS asks for a longer history.
test("a random history keeps every invariant", async () => {
  const { acme } = w;
  let seed = Number(process.env.PERIGEE_POINTS_SEED ?? 20261122);
  const steps = Number(process.env.PERIGEE_POINTS_STEPS ?? 300);
  const draw = (n) => {
    seed = (seed * 48271) % 2147483647;
    return seed % n;
  };
  const programs = [];
  for (const [at, debt] of ["negative", "block", "offset"].entries()) {
    const body = { name: `random ${debt}`, debt, expiry: "days", expiry_span: 90, lock_days: at };
    body.transfer_allowed = true;
    programs.push((await acme.create("admin", "program", body)).id);
  }
  const members = [];
  for (let i = 0; i < 9; i++) members.push(await member(acme, programs[i % 3], `成员${i}`));
  const [bought, holds, spent] = [[], [], []];
  const one = (list) => list[draw(list.length)];
  const moves = [
    async () => {
      const more = { bought_on: day(-draw(120)) };
      bought.push((await buy(acme, one(members), `${1 + draw(300)}.${10 + draw(90)}`, more)).id);
    },
    async () => {
      const answer = await act(acme, "admin", "member", one(members), "redeem", {
        points: 1 + draw(200),
      });
      if (answer.status === 200) spent.push(answer.json.entry);
      return answer;
    },
    async () => {
      const answer = await act(acme, "admin", "member", one(members), "hold", {
        points: 1 + draw(100),
      });
      if (answer.status === 200) holds.push(answer.json.hold);
      return answer;
    },
    () =>
      holds.length && act(acme, "admin", "points_hold", one(holds), one(["capture", "release"])),
    () =>
      bought.length &&
      act(
        acme,
        "admin",
        "purchase",
        one(bought),
        "refund",
        draw(2) ? { amount: `${1 + draw(60)}.5` } : {},
      ),
    () =>
      spent.length &&
      act(
        acme,
        "admin",
        "points_entry",
        one(spent),
        "give_back",
        draw(2) ? { points: 1 + draw(50) } : {},
      ),
    () =>
      act(acme, "admin", "member", one(members), "transfer", {
        to: one(members),
        points: 1 + draw(50),
      }),
    () =>
      act(acme, "admin", "member", one(members), "adjust", {
        points: draw(60) - 30,
        reason: "盘点",
      }),
  ];
  for (let step = 0; step < steps; step++) {
    const at = seed;
    const answer = await one(moves)();
    if (answer) assert.ok([200, 422].includes(answer.status), `seed ${at}: ${answer.text}`);
    if (step % 100 === 99) await check(acme);
  }
  const { entries } = await check(acme);
  must(w.server.data, ["check", "acme"]);
  assert.ok(entries > steps / 3, `${entries} entries`);
});

const LAST = "order by id desc limit 1";
const DAMAGE = [
  `update {member} set {member.balance} = {member.balance} + 1 where id = (
    select {points_hold.member} from {points_hold} ${LAST})`,
  `update {member} set {member.held} = 7, {member.entry_hash} = 'x' where id = (
    select {points_opening.member} from {points_opening} ${LAST})`,
  `update {points_entry} set {points_entry.key} = 'x' where id = (
    select id from {points_entry} where {points_entry.key} is null ${LAST})`,
  `update {points_draw} set {points_draw.points} = 1 where id = (
    select id from {points_draw} ${LAST})`,
  `update {points_lot} set {points_lot.active_on} = 99999 where id in (
    select {points_draw.lot} from {points_draw} where {points_draw.points} < 0)`,
  `update {points_entry} set {points_entry.points} = 100000 where {points_entry.reverses} in (
    select id from {points_entry} where {points_entry.points} < 0)`,
  `update {points_lot} set {points_lot.state} = 'expired'
    where {points_lot.state} = 'spent'`,
  "update {points_opening} set {points_opening.points} = {points_opening.points} + 1",
  `update {points_hold} set {points_hold.state} = 'captured'
    where {points_hold.state} = 'released'`,
  "update {earning_event} set {earning_event.points} = {earning_event.points} + 1",
  "update {qr_code} set {qr_code.uses} = 99",
  `update {member} set {member.stored_value} = {member.stored_value} + 1
    where {member.stored_value} > 0`,
  "update {wallet_entry} set {wallet_entry.balance_after} = 123456789",
  `update {wallet_entry} set {wallet_entry.reverses} = (
    select id from {wallet_entry} order by id limit 1)`,
  "update {purchase} set {purchase.points_reversed} = 1000000",
  "update {redemption} set {redemption.points} = {redemption.points} + 1",
  "update {coupon} set {coupon.uses} = 99",
];

// A check that finds nothing, whatever is done to the rows, is none.
test("each check of the ledger finds what was done to it", { skip: !hasSqlite }, async () => {
  const { acme } = w;
  const program = (await acme.create("admin", "program", { name: "broken" })).id;
  const id = await member(acme, program, "坏账");
  await acme.create("admin", "points_opening", { member: id, points: 10 });
  await done(acme, "program", program, "issue_coupons", { batch: "b", count: 1, worth: "1" });
  const coupons = () => acme.ok("admin", "GET", `${RECORDS}/coupon?program=${program}`);
  await until(coupons, ({ items }) => items.length === 1);
  const { found, all: checks } = checkDamaged(w.server, "acme", "membership", DAMAGE);
  assert.ok(checks.length >= 18, checks.join(" "));
  assert.deepEqual(found, checks);
});

const CDNOW = join(DATASETS, "cdnow_master.txt");

// The first customers of a data set of 69,659 purchases; PERIGEE_POINTS_ROWS asks for more of it.
test("purchases of a real shop come in and earn", { skip: !existsSync(CDNOW) }, async () => {
  const { globex, server } = w;
  const rows = readFileSync(CDNOW, "latin1")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter((row) => row.length === 4)
    .slice(0, Number(process.env.PERIGEE_POINTS_ROWS ?? 1500));
  const customers = [...new Set(rows.map(([id]) => id))];
  const program = { name: "cdnow", points_per_unit: "1", expiry: "days", expiry_span: 2000 };
  await globex.create("admin", "program", program);
  const before = (await all(globex, "member")).length;
  const file = (name, heading, lines) => {
    const path = join(server.data, name);
    writeFileSync(path, [heading, ...lines].join("\n"));
    return path;
  };
  const load = (entity, path) =>
    must(server.data, ["import", "globex", entity, path], { cwd: server.data });
  const members = customers.map((id) => `客户${id},${id},cdnow`);
  load("member", file("members.csv", "name,customer_no,program", members));
  const lines = rows.map(
    ([id, day, quantity, amount], at) =>
      `${at + 1},${id},${day.replace(/(....)(..)(..)/, "$1-$2-$3")},${quantity},${amount}`,
  );
  const said = load(
    "purchase",
    file("bought.csv", "number,member,bought_on,quantity,amount", lines),
  );
  assert.match(said, new RegExp(`created ${rows.length}\\b`), said);
  const { members: count } = await check(globex);
  must(server.data, ["check", "globex"]);
  assert.equal(count - before, customers.length);
  const earned = rows.reduce((points, row) => points + Math.floor(Number(row[3]) + 1e-9), 0);
  const total = (await all(globex, "member")).reduce((sum, one) => sum + one.lifetime_earned, 0);
  assert.equal(total, earned);
});

// What a purchase has left on its card and in the log, without what differs by nature: ids, times,
// hashes, who asked.
async function left(tenant, card) {
  const path = `${RECORDS}/member/${card}`;
  const shape = (record, names) => names.map((name) => record[name] ?? null);
  const filter = encodeURIComponent(JSON.stringify({ member: card }));
  const rows = (entity) =>
    tenant.ok("admin", "GET", `${RECORDS}/${entity}?sort=id&filter=${filter}`);
  const logged = async (where) =>
    (await tenant.ok("admin", "GET", `${where}/history`)).items
      .map(({ op, changes }) => [op, (changes ?? []).map(({ field }) => field).sort()])
      .sort();
  const member = await tenant.ok("admin", "GET", path);
  const purchases = (await rows("purchase")).items;
  const [entries, lots] = await Promise.all(["points_entry", "points_lot"].map(rows));
  const found = await tenant.ok("admin", "GET", `${RECORDS}/purchase?q=${purchases[0].number}`);
  return {
    member: shape(member, [
      ...["version", "balance", "available", "pending", "lifetime_earned", "entry_seq", "due_on"],
      ...["spent", "purchases", "last_purchase_on", "tier", "status"],
    ]),
    purchases: purchases.map((one) =>
      shape(one, ["version", "bought_on", "amount", "points", "points_reason", "status"]),
    ),
    entries: entries.items.map((one) =>
      shape(one, ["seq", "kind", "points", "on", "qualifying", "balance_after", "reason", "label"]),
    ),
    lots: lots.items.map((one) =>
      shape(one, ["state", "earned_on", "expires_on", "initial", "remaining", "worth", "label"]),
    ),
    logged: [
      await logged(path),
      ...(await Promise.all(purchases.map((one) => logged(`${RECORDS}/purchase/${one.id}`)))),
      ...(await Promise.all(
        entries.items.map((one) => logged(`${RECORDS}/points_entry/${one.id}`)),
      )),
    ],
    found: found.items.length,
  };
}

test("an imported purchase leaves what a posted one leaves", async () => {
  const { globex, server } = w;
  const program = await globex.create("admin", "program", {
    ...{ name: "twins", points_per_unit: "1", expiry: "days", expiry_span: 400 },
    point_value: yuan("0.01"),
  });
  await globex.create("admin", "earning_rule", {
    ...{ name: "first", program: program.id, kind: "bonus", event: "first_purchase", points: 50 },
  });
  const card = (name) =>
    globex.create("admin", "member", { name, customer_no: name, program: program.id });
  const [posted, imported] = [await card("twinposted"), await card("twinimported")];
  const bought = [
    ["twin-1", day(-40), "30.00"],
    ["twin-2", day(-3), "12.50"],
    ["twin-3", day(-9), "0.40"], // no point, and not the latest
  ];
  const lines = ["number,member,bought_on,amount"];
  for (const [number, bought_on, amount] of bought) {
    const one = { number: `${number}p`, bought_on, amount: yuan(amount), member: posted.id };
    await globex.create("admin", "purchase", one);
    lines.push(`${number}i,twinimported,${bought_on},${amount}`);
  }
  const path = join(server.data, "twins.csv");
  // A row that is refused in between takes nothing of its neighbours along.
  lines.splice(2, 0, `twin-x,twinimported,${day(-5)},-1`);
  writeFileSync(path, lines.join("\n"));
  const said = must(server.data, ["import", "globex", "purchase", path], { cwd: server.data });
  assert.match(said, /created 3\b.*failed 1\b/, said);
  const [one, other] = [await left(globex, posted.id), await left(globex, imported.id)];
  assert.deepEqual(other, one);
  assert.equal(one.member[1], 92);
  assert.ok(
    one.logged.every((list) => list.length),
    JSON.stringify(one.logged),
  );
  await check(globex);
});

/* Each script point of points, replaced for cards of the program that is named WRAP. */
const WRAPS = `
local function is_ours(ctx, id)
  return ctx.db:as_system().program:get(id).name == "WRAP"
end
crm.wrap("points.earn", function(next_one, order, ctx)
  if not is_ours(ctx, order.program) then return next_one(order) end
  return { points = 7, reasons = { "WRAP" } }
end)
crm.wrap("points.expire_at", function(next_one, asked, ctx)
  return is_ours(ctx, asked.program) and crm.date("2099-05-05") or next_one(asked)
end)
crm.wrap("points.refund_policy", function(next_one, asked, ctx)
  return is_ours(ctx, asked.program) and { points = 2, reasons = { "WRAP" } } or next_one(asked)
end)
crm.wrap("reward.eligible", function(next_one, asked)
  return { eligible = false, reasons = { "WRAP only" } }
end)
crm.wrap("tier.evaluate", function(next_one, asked, ctx)
  if not is_ours(ctx, asked.program) then return next_one(asked) end
  return { tier = asked.steps[1].id, reasons = { "WRAP" } }
end)
`;

test("a company replaces every script point of points", async () => {
  const { acme } = w;
  const capabilities = ["db:program:r"];
  const manifest = { requires: { membership: "^1" }, capabilities };
  const files = bundle("acme.loyal", { "init.lua": WRAPS }, manifest);
  const path = "/api/v1/admin/plugins/acme.loyal/deploys";
  const deployed = await acme.as("admin", "POST", path, packed(files));
  assert.equal(deployed.status, 201, deployed.text);
  const program = (await acme.create("admin", "program", { name: "WRAP" })).id;
  const top = { name: "顶", program, threshold: 1000000 };
  const tier = (await acme.create("admin", "tier", top)).id;
  const id = await member(acme, program, "换");
  const bought = await buy(acme, id, "100.00");
  assert.deepEqual([bought.points, bought.points_reason], [7, "WRAP"]);
  const now = await read(acme, id);
  assert.deepEqual([now.balance, now.tier], [7, tier]);
  const lots = await acme.ok("admin", "GET", `${RECORDS}/points_lot?member=${id}`);
  assert.equal(lots.items[0].expires_on, "2099-05-05");
  const back = await done(acme, "purchase", bought.id, "refund", { amount: "99.00" });
  assert.equal(back.reversed, 2);
  const gift = { name: "礼", program, kind: "gift", points: 1 };
  const reward = (await acme.create("admin", "reward", gift)).id;
  const answer = await act(acme, "admin", "member", id, "exchange", { reward });
  assert.match(answer.text, /WRAP only/);
});
