// history_leads - leads and customers are picked, given, merged and converted by many while
// processes die.
// SPDX-License-Identifier: MIT
import { history } from "../kit/history.mjs";

const LOGINS = ["sales1", "sales2", "admin", "manager"];

/** Customers in the same pools, with contacts and deals that follow them where they merge. */
async function customers(h, people, pools) {
  const small = { name: "customers", user: h.tenant.users.sales2, of: "account", max_open: 25 };
  await h.made("capacity", small);
  const accounts = [];
  const contacts = [];
  const make = async () => {
    const body = { name: `公司${h.draw(900)}`, level: h.one(["a", "b", null]) };
    if (h.draw(2)) body.phone = `0211${1000000 + h.draw(30000)}`;
    if (h.draw(2)) body.owner = null;
    const { status, json } = await h.create("admin", "account", body);
    if (status === 201) accounts.push(json.id);
  };
  for (let i = 0; i < 10; i++) await make();
  const late = (list = accounts) => list[list.length - 1 - h.draw(Math.min(list.length, 40))];
  const hang = async () => {
    const entity = h.one(["contact", "contact", "opportunity", "task"]);
    const body = { [entity === "task" ? "subject" : "name"]: `其${h.draw(900)}`, account: late() };
    if (entity === "contact" && h.draw(2)) body.phones = [`1390${1000000 + h.draw(30000)}`];
    const { status, json } = await h.create(h.one(["admin", "sales1"]), entity, body);
    if (status === 201 && entity === "contact") contacts.push(json.id);
  };
  const by = (action, body) => () =>
    h.act(h.one(LOGINS), "account", late(), action, body ? body() : {});
  const person = (action, body) => async () => {
    if (contacts.length) await h.act("admin", "contact", late(contacts), action, body());
  };
  const patch = (body) => () => h.change("admin", "account", late(), body());
  const statuses = ["potential", "interested", "customer", "merged"];
  return [
    make,
    hang,
    hang,
    by("pick"),
    by("pick"),
    by("assign", () => ({ owner: h.one(people) })),
    by("transfer", () => ({ owner: h.one(people), contacts: h.draw(2) === 1 })),
    by("return", () => (h.draw(2) ? { pool: h.one(pools), reason: "x" } : {})),
    by("lock"),
    by("unlock"),
    by("merge", () => ({ into: late(), take: h.draw(2) ? ["phone"] : [] })),
    by("unmerge"),
    person("merge", () => ({ into: late(contacts) })),
    person("unmerge", () => ({})),
    patch(() => ({ owner: h.draw(2) ? h.one(people) : null })),
    patch(() => ({ pool: h.one(pools) })),
    patch(() => ({ status: h.one(statuses) })),
  ];
}

history("leads and customers have one place, an unbroken ownership, and merges lead somewhere", {
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
    const own = await h.made("lead_status", { name: "洽谈", kind: "ongoing" });
    const hold = await h.made("lead_status", { name: "缓", kind: "hold" });
    return [
      ...(await customers(h, people, pools)),
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
      patch(() => ({ own_status: h.one([own, hold, null]) })),
    ];
  },
});
