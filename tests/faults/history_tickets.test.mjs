// history_tickets - requests are answered, paused, merged, split and rated while processes die.
// SPDX-License-Identifier: MIT
import { history } from "../kit/history.mjs";

const STATUSES = [
  "open",
  "waiting_customer",
  "waiting_third_party",
  "on_hold",
  "resolved",
  "closed",
  "rejected",
];
const PRIORITIES = ["low", "normal", "high", "urgent"];

history("every clock agrees with a recount, and a merged ticket has one survivor", {
  plugins: ["tickets"],
  kept: ["ticket", "ticket_message"],
  begin: async (h) => {
    const open = ["00:00-11:00", "11:30-23:59"]; // so that clocks run whenever this is run
    const week = Object.fromEntries(
      ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].map((day) => [day, open]),
    );
    const calendar = await h.made("calendar", { name: "班", zone: "Asia/Shanghai", week });
    const policies = [];
    for (const [order, type] of ["complaint", null].entries()) {
      const match = type ? { type } : undefined;
      const policy = await h.made("sla_policy", { name: `约 ${order}`, calendar, order, match });
      policies.push(policy);
      for (const priority of PRIORITIES) {
        const minutes = { first_response: 60, next_response: 120, resolution: 480 };
        await h.made("sla_target", { policy, priority, ...minutes });
      }
    }
    const tickets = [];
    const late = () => tickets[tickets.length - 1 - h.draw(Math.min(tickets.length, 40))];
    const make = async () => {
      const ago = new Date(Date.now() - h.draw(5 * 1440) * 60e3).toISOString();
      const body = { subject: `件 ${h.draw(1e6)}`, priority: h.one(PRIORITIES), received_at: ago };
      if (h.draw(2)) body.type = "complaint";
      const { status, json } = await h.create("admin", "ticket", body);
      if (status === 201) tickets.push(json.id);
    };
    for (let i = 0; i < 8; i++) await make();
    const by = (action, body) => () => h.act("admin", "ticket", late(), action, body?.() ?? {});
    const patch = (body) => () => h.change("admin", "ticket", late(), body());
    const says = () =>
      h.create("admin", "ticket_message", {
        ticket: late(),
        direction: "customer",
        body: "还没好",
      });
    const split = async () => {
      const ticket = late();
      const path = `/api/v1/records/ticket_message?ticket=${ticket}&limit=20`;
      const { items } = (await h.ask("admin", "GET", path)).json;
      if (!items.length) return;
      const body = { subject: "另一件", messages: [h.one(items).id] };
      const { status, json } = await h.act("admin", "ticket", ticket, "split", body);
      if (status === 200) tickets.push(json.ticket);
    };
    return [
      make,
      make,
      says,
      says,
      says,
      split,
      by("reply", () => ({ body: "在办", ...(h.draw(2) ? { status: h.one(STATUSES) } : {}) })),
      by("reply", () => ({ body: "在办" })),
      by("note", () => ({ body: "内部" })),
      by("resolve", () => ({ resolution: "已修" })),
      by("reopen"),
      by("escalate"),
      by("merge", () => ({ into: late() })),
      by("unmerge"),
      patch(() => ({ status: h.one(STATUSES) })),
      patch(() => ({ status: h.one(STATUSES) })),
      patch(() => ({ priority: h.one(PRIORITIES) })),
      patch(() => ({ sla_policy: h.one(policies) })),
      patch(() => ({ type: h.one(["complaint", "question", "incident"]) })),
    ];
  },
});
