// history_approval - approvals are handed in, decided, sent on and taken back while processes die.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { history } from "../kit/history.mjs";

const TASKS = "/api/v1/records/approval_task?limit=30&state=open";

history("approvals wait for somebody or have ended, and are decided once", {
  plugins: ["approval"],
  kept: ["approval", "approval_task", "pending_operation"],
  begin: async (h) => {
    const { users } = h.tenant;
    const people = ["manager", "admin", "sales2", "sales3"].map((login) => users[login]);
    const members = (...ids) => [{ kind: "member", users: ids }];
    const node = (id, mode, ...ids) => ({ id, name: id, mode, approvers: members(...ids) });
    await h.made("approval_flow", {
      name: "流程",
      entity: "account",
      nodes: [
        node("first", "all", users.manager, users.sales2),
        node("second", "any", users.admin, users.sales3),
        node("third", "sequence", users.manager, users.admin),
      ],
    });
    const accounts = [];
    const approvals = [];
    const late = (list) => list[list.length - 1 - h.draw(Math.min(list.length, 40))];
    const submit = async () => {
      const { status, json } = await h.create("sales1", "account", { name: `客户${h.steps}` });
      if (status === 201) accounts.push(json.id);
      const about = { entity: "account", id: late(accounts) };
      const made = await h.create("sales1", "approval", { about });
      if (made.status === 201) approvals.push(made.json.id);
    };
    for (let i = 0; i < 4; i++) await submit();
    const task = async (action, body) => {
      const { items } = (await h.ask("admin", "GET", TASKS)).json;
      if (!items.length) return;
      const one = h.one(items);
      await h.act(h.login(one.owner), "approval_task", one.id, action, { comment: "x", ...body });
    };
    const given = (action) => () => h.act("sales1", "approval", late(approvals), action, {});
    const many = async () => {
      const ids = [];
      for (let i = 0; i < 30; i++) {
        const { status, json } = await h.create("sales1", "contact", { name: `人${h.draw(1e6)}` });
        if (status === 201) ids.push(json.id);
      }
      const body = { entity: "contact", operation: "delete", ids };
      const { status, json } = await h.create("sales1", "pending_operation", body);
      if (status === 201) await h.act("admin", "pending_operation", json.id, "commit", {});
    };
    return [
      submit,
      submit,
      () => task("approve"),
      () => task("approve"),
      () => task("approve"),
      () => task("approve"),
      () => task("reject"),
      () => task("send_back", h.draw(2) ? { to: "first" } : {}),
      () => task("add_before", { users: [h.one(people)] }),
      () => task("add_after", { users: [h.one(people)] }),
      () => task("delegate", { to: h.one(people) }),
      given("withdraw"),
      given("revoke"),
      given("urge"),
      () => h.change("sales1", "account", late(accounts), { name: `新${h.steps}` }),
      () => (h.draw(8) ? undefined : many()),
    ];
  },
  judge: async (h) => {
    const run = await h.ask("admin", "POST", "/api/v1/admin/jobs/approval/carry_out/resume");
    assert.ok([200, 204, 404, 409].includes(run.status), run.text);
  },
});
