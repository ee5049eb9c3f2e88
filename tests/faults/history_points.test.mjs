// history_points - members earn, spend, hold and transfer points while processes die.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { history } from "../kit/history.mjs";

const MEMBERS = 24;
const day = (shift) => new Date(Date.now() - shift * 86400e3).toISOString().slice(0, 10);
const told = new Map(); // the key of an operation → what was answered

history("a ledger adds up, and does nothing twice", {
  plugins: ["membership"],
  kept: ["purchase"],
  begin: async (h) => {
    const members = [];
    const holds = [];
    const [tokens, rewards, moved, redeemed] = [[], [], [], []];
    for (const [lock_days, debt] of ["negative", "block", "offset"].entries()) {
      const body = { name: debt, debt, lock_days, transfer_allowed: true, expiry: "days" };
      const program = await h.made("program", { ...body, expiry_span: 90 });
      for (let i = 0; i < MEMBERS / 3; i += 1) {
        members.push(await h.made("member", { name: `${i}`, program }));
      }
      const rule = { program, kind: "bonus", points: 1 + h.draw(20) };
      await h.made("earning_rule", { ...rule, name: "a", event: "custom", code: "review" });
      await h.made("earning_rule", { ...rule, name: "b", event: "check_in", per_member: 400 });
      const scanned = await h.made("earning_rule", { ...rule, name: "c", event: "qr" });
      const { json } = await h.create("admin", "qr_code", { name: "c", rule: scanned });
      tokens.push(json.token);
      const worth = { amount: "2.00", currency: "CNY" };
      const gift = { program, points: 5, worth, name: "d" };
      for (const kind of ["stored_value", "cash_back"])
        rewards.push(await h.made("reward", { ...gift, kind }));
    }
    // The ledger's own key, instead of the header: it has to hold by itself.
    const by = (action, body) => async () => {
      const key = `k${(h.keys += 1)}`;
      const points = { ...body(), key };
      const path = `/api/v1/records/member/${h.one(members)}/actions/${action}`;
      const { status, json } = await h.ask("admin", "POST", path, points, {});
      if (status !== 200) return;
      told.set(key, { points: points.points, ...json });
      if (json.hold && json.state === "held") holds.push(json.hold);
      if (["top_up", "pay", "pay_out"].includes(action)) moved.push(json.entry);
      if (json.redemption) redeemed.push(json.redemption);
    };
    const yuan = () => ({ amount: `${1 + h.draw(20)}.${10 + h.draw(90)}` });
    const undo = () =>
      redeemed.length && h.draw(2)
        ? h.act("admin", "redemption", h.one(redeemed), "cancel", {})
        : moved.length && h.act("admin", "wallet_entry", h.one(moved), "reverse", {});
    const bought = [];
    const buy = async () => {
      const amount = { amount: `${1 + h.draw(300)}.${10 + h.draw(90)}`, currency: "CNY" };
      const body = { member: h.one(members), amount, bought_on: day(h.draw(120)) };
      const { status, json } = await h.create("admin", "purchase", body);
      if (status === 201) bought.push(json.id);
    };
    const bring = () => {
      const amount = { amount: `${1 + h.draw(60)}.00`, currency: "CNY" };
      return bought.length && h.act("admin", "purchase", h.one(bought), "refund", { amount });
    };
    const settle = () =>
      holds.length &&
      h.act("admin", "points_hold", h.one(holds), h.one(["capture", "release"]), {});
    return [
      buy,
      buy,
      bring,
      by("redeem", () => ({ points: 1 + h.draw(80) })),
      by("hold", () => ({ points: 1 + h.draw(40) })),
      by("transfer", () => ({ to: h.one(members), points: 1 + h.draw(30) })),
      by("adjust", () => ({ points: 1 + h.draw(50), reason: "x" })),
      by("happened", () => ({ event: "review" })),
      by("check_in", () => ({})),
      by("scan", () => ({ token: h.one(tokens) })),
      by("exchange", () => ({ reward: h.one(rewards) })),
      by("top_up", yuan),
      by("pay", () => ({ ...yuan(), account: h.one(["stored_value", "cash_back"]) })),
      by("pay_out", yuan),
      undo,
      settle,
      settle,
    ];
  },
  judge: async (h) => {
    const count = new Map();
    for (const entity of ["points_entry", "points_hold", "wallet_entry"]) {
      for (const { key } of await h.all(entity)) {
        if (key) count.set(`${entity} ${key}`, (count.get(`${entity} ${key}`) ?? 0) + 1);
      }
    }
    for (const [key, answer] of told) {
      const entity = answer.hold ? "points_hold" : answer.amount ? "wallet_entry" : "points_entry";
      const kinds = ["hold", "redeem", "transfer", "adjust", "event", "check_in", "scan"];
      kinds.push("exchange", "top_up", "pay", "pay_out");
      const found = kinds.map((kind) => count.get(`${entity} ${kind}:${key}`) ?? 0);
      const times = found.reduce((sum, one) => sum + one, 0);
      assert.equal(times, 1, `${key} was told and is there ${times} times`);
    }
  },
});
