// approval - the right people decide, each once, on what was handed in; until then it is locked.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { must } from "../kit/server.mjs";
import { world } from "../kit/world.mjs";

const RECORDS = "/api/v1/records";
const w = world({
  setup: async ({ server }) => {
    for (const name of ["acme", "globex"])
      must(server.data, ["plugin", "enable", name, "approval"]);
    must(server.data, ["plugin", "enable", "globex", "opportunities"]);
  },
});

const act = (tenant, login, entity, id, action, body = {}) =>
  tenant.as(login, "POST", `${RECORDS}/${entity}/${id}/actions/${action}`, { body });

async function done(tenant, login, entity, id, action, body) {
  const answer = await act(tenant, login, entity, id, action, body);
  assert.equal(answer.status, 200, `${action} by ${login}: ${answer.text}`);
  return answer.json;
}

async function refused(tenant, login, entity, id, action, body, field) {
  const answer = await act(tenant, login, entity, id, action, body);
  assert.equal(answer.status, 422, `${action} by ${login}: ${answer.text}`);
  assert.deepEqual(Object.keys(answer.json.error.fields), [field]);
}

const read = (tenant, entity, id) => tenant.ok("admin", "GET", `${RECORDS}/${entity}/${id}`);
const list = async (tenant, entity, query) =>
  (await tenant.ok("admin", "GET", `${RECORDS}/${entity}?limit=200&${query}`)).items;

const flow = (tenant, nodes, more = {}) =>
  tenant.as("admin", "POST", `${RECORDS}/approval_flow`, {
    body: { name: "流程", entity: "account", nodes, ...more },
  });

/** A new flow takes the place of those before. */
async function use(tenant, nodes, more) {
  for (const old of await list(tenant, "approval_flow", "active=true")) {
    await tenant.ok("admin", "PATCH", `${RECORDS}/approval_flow/${old.id}`, { active: false });
  }
  const answer = await flow(tenant, nodes, more);
  assert.equal(answer.status, 201, answer.text);
  return answer.json.id;
}

let serial = 0;
async function submit(tenant, login, more = {}) {
  const account = await tenant.create(login, "account", {
    name: `客户 ${++serial} ${tenant.mark}`,
  });
  const about = { entity: "account", id: account.id };
  const answer = await tenant.as(login, "POST", `${RECORDS}/approval`, {
    body: { about, ...more },
  });
  return { account: account.id, answer, id: answer.json?.id };
}

async function handed(tenant, login, more) {
  const made = await submit(tenant, login, more);
  assert.equal(made.answer.status, 201, made.answer.text);
  return made;
}

/** The open task of a user. */
async function task(tenant, approval, login) {
  const owner = tenant.users[login];
  const found = await list(
    tenant,
    "approval_task",
    `approval=${approval}&owner=${owner}&state=open`,
  );
  assert.equal(found.length, 1, `${login} has ${found.length} tasks`);
  return found[0].id;
}

const open = async (tenant, approval) =>
  (await list(tenant, "approval_task", `approval=${approval}&state=open`))
    .map(({ owner }) => Object.keys(tenant.users).find((login) => tenant.users[login] === owner))
    .sort();

async function approve(tenant, login, approval, body) {
  return done(tenant, login, "approval_task", await task(tenant, approval, login), "approve", body);
}

const members = (tenant, ...logins) => [
  { kind: "member", users: logins.map((login) => tenant.users[login]) },
];

/** What holds of every approval there is. */
async function check(tenant) {
  const approvals = await list(tenant, "approval", "");
  const tasks = await list(tenant, "approval_task", "");
  const running = new Set();
  for (const approval of approvals) {
    const own = tasks.filter((one) => one.approval === approval.id);
    const open = own.filter(({ state }) => state === "open");
    if (approval.state === "running") {
      assert.ok(open.length > 0, "a running approval waits for somebody");
      assert.ok(open.every(({ round, at }) => round === approval.round && at === approval.at));
      assert.ok(!running.has(approval.about.id), "one approval of a record runs at a time");
      running.add(approval.about.id);
    } else {
      assert.equal(own.filter(({ state }) => ["open", "waiting"].includes(state)).length, 0);
      assert.ok(approval.finished_at);
    }
    const people = open.map(({ owner }) => owner);
    assert.equal(new Set(people).size, people.length, "nobody is asked twice at once");
    for (const one of own) {
      const decided = ["approved", "rejected", "returned", "delegated"].includes(one.state);
      assert.equal(decided, one.decided_at !== null, `${one.state} ${one.decided_at}`);
    }
  }
  return approvals.length;
}

test("approvals of two companies", async (t) => {
  const { acme, globex } = w;
  const roles = (login, list) =>
    acme.ok("admin", "PATCH", `/api/v1/admin/users/${acme.users[login]}`, { roles: list });
  await acme.ok("admin", "PATCH", `/api/v1/admin/users/${acme.users.sales1}`, {
    manager: acme.users.manager,
  });

  const ends = "Every path ends: a flow that could stall is refused when it is saved";
  await t.test(ends, async () => {
    const good = members(acme, "manager");
    for (const [nodes, more, field] of [
      [[], {}, "nodes"],
      [[{ id: "a" }], {}, "nodes"],
      [[{ id: "a", approvers: [{ kind: "member", users: [] }] }], {}, "nodes"],
      [[{ id: "a", approvers: [{ kind: "nobody" }] }], {}, "nodes"],
      [[{ id: "a", approvers: good, mode: "most" }], {}, "nodes"],
      [[{ id: "a", approvers: good, next: "b" }], {}, "nodes"],
      [
        [
          { id: "a", approvers: good },
          { id: "b", approvers: good, next: "a" },
        ],
        {},
        "nodes",
      ],
      [
        [
          { id: "a", approvers: good },
          { id: "a", approvers: good },
        ],
        {},
        "nodes",
      ],
      [[{ id: "a", approvers: good, when: { nope: 1 } }], {}, "nodes"],
      [[{ id: "a", branches: [{ to: "a" }] }], {}, "nodes"],
      [[{ id: "a", approvers: good }], { entity: "acount" }, "entity"],
      [[{ id: "a", approvers: good }], { match: { nope: 1 } }, "match"],
      [[{ id: "a", approvers: good }], { guarded: ["nam"] }, "guarded"],
      [[{ id: "a", approvers: good }], { no_approver: "fallback" }, "fallback"],
      [[{ id: "a", approvers: members(acme, "manager", "viewer") }], {}, "nodes"],
      [
        [{ id: "a", approvers: good }],
        { no_approver: "fallback", fallback: acme.users.viewer },
        "fallback",
      ],
    ]) {
      const answer = await flow(acme, nodes, more);
      assert.equal(answer.status, 422, `${JSON.stringify(nodes)}: ${answer.text}`);
      assert.deepEqual(Object.keys(answer.json.error.fields), [field], JSON.stringify(nodes));
    }
    const [told] = (await flow(acme, [{ id: "a", approvers: members(acme, "viewer") }])).json.error
      .fields.nodes;
    const { name } = (await acme.ok("admin", "GET", "/api/v1/admin/users")).items.find(
      ({ id }) => id === acme.users.viewer,
    );
    assert.ok(told.message.includes(name), `${told.message} names ${name}`);
    await roles("viewer", ["viewer", "approver"]);
  });

  await t.test("without a flow nothing can be handed in", async () => {
    const { answer } = await submit(acme, "sales1");
    assert.equal(answer.status, 422);
    assert.deepEqual(Object.keys(answer.json.error.fields), ["about"]);
  });

  const locks = "While an instance runs, the record's guarded fields are locked";
  await t.test(`all of a node decide (会签): ${locks}`, async () => {
    await use(acme, [
      { id: "a", name: "会签", approvers: members(acme, "manager", "viewer", "admin") },
    ]);
    const { id, account } = await handed(acme, "sales1");
    assert.deepEqual(await open(acme, id), ["admin", "manager", "viewer"]);
    const edit = { body: { name: "别的" } };
    const locked = await acme.as("sales1", "PATCH", `${RECORDS}/account/${account}`, edit);
    assert.equal(locked.status, 422, locked.text);
    assert.deepEqual(Object.keys(locked.json.error.fields), ["name"]);
    assert.equal((await acme.as("sales1", "DELETE", `${RECORDS}/account/${account}`)).status, 422);
    const other = await acme.create("sales1", "account", { name: `另一家 ${acme.mark}` });
    await refused(acme, "admin", "account", account, "merge", { into: other.id }, "status");
    await refused(acme, "sales1", "account", account, "return", {}, "pool");
    assert.equal((await read(acme, "account", other.id)).version, 1, "nothing of it stays");
    const about = { entity: "account", id: account };
    const twice = await acme.as("sales1", "POST", `${RECORDS}/approval`, { body: { about } });
    assert.equal(twice.status, 422);
    await approve(acme, "admin", id);
    await approve(acme, "manager", id);
    assert.equal((await read(acme, "approval", id)).state, "running");
    await check(acme);
    const own = await task(acme, id, "viewer");
    await refused(acme, "admin", "approval_task", own, "approve", {}, "owner");
    const to = { to: acme.users.sales2 };
    await refused(acme, "admin", "approval_task", own, "delegate", to, "owner");
  });

  const viewers = { kind: "role", role: "viewer" };
  const use3 = (mode, more) =>
    use(acme, [{ id: "a", name: "一", mode, approvers: members(acme, "manager", "sales3") }], more);

  await t.test("one of a node is enough (或签): One decision per task", async () => {
    await use3("any");
    const { id, account } = await handed(acme, "sales1");
    const [first, second] = [await task(acme, id, "manager"), await task(acme, id, "sales3")];
    const both = await Promise.all([
      act(acme, "manager", "approval_task", first, "approve"),
      act(acme, "sales3", "approval_task", second, "approve"),
    ]);
    assert.deepEqual(both.map(({ status }) => status).sort(), [200, 422]);
    assert.equal((await read(acme, "approval", id)).state, "approved");
    await refused(acme, "manager", "approval_task", first, "approve", {}, "state");
    await acme.ok("sales1", "PATCH", `${RECORDS}/account/${account}`, { name: `改 ${acme.mark}` });
    const compared = await done(acme, "sales1", "approval", id, "compare");
    assert.deepEqual(Object.keys(compared.since), ["name"]);
    await check(acme);
  });

  await t.test("Approvers decide on a frozen snapshot with a visible diff", async () => {
    const nodes = [{ id: "a", name: "一", approvers: members(acme, "manager") }];
    await use(acme, nodes, { guarded: ["name"] });
    const { id, account } = await handed(acme, "sales1");
    const { snapshot } = await read(acme, "approval", id);
    assert.ok(snapshot.name);
    await acme.ok("sales1", "PATCH", `${RECORDS}/account/${account}`, { size: "s20_99" });
    const seen = await done(acme, "manager", "approval", id, "compare");
    assert.deepEqual(Object.keys(seen.since), ["size"]);
    await approve(acme, "manager", id);
    assert.deepEqual((await read(acme, "approval", id)).snapshot, snapshot);
    await check(acme);
  });

  await t.test("in order (依次): the second is asked when the first has approved", async () => {
    await use3("sequence");
    const { id } = await handed(acme, "sales1");
    assert.deepEqual(await open(acme, id), ["manager"]);
    await approve(acme, "manager", id);
    assert.deepEqual(await open(acme, id), ["sales3"]);
    await approve(acme, "sales3", id);
    assert.equal((await read(acme, "approval", id)).state, "approved");
    await check(acme);
  });

  await t.test("signers in front (前加签) and behind (后加签), and delegation (转交)", async () => {
    await use(acme, [{ id: "a", name: "一", approvers: members(acme, "manager") }]);
    const { id } = await handed(acme, "sales1");
    const own = await task(acme, id, "manager");
    const add = { users: [acme.users.sales2] };
    await refused(acme, "manager", "approval_task", own, "add_before", { users: [] }, "users");
    await refused(
      acme,
      "manager",
      "approval_task",
      own,
      "add_before",
      { users: [acme.users.sales1] },
      "users",
    );
    await done(acme, "manager", "approval_task", own, "add_before", add);
    const early = await act(acme, "manager", "approval_task", own, "approve");
    assert.equal(early.json.error.fields.state[0].code, "approval:waits");
    assert.deepEqual(await open(acme, id), ["sales2"]);
    const to = { to: acme.users.sales3 };
    await done(acme, "sales2", "approval_task", await task(acme, id, "sales2"), "delegate", to);
    assert.deepEqual(await open(acme, id), ["sales3"]);
    await approve(acme, "sales3", id);
    assert.deepEqual(await open(acme, id), ["manager"]);
    await done(acme, "manager", "approval_task", own, "add_after", { users: [acme.users.admin] });
    assert.deepEqual(await open(acme, id), ["admin"]);
    await check(acme);
    await approve(acme, "admin", id);
    assert.equal((await read(acme, "approval", id)).state, "approved");
    await check(acme);
  });

  await t.test("it goes back to an earlier node or to who handed it in (退回)", async () => {
    await use(acme, [
      { id: "a", name: "一", approvers: members(acme, "manager") },
      { id: "b", name: "二", approvers: members(acme, "sales3"), comment_required: true },
    ]);
    const { id, account } = await handed(acme, "sales1");
    await approve(acme, "manager", id);
    let own = await task(acme, id, "sales3");
    await refused(acme, "sales3", "approval_task", own, "approve", {}, "comment");
    await refused(
      acme,
      "sales3",
      "approval_task",
      own,
      "send_back",
      { to: "b", comment: "x" },
      "to",
    );
    await done(acme, "sales3", "approval_task", own, "send_back", { to: "a", comment: "再看看" });
    assert.deepEqual(await open(acme, id), ["manager"]);
    await check(acme);
    await approve(acme, "manager", id);
    own = await task(acme, id, "sales3");
    await done(acme, "sales3", "approval_task", own, "send_back", { comment: "资料不全" });
    assert.equal((await read(acme, "approval", id)).state, "returned");
    await acme.ok("sales1", "PATCH", `${RECORDS}/account/${account}`, { size: "s1_19" });
    await check(acme);
  });

  await t.test(
    "who handed it in takes it back (撤回), revokes (撤销) and urges (催办)",
    async () => {
      await use(acme, [{ id: "a", name: "一", approvers: members(acme, "manager") }]);
      const { id, account } = await handed(acme, "sales1");
      assert.equal((await done(acme, "sales1", "approval", id, "urge")).urged, 1);
      await refused(acme, "sales1", "approval", id, "urge", {}, "state");
      assert.ok(
        [403, 404, 422].includes((await act(acme, "sales2", "approval", id, "withdraw")).status),
      );
      await done(acme, "sales1", "approval", id, "withdraw");
      await refused(acme, "sales1", "approval", id, "withdraw", {}, "state");
      const about = { entity: "account", id: account };
      const again = await acme.create("sales1", "approval", { about });
      await approve(acme, "manager", again.id);
      await done(acme, "sales1", "approval", again.id, "revoke", { comment: "条件变了" });
      assert.equal((await read(acme, "approval", again.id)).state, "revoked");
      await check(acme);
    },
  );

  await t.test("superiors, heads, roles, the submitter's choice, conditions", async () => {
    await use(acme, [
      { id: "small", name: "小", when: { size: "s1_19" }, approvers: [viewers] },
      { id: "up", name: "上级", approvers: [{ kind: "superior", levels: 1 }] },
      { id: "pick", name: "自选", approvers: [{ kind: "choice" }] },
      { id: "role", name: "角色", approvers: [viewers] },
    ]);
    const { answer } = await submit(acme, "sales1");
    assert.deepEqual(Object.keys(answer.json.error.fields), ["chosen"]);
    const chosen = { pick: [acme.users.sales2] };
    const { id } = await handed(acme, "sales1", { chosen });
    assert.deepEqual(
      (await read(acme, "approval", id)).path.map((node) => node.id),
      ["up", "pick", "role"],
    );
    await approve(acme, "manager", id);
    await approve(acme, "sales2", id);
    assert.deepEqual(await open(acme, id), ["viewer"]);
    await check(acme);
  });

  await t.test("a submitter does not approve: skipped, or the superior does", async () => {
    const nodes = [{ id: "a", name: "一", approvers: members(acme, "sales1") }];
    await use(acme, nodes, { own: "superior" });
    assert.deepEqual(await open(acme, (await handed(acme, "sales1")).id), ["manager"]);
    await use(acme, nodes, { own: "allow" });
    assert.deepEqual(await open(acme, (await handed(acme, "sales1")).id), ["sales1"]);
    await use(acme, nodes, { own: "skip" });
    const { id } = await handed(acme, "sales1");
    const skipped = await read(acme, "approval", id);
    assert.deepEqual([skipped.state, skipped.automatic], ["approved", true]);
    await check(acme);
  });

  await t.test("the same approver again is asked as the flow says", async () => {
    const two = ["a", "b"].map((id) => ({ id, name: id, approvers: members(acme, "manager") }));
    for (const [repeated, state] of [
      ["first_only", "approved"],
      ["consecutive", "approved"],
      ["every", "running"],
    ]) {
      await use(acme, two, { repeated });
      const { id } = await handed(acme, "sales1");
      await approve(acme, "manager", id);
      assert.equal((await read(acme, "approval", id)).state, state, repeated);
    }
  });

  await t.test("A leaver's tasks are rerouted; nobody found goes to the fallback", async () => {
    const body = {
      login: "leaver",
      name: `离职 ${acme.mark}`,
      roles: ["approver"],
      manager: acme.users.admin,
    };
    const { id: leaver } = await acme.ok("admin", "POST", "/api/v1/admin/users", {
      ...body,
      password: "Perigee-Test-2026!",
    });
    acme.users.leaver = leaver;
    await use(acme, [{ id: "a", name: "一", approvers: members(acme, "leaver") }], {
      no_approver: "fallback",
      fallback: acme.users.sales3,
    });
    const { id } = await handed(acme, "sales1");
    assert.deepEqual(await open(acme, id), ["leaver"]);
    await acme.ok("admin", "PATCH", `/api/v1/admin/users/${leaver}`, { active: false });
    const run = await acme.ok("admin", "POST", "/api/v1/admin/jobs/approval/reroute/run", {});
    await acme.settled("admin", `/api/v1/jobs/${run.id ?? run.job}`);
    assert.deepEqual(await open(acme, id), ["admin"]);
    await check(acme);
    assert.deepEqual(await open(acme, (await handed(acme, "sales1")).id), ["sales3"]);
  });

  await t.test(
    "Who may decide no more is asked no more, and hands nothing on to such",
    async () => {
      await use(acme, [{ id: "a", name: "一", approvers: members(acme, "manager", "viewer") }]);
      const { id } = await handed(acme, "sales1");
      const own = await task(acme, id, "manager");
      assert.deepEqual(await open(acme, id), ["manager", "viewer"]);
      await roles("viewer", ["viewer"]);
      const to = { to: acme.users.viewer };
      await refused(acme, "manager", "approval_task", own, "delegate", to, "to");
      const run = await acme.ok("admin", "POST", "/api/v1/admin/jobs/approval/reroute/run", {});
      await acme.settled("admin", `/api/v1/jobs/${run.id ?? run.job}`);
      assert.deepEqual(await open(acme, id), ["admin", "manager"]);
      const chosen = [{ id: "a", name: "一", approvers: [{ kind: "choice" }] }];
      await use(acme, chosen);
      const { answer } = await submit(acme, "sales1", { chosen: { a: [acme.users.viewer] } });
      assert.deepEqual(Object.keys(answer.json.error.fields), ["chosen"]);
      await use(acme, [{ id: "a", name: "一", approvers: [viewers] }]);
      assert.deepEqual(
        await open(acme, (await handed(acme, "sales1")).id),
        ["admin"],
        "of the role",
      );
      await roles("viewer", ["viewer", "approver"]);
      assert.deepEqual(await open(acme, (await handed(acme, "sales1")).id), ["viewer"]);
      await check(acme);
    },
  );

  await t.test("deleting many needs a second person and a list that stays as it was", async () => {
    const ids = [];
    for (let i = 0; i < 5; i++)
      ids.push((await acme.create("sales1", "contact", { name: `联系人 ${i} ${acme.mark}` })).id);
    const ask = { entity: "contact", operation: "delete" };
    const bad = await acme.as("sales2", "POST", `${RECORDS}/pending_operation`, {
      body: { ...ask, ids },
    });
    assert.equal(bad.status, 422, bad.text);
    const op = await acme.create("sales1", "pending_operation", { ...ask, ids });
    assert.equal((await act(acme, "sales1", "pending_operation", op.id, "commit")).status, 403);
    const own = await acme.create("manager", "pending_operation", {
      ...ask,
      operation: "transfer",
      to: acme.users.sales2,
      ids,
    });
    await refused(acme, "manager", "pending_operation", own.id, "commit", {}, "owner");
    await done(acme, "admin", "pending_operation", own.id, "refuse", { comment: "不行" });
    await done(acme, "admin", "pending_operation", op.id, "commit");
    await refused(acme, "admin", "pending_operation", op.id, "commit", {}, "state");
    for (;;) {
      const now = await read(acme, "pending_operation", op.id);
      if (now.state === "done") {
        assert.deepEqual([now.done_count, now.count], [5, 5]);
        break;
      }
      await new Promise((wake) => setTimeout(wake, 50));
    }
    assert.equal((await acme.as("admin", "GET", `${RECORDS}/contact/${ids[0]}`)).status, 404);
  });

  await t.test("more than the threshold is deleted or given away by two, not by one", async () => {
    const config = "/api/v1/admin/plugins/approval/config";
    await acme.ok("admin", "PUT", config, { delete_threshold: 3, transfer_threshold: 2 });
    const ids = [];
    for (let i = 0; i < 8; i++)
      ids.push((await acme.create("sales1", "contact", { name: `很多 ${i} ${acme.mark}` })).id);
    const bulk = (items, atomic) =>
      acme.as("sales1", "POST", `${RECORDS}/contact/bulk`, { body: { items, atomic } });
    const deletes = (some) => some.map((id) => ({ op: "delete", id }));
    const away = ids.map((id) => ({ op: "update", id, data: { owner: acme.users.sales2 } }));
    // In another ten minutes they would be counted anew.
    while (new Date().getMinutes() % 10 === 9 && new Date().getSeconds() > 50)
      await new Promise((wake) => setTimeout(wake, 500));
    const whole = await bulk(deletes(ids.slice(0, 4)), true);
    assert.equal(whole.status, 422, whole.text);
    assert.ok(whole.text.includes("too_many_deleted"), whole.text);
    assert.equal((await list(acme, "contact", "name[prefix]=很多")).length, 8, "all or none");
    const some = await bulk(deletes(ids.slice(0, 4)), false);
    assert.deepEqual([some.json.done, some.json.failed], [3, 1], some.text);
    const one = await acme.as("sales1", "DELETE", `${RECORDS}/contact/${ids[4]}`);
    assert.equal(one.status, 422, "nor one by one");
    assert.equal((await bulk(away.slice(4, 8), true)).status, 422);
    const ask = { entity: "contact", operation: "delete", ids: ids.slice(3) };
    const op = await acme.create("sales1", "pending_operation", ask);
    await done(acme, "admin", "pending_operation", op.id, "commit");
    for (let now = op; now.state !== "done";) {
      now = await read(acme, "pending_operation", op.id);
      assert.notEqual(now.state, "refused");
      await new Promise((wake) => setTimeout(wake, 50));
    }
    assert.deepEqual(await list(acme, "contact", "name[prefix]=很多"), [], "carried out for both");
    assert.equal(
      (await globex.as("admin", "PUT", config, { delete_threshold: -1 })).status,
      400,
      "a threshold is a number",
    );
    await acme.ok("admin", "PUT", config, { delete_threshold: 0, transfer_threshold: 0 });
  });

  await t.test("more rows than the threshold are taken out by two, not by one", async () => {
    const config = "/api/v1/admin/plugins/approval/config";
    await acme.ok("admin", "PUT", config, { export_threshold: 3 });
    const all = await acme.ok("manager", "GET", `${RECORDS}/account?count=1&limit=1`);
    assert.ok(all.count > 3);
    const taken = async (tenant, login, body) => {
      const job = await tenant.ok(login, "POST", "/api/v1/exports", { entity: "account", ...body });
      for (;;) {
        const now = await tenant.ok(login, "GET", `/api/v1/jobs/${job.id}`);
        if (now.state !== "queued" && now.state !== "running") return now;
        await new Promise((wake) => setTimeout(wake, 50));
      }
    };
    // In another ten minutes they would be counted anew.
    while (new Date().getMinutes() % 10 === 9 && new Date().getSeconds() > 50)
      await new Promise((wake) => setTimeout(wake, 500));
    const one = { filter: { name: `客户 1 ${acme.mark}` } };
    const few = await taken(acme, "manager", one);
    assert.equal(few.result.rows, 1);
    assert.ok(few.result.file, "what is few is handed out at once");
    const many = await taken(acme, "manager", {});
    assert.equal(many.state, "done");
    assert.equal(many.result.rows, all.count);
    assert.equal(many.result.file, undefined, "the file is held back");
    const { entity, id } = many.result.held;
    assert.equal(entity, "pending_operation");
    const file = (await read(acme, entity, id)).file;
    assert.equal(file, null, "whoever looks, nobody sees it yet");
    const mine = await acme.ok("manager", "GET", `${RECORDS}/${entity}/${id}`);
    assert.deepEqual([mine.operation, mine.count, mine.state], ["export", all.count, "waiting"]);
    await refused(acme, "manager", entity, id, "commit", {}, "owner");
    assert.equal((await act(acme, "sales1", entity, id, "commit")).status, 404);
    assert.equal((await act(globex, "admin", entity, id, "commit")).status, 404);
    await done(acme, "admin", entity, id, "commit");
    const open = await acme.ok("manager", "GET", `${RECORDS}/${entity}/${id}`);
    assert.deepEqual([open.state, open.done_count], ["done", all.count]);
    const path = `/api/v1/files/${open.file.id ?? open.file}`;
    const csv = await acme.as("manager", "GET", path);
    assert.equal(csv.status, 200, csv.text);
    assert.equal(csv.text.trim().split("\n").length, all.count + 1);
    assert.equal((await acme.as("sales1", "GET", path)).status, 404);
    assert.equal((await globex.as("admin", "GET", path)).status, 404);
    // Another that is refused stays where it is: nobody has the file.
    const again = (await taken(acme, "manager", {})).result.held;
    await done(acme, "admin", entity, again.id, "refuse", { comment: "太多" });
    const gone = await acme.ok("manager", "GET", `${RECORDS}/${entity}/${again.id}`);
    assert.deepEqual([gone.state, gone.file], ["refused", null]);
    const byHand = await acme.as("manager", "POST", `${RECORDS}/pending_operation`, {
      body: { entity: "account", operation: "export" },
    });
    assert.equal(byHand.status, 422, byHand.text);
    assert.deepEqual(Object.keys(byHand.json.error.fields), ["operation"]);
    await acme.ok("admin", "PUT", config, { export_threshold: 0 });
    assert.ok((await taken(acme, "manager", {})).result.file, "no threshold, nothing is held");
  });

  await t.test("any histories keep the invariants", async () => {
    let seed = 20261122;
    const next = (n) => (seed = (seed * 48271) % 2147483647) % n;
    const staff = ["manager", "viewer", "sales2", "sales3", "admin"];
    const modes = ["all", "any", "sequence"];
    await use(
      acme,
      modes.map((mode, at) => ({
        id: mode,
        name: mode,
        mode,
        approvers: members(acme, staff[at], staff[at + 1], staff[at + 2]),
      })),
      { repeated: "first_only" },
    );
    const ids = [];
    for (let i = 0; i < 6; i++) ids.push((await handed(acme, "sales1")).id);
    const verbs = [
      "approve",
      "approve",
      "approve",
      "reject",
      "send_back",
      "delegate",
      "add_before",
      "add_after",
    ];
    for (let step = 0; step < 120; step++) {
      const id = ids[next(ids.length)];
      const tasks = await list(acme, "approval_task", `approval=${id}&state=open`);
      if (tasks.length === 0) continue;
      const one = tasks[next(tasks.length)];
      const login = Object.keys(acme.users).find((name) => acme.users[name] === one.owner);
      const user = acme.users[staff[next(staff.length)]];
      const to = next(2) ? "all" : undefined;
      const verb = verbs[next(verbs.length)];
      const body = { comment: "随机", users: [user], to: verb === "delegate" ? user : to };
      const answer = await act(acme, login, "approval_task", one.id, verb, body);
      assert.ok([200, 422, 403].includes(answer.status), answer.text);
      if (step % 20 === 0) await check(acme);
    }
    assert.ok((await check(acme)) > 10);
  });

  await t.test("people are told what is asked of them and what has become of theirs", async () => {
    const told = async (login) => {
      const { items } = await acme.ok(login, "GET", `${RECORDS}/notification?limit=200`);
      return new Set(items.map(({ kind }) => kind));
    };
    const manager = await told("manager");
    for (const kind of ["asked", "done", "refused"]) assert.ok(manager.has(kind), kind);
    const sales1 = await told("sales1");
    for (const kind of ["approved", "done"]) assert.ok(sales1.has(kind), kind);
  });

  await t.test("another company sees and decides nothing of it", async () => {
    assert.deepEqual(await list(globex, "approval", ""), []);
    const [one] = await list(acme, "approval_task", "state=open");
    assert.equal((await act(globex, "admin", "approval_task", one.id, "approve")).status, 404);
    const nobody = await acme.as("sales2", "GET", `${RECORDS}/approval?limit=200`);
    assert.ok(nobody.json.items.every(({ submitter }) => submitter !== undefined));
    assert.equal(
      (await acme.as("sales1", "POST", `${RECORDS}/approval_flow`, { body: {} })).status,
      403,
    );
  });

  await t.test("everything holds, as the company's check sees it", () => {
    for (const name of ["acme", "globex"]) must(w.server.data, ["check", name]);
  });
});

test("approvals are switched off and on again while deals wait", async (t) => {
  const { globex } = w;
  const owner = "sales1";
  // The first deal makes the stages.
  const first = await globex.create(owner, "opportunity", { name: `X ${globex.mark}` });
  const query = `pipeline=${first.pipeline}&kind=open&sort=order`;
  const stages = await list(globex, "stage", query);
  assert.ok(stages.length > 2, JSON.stringify(stages));
  const approvers = [{ kind: "member", users: [globex.users.manager] }];
  const nodes = [{ id: "m", name: "M", approvers }];
  const id = await use(globex, nodes, {
    entity: "opportunity",
    purpose: "stage",
    guarded: ["stage"],
  });
  for (const stage of stages) {
    const more = stage.id === stages[1].id ? { approval_flow: id } : {};
    await globex.ok("admin", "PATCH", `${RECORDS}/stage/${stage.id}`, {
      required_fields: [],
      checklist: [],
      ...more,
    });
  }
  const move = (deal, at) =>
    done(globex, owner, "opportunity", deal, "move", { stage: stages[at].id });
  const deals = {};
  for (const name of ["waits", "moved", "lost", "entered"]) {
    const body = { name: `${name} ${globex.mark}`, amount: { amount: "9.00", currency: "CNY" } };
    deals[name] = (await globex.create(owner, "opportunity", body)).id;
    await move(deals[name], 1);
  }
  const place = async (name) => {
    const deal = await read(globex, "opportunity", deals[name]);
    const at = stages.findIndex((stage) => stage.id === deal.stage);
    return [at < 0 ? deal.kind : at, deal.stage_wanted];
  };
  const approve = async (name) => {
    const [one] = await list(globex, "approval", `about=${deals[name]}&state=running`);
    const [task] = await list(globex, "approval_task", `approval=${one.id}&state=open`);
    return done(globex, "manager", "approval_task", task.id, "approve", { comment: "好" });
  };
  for (const name in deals) assert.deepEqual(await place(name), [0, stages[1].id]);

  await t.test("off: deals move as if nothing waited, and what waited is kept", async () => {
    w.server.must(["plugin", "disable", "globex", "approval"]);
    assert.deepEqual(await place("waits"), [0, undefined]);
    await move(deals.moved, 1);
    await move(deals.moved, 2);
    await move(deals.entered, 1);
    await done(globex, owner, "opportunity", deals.lost, "lose", { reason: "price" });
  });

  await t.test("on: the wait goes on, and what has moved on stays there", async () => {
    w.server.must(["plugin", "enable", "globex", "approval"]);
    assert.deepEqual(await place("waits"), [0, stages[1].id]);
    const no = { reason: "price" };
    const locked = await act(globex, owner, "opportunity", deals.waits, "lose", no);
    assert.equal(locked.status, 422, locked.text);
    for (const name in deals) await approve(name);
    assert.deepEqual(await place("waits"), [1, null]);
    assert.deepEqual(await place("entered"), [1, null]);
    assert.deepEqual(await place("moved"), [2, null]);
    assert.deepEqual(await place("lost"), ["lost", null]);
    const { items } = await globex.ok(owner, "GET", `${RECORDS}/notification?limit=200`);
    const told = items.filter(({ kind }) => kind === "stage_moved_on");
    assert.equal(told.length, 2, JSON.stringify(items.map(({ kind }) => kind)));
    must(w.server.data, ["check", "globex"]);
  });
});
