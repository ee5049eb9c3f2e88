// history_leads - leads are picked, given, merged and converted by many while processes die.
// SPDX-License-Identifier: MIT
import { history } from "../kit/history.mjs";

const LOGINS = ["sales1", "sales2", "admin", "manager"];

history("leads have one place, an unbroken ownership and one conversion", {
  plugins: ["opportunities"],
  kept: [], // leads go when they are merged
  begin: async (h) => {
    const people = Object.values(h.tenant.users);
    const pools = [];
    for (const name of ["甲", "乙"]) pools.push(await h.made("pool", { name }));
    await h.made("capacity", { name: "small", user: h.tenant.users.sales1, max_open: 40 });
    const leads = [];
    const make = async () => {
      const body = { name: `客户${h.draw(2000)}`, company: h.one(["东", "西", null]) };
      if (h.draw(2)) body.phones = [`1380${1000000 + h.draw(30000)}`];
      if (h.draw(2)) body.owner = null;
      const { status, json } = await h.create("admin", "lead", body);
      if (status === 201) leads.push(json.id);
    };
    for (let i = 0; i < 10; i++) await make();
    const late = () => leads[leads.length - 1 - h.draw(Math.min(leads.length, 60))];
    const by = (action, body) => () =>
      h.act(h.one(LOGINS), "lead", late(), action, body ? body() : {});
    const patch = (body) => () => h.change("admin", "lead", late(), body());
    const owner = () => ({ owner: h.one(people) });
    const statuses = ["new", "working", "converted", "dead", "recycled"];
    return [
      make,
      make,
      by("pick"),
      by("pick"),
      by("assign", owner),
      by("transfer", owner),
      by("return", () => (h.draw(2) ? { pool: h.one(pools) } : {})),
      by("lock"),
      by("unlock"),
      by("follow_up", () => ({ method: h.one(["call", "mail"]), content: "x" })),
      by("convert", () => (h.draw(2) ? { opportunity: true } : {})),
      by("unconvert"),
      by("merge", () => ({ into: late() })),
      by("unmerge"),
      patch(() => ({ owner: h.draw(2) ? h.one(people) : null })),
      patch(() => ({ pool: h.one(pools) })),
      patch(() => ({ status: h.one(statuses) })),
      patch(() => ({ status: "dead", lost_reason: "no_need" })),
    ];
  },
});
