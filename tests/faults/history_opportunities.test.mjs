// history_opportunities - deals move, are won, lost and reopened by many while processes die.
// SPDX-License-Identifier: MIT
import { history } from "../kit/history.mjs";

const STAGES = [
  ["一", 1, "open", 33],
  ["二", 2, "open", 67],
  ["搁", 3, "hold", 5],
  ["赢", 9, "won", 100],
  ["输", 10, "lost", 0],
  ["废", 11, "invalid", 0],
];

history("deals add up, stand in a stage of their pipeline and remember every visit", {
  plugins: ["opportunities"],
  kept: ["opportunity"],
  begin: async (h) => {
    const yuan = (most) => ({ amount: `${h.draw(most)}.${10 + h.draw(90)}`, currency: "CNY" });
    const account = await h.made("account", { name: "随机" });
    const other = await h.made("pipeline", { name: "其他" });
    for (const [name, order, kind, probability] of STAGES) {
      const body = { name, order, kind, probability, pipeline: other, allow_rollback: order === 1 };
      await h.made("stage", body);
    }
    const stages = (await h.all("stage")).map(({ id }) => id);
    const pipelines = (await h.all("pipeline")).map(({ id }) => id);
    const deals = [];
    const lines = [];
    const make = async () => {
      const body = { name: `商机${deals.length}` };
      if (h.draw(3)) body.account = account;
      if (h.draw(3)) body.amount = yuan(5000);
      if (!h.draw(4)) body.probability_manual = h.draw(101);
      const { status, json } = await h.create("admin", "opportunity", body);
      if (status === 201) deals.push(json.id);
    };
    for (let i = 0; i < 8; i++) await make();
    const late = (list) => list[list.length - 1 - h.draw(Math.min(list.length, 40))];
    const by = (action, body) => () =>
      h.act(h.one(["admin", "manager"]), "opportunity", late(deals), action, body?.() ?? {});
    const patch = (body) => () => h.change("admin", "opportunity", late(deals), body());
    const move = by("move", () => ({ stage: h.one(stages) }));
    const line = async () => {
      const body = { opportunity: late(deals), name: "行", price: yuan(99) };
      body.quantity = `${1 + h.draw(4)}.${h.draw(10)}`;
      if (h.draw(2)) body.discount = String(h.draw(100));
      const { status, json } = await h.create("admin", "opportunity_line", body);
      if (status === 201) lines.push(json.id);
    };
    const reprice = () =>
      lines.length && h.change("admin", "opportunity_line", late(lines), { price: yuan(99) });
    const strike = () => lines.length && h.remove("admin", "opportunity_line", late(lines));
    const spend = () => {
      const body = { opportunity: late(deals), name: "费用", amount: yuan(99) };
      return h.create("admin", "opportunity_expense", body);
    };
    return [
      make,
      move,
      move,
      move,
      line,
      line,
      reprice,
      strike,
      by("win", () => (h.draw(2) ? { amount: `${h.draw(900)}.05` } : {})),
      by("lose", () => (h.draw(3) ? { reason: "price", on: "2026-01-15" } : {})),
      by("invalidate"),
      spend,
      by("reopen"),
      by("switch", () => ({ pipeline: h.one(pipelines) })),
      patch(() => ({ stage: h.one(stages) })),
      patch(() => ({ pipeline: h.one(pipelines) })),
      patch(() => ({ amount: h.draw(6) ? yuan(999) : null })),
      patch(() => ({ probability_manual: h.draw(3) ? h.draw(101) : null })),
      patch(() => ({ account: h.draw(2) ? account : null })),
      patch(() => ({ closed_on: h.draw(2) ? "2026-02-01" : null })),
      patch(() => ({ lost_reason: h.draw(2) ? "timing" : null })),
    ];
  },
});
