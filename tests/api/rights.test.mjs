// rights - row rules and field rules, wherever data can be had; a change of them counts at once.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, multipart, query } from "../kit/client.mjs";
import { PASSWORD, world } from "../kit/world.mjs";

const LEADS = "/api/v1/records/lead";
const ACCOUNTS = "/api/v1/records/account";
const w = world({
  setup: async ({ acme }) => {
    w.leads = {};
    for (const login of ["sales1", "sales2", "sales3", "manager"]) {
      w.leads[login] = await acme.create(login, "lead", {
        name: `lead of ${login}`,
        company: "searchable",
      });
    }
    w.leads.pool = await acme.create("admin", "lead", {
      name: "lead of the pool",
      company: "searchable",
      owner: null,
    });
    w.accounts = {};
    for (const login of ["sales1", "sales2", "sales3"]) {
      w.accounts[login] = await acme.create(login, "account", { name: `account of ${login}` });
    }
    await acme.ok("admin", "PUT", "/api/v1/admin/roles/blinkered", {
      label: "Blinkered",
      grants: {
        lead: {
          read: "all",
          create: true,
          update: "all",
          export: true,
          fields: { company: "none", source: "none", title: "read", "*": "write" },
        },
      },
    });
    const body = {
      login: "blinkered",
      name: "Blinkered",
      roles: ["blinkered"],
      password: PASSWORD,
    };
    await acme.ok("admin", "POST", "/api/v1/admin/users", body);
  },
});

const SEEN = {
  sales1: ["sales1", "sales2", "pool"],
  sales2: ["sales1", "sales2", "pool"],
  sales3: ["sales3", "pool"],
  manager: ["sales1", "sales2", "manager", "pool"],
  viewer: ["sales1", "sales2", "sales3", "manager", "pool"],
  admin: ["sales1", "sales2", "sales3", "manager", "pool"],
};

for (const [login, seen] of Object.entries(SEEN)) {
  test(`${login} sees the leads of ${seen.join(", ")}: in every way`, async () => {
    const wanted = seen.map((owner) => w.leads[owner].id).sort();
    const sorted = (items) => items.map(({ id }) => id).sort();
    const list = await w.acme.ok(login, "GET", `${LEADS}?count=true`);
    assert.deepEqual(sorted(list.items), wanted);
    assert.equal(list.count, wanted.length);
    const { groups } = await w.acme.ok(login, "POST", `${LEADS}/query`, { measure: ["count"] });
    assert.equal(groups[0].count, wanted.length);
    const board = await w.acme.ok(login, "POST", `${LEADS}/board`, { group_by: "status" });
    assert.equal(
      board.columns.reduce((sum, column) => sum + column.count, 0),
      wanted.length,
    );
    const found = await w.acme.ok(login, "GET", "/api/v1/search?q=searchable&entities=lead");
    assert.deepEqual(sorted(found.groups.flatMap(({ items }) => items)), wanted);
    const feed = await w.acme.ok(login, "GET", "/api/v1/changes?since=0&limit=200");
    const fed = new Set(feed.items.filter(({ entity }) => entity === "lead").map(({ id }) => id));
    assert.deepEqual([...fed].sort(), wanted);
    for (const [owner, { id }] of Object.entries(w.leads)) {
      const status = seen.includes(owner) ? 200 : 404;
      for (const part of ["", "/history", "/timeline"]) {
        const answer = await w.acme.as(login, "GET", `${LEADS}/${id}${part}`);
        assert.equal(answer.status, status, `${login} reads ${part} of ${owner}'s lead`);
      }
    }
  });
}

test("who may read may not therefore write", async () => {
  const path = `${LEADS}/${w.leads.sales1.id}`;
  for (const [login, status] of [
    ["sales2", 403],
    ["viewer", 403],
    ["sales3", 404],
  ]) {
    const patch = await w.acme.as(login, "PATCH", path, { body: { company: "taken" } });
    assert.equal(patch.status, status, `${login}: ${patch.text}`);
    const gone = await w.acme.as(login, "DELETE", path);
    assert.equal(gone.status, status, `${login}: ${gone.text}`);
    const bulk = await w.acme.as(login, "POST", `${LEADS}/bulk`, {
      body: { items: [{ op: "update", id: w.leads.sales1.id, data: { company: "taken" } }] },
    });
    assert.ok(!bulk.text.includes('"company":"taken"'), bulk.text);
  }
  const { company } = await w.acme.ok("sales1", "GET", path);
  assert.equal(company, "searchable");
});

test("a record is not given away out of one's own sight by somebody else", async () => {
  const lead = await w.acme.create("sales1", "lead", { name: "mine to give" });
  const taken = await w.acme.as("sales3", "PATCH", `${LEADS}/${lead.id}`, {
    body: { owner: w.acme.users.sales3 },
  });
  assert.equal(taken.status, 404);
});

test("accounts: a team sees its own, a department head the subtree", async () => {
  const names = async (login) =>
    (await w.acme.ok(login, "GET", `${ACCOUNTS}?sort=name`)).items.map(({ name }) => name);
  assert.deepEqual(await names("sales1"), ["account of sales1", "account of sales2"]);
  assert.deepEqual(await names("sales3"), ["account of sales3"]);
  assert.deepEqual(await names("manager"), ["account of sales1", "account of sales2"]);
});

test("an expanded reference that may not be seen is null", async () => {
  const account = w.accounts.sales3.id;
  const contact = await w.acme.create("admin", "contact", { name: "between", account });
  await w.acme.ok("admin", "PATCH", `/api/v1/records/contact/${contact.id}`, {
    owner: w.acme.users.sales1,
  });
  const path = `/api/v1/records/contact/${contact.id}?expand=account`;
  const mine = await w.acme.ok("sales1", "GET", path);
  assert.equal(mine.account, null);
  assert.equal((await w.acme.ok("admin", "GET", path)).account.id, account);
  const filtered = await w.acme.ok(
    "sales1",
    "GET",
    `/api/v1/records/contact${query({ filter: { "account.name": { contains: "sales3" } } })}`,
  );
  assert.equal(filtered.items.length, 0, "nor found through");
});

test("grouping by a reference that may not be seen tells nothing of it", async () => {
  const path = "/api/v1/records/contact/query";
  for (const group of ["account", "account.name", "account.industry"]) {
    const answer = await w.acme.as("sales1", "POST", path, {
      body: { group: [group], measure: ["count"] },
    });
    assert.ok(!answer.text.includes("account of sales3"), `${group}: ${answer.text}`);
  }
  for (const sort of ["account.name", "-account.name"]) {
    const answer = await w.acme.as("sales1", "GET", `/api/v1/records/contact?sort=${sort}`);
    assert.ok(!answer.text.includes("account of sales3"), answer.text);
  }
  const fields = await w.acme.as(
    "sales1",
    "GET",
    "/api/v1/records/contact?fields=name,account.name",
  );
  assert.ok(!fields.text.includes("account of sales3"), fields.text);
});

test("one's own profile shows of others only what the roles show", async () => {
  const user = `/api/v1/admin/users/${w.acme.users.sales1}`;
  await w.acme.ok("admin", "PATCH", user, { manager: w.acme.users.manager });
  const plain = await w.acme.ok("sales1", "GET", `/api/v1/records/user/${w.acme.users.manager}`);
  assert.ok(!("login" in plain) && !("roles" in plain), "sales does not see logins");
  const answer = await w.acme.as("sales1", "GET", "/api/v1/me?expand=manager");
  if (answer.status === 422) return; // not offered
  const me = answer.json;
  assert.ok(!JSON.stringify(me.manager).includes("sales_manager"), JSON.stringify(me.manager));
  assert.ok(!("login" in (me.manager ?? {})), JSON.stringify(me.manager));
});

test("an export leaves out what is hidden, an import refuses it", async () => {
  const made = await w.acme.ok("blinkered", "POST", "/api/v1/exports", {
    entity: "lead",
    format: "csv",
  });
  const job = await w.acme.settled("blinkered", `/api/v1/jobs/${made.id}`);
  const file = await w.acme.as("blinkered", "GET", `/api/v1/files/${job.result.file}`);
  assert.equal(file.status, 200, file.text);
  assert.ok(file.text.includes("lead of sales1"));
  assert.ok(
    !file.text.includes("searchable") && !/company|公司/.test(file.text.split("\n")[0]),
    file.text,
  );
  const filtered = await w.acme.as("blinkered", "POST", "/api/v1/exports", {
    body: { entity: "lead", filter: { company: "searchable" } },
  });
  if (filtered.status < 300) {
    const done = await w.acme.settled("blinkered", `/api/v1/jobs/${filtered.json.id}`);
    assert.equal(done.state, "failed", JSON.stringify(done));
  } else {
    assert.equal(filtered.status, 403, filtered.text);
  }
});

test("what hangs on a record is for who may read the record", async () => {
  const attach = (login, record) =>
    w.acme.as(login, "POST", "/api/v1/files", {
      ...multipart([
        { name: "entity", content: "lead" },
        { name: "record", content: record },
        { name: "file", filename: "offer.txt", type: "text/plain", content: "an offer" },
      ]),
    });
  const made = await attach("sales1", w.leads.sales1.id);
  assert.equal(made.status, 201, made.text);
  const path = `/api/v1/files/${made.json.id}`;
  const sees = async (login) => (await w.acme.as(login, "GET", path)).status;
  assert.deepEqual(
    [await sees("sales1"), await sees("sales2"), await sees("sales3")],
    [200, 200, 404],
  );
  assert.ok([403, 404].includes((await attach("sales3", w.leads.sales1.id)).status));
  assert.ok(
    [403, 404].includes((await attach("sales2", w.leads.sales1.id)).status),
    "who may not change it",
  );
});

test("a field that is read is not written", async () => {
  const patch = await w.acme.as("sales1", "PATCH", `${ACCOUNTS}/${w.accounts.sales1.id}`, {
    body: { payment_days: 90 },
  });
  assert.ok([403, 422].includes(patch.status), patch.text);
  assert.ok(patch.text.includes("payment_days"));
  const kept = await w.acme.ok("sales1", "GET", `${ACCOUNTS}/${w.accounts.sales1.id}`);
  assert.equal(kept.payment_days, null);
});

test("a hidden field is not shown, selected, filtered, sorted, grouped or searched", async () => {
  const as = (method, path, body) => w.acme.as("blinkered", method, path, { body });
  const list = await as("GET", LEADS);
  assert.equal(list.status, 200);
  assert.ok(list.json.items.length > 0);
  assert.ok(!list.text.includes("company") && !list.text.includes("searchable"), list.text);
  const one = await as("GET", `${LEADS}/${w.leads.sales1.id}`);
  assert.ok(!one.text.includes("searchable"));
  const refused = [
    ["GET", `${LEADS}?fields=name,company`],
    ["GET", `${LEADS}?company=searchable`],
    ["GET", `${LEADS}${query({ filter: { not: { company: "x" } } })}`],
    ["GET", `${LEADS}?sort=company`],
    ["POST", `${LEADS}/query`, { group: ["company"], measure: ["count"] }],
    ["POST", `${LEADS}/query`, { filter: { or: [{ company: { prefix: "s" } }] } }],
    ["POST", `${LEADS}/board`, { group_by: "source" }],
  ];
  for (const [method, path, body] of refused) {
    const answer = await as(method, path, body);
    assert.equal(answer.status, 403, `${method} ${path} ${JSON.stringify(body)}: ${answer.text}`);
    assert.ok(!answer.text.includes("searchable"));
  }
  const same = await as("POST", `${LEADS}/duplicates`, { company: "searchable" });
  assert.ok([403, 422].includes(same.status), same.text);
  const found = await as("GET", "/api/v1/search?q=searchable");
  assert.deepEqual(
    found.json.groups.flatMap(({ items }) => items),
    [],
  );
  const listed = await as("GET", `${LEADS}?q=searchable`);
  assert.deepEqual(listed.json.items, []);
  const history = await as("GET", `${LEADS}/${w.leads.sales1.id}/history`);
  assert.ok(!history.text.includes("searchable"), history.text);
  const meta = await as("GET", "/api/v1/meta/lead");
  assert.ok(!meta.json.fields.some(({ name }) => name === "company"));
  const openapi = await as("GET", "/api/v1/openapi.json");
  assert.equal(openapi.status, 200);
  const write = await as("PATCH", `${LEADS}/${w.leads.sales1.id}`, { company: "overwritten" });
  assert.ok([403, 422].includes(write.status), write.text);
  const create = await as("POST", LEADS, { name: "x", company: "y" });
  assert.ok([403, 422].includes(create.status), create.text);
  const title = await as("PATCH", `${LEADS}/${w.leads.sales1.id}`, { title: "read only" });
  assert.ok([403, 422].includes(title.status), title.text);
});

test("roles of the company itself: a change counts on every gateway at once", async () => {
  const roles = "/api/v1/admin/roles/temporary";
  const grants = (read) => ({ label: "Temporary", grants: { lead: { read } } });
  await w.acme.ok("admin", "PUT", roles, grants("all"));
  await w.acme.ok("admin", "POST", "/api/v1/admin/users", {
    login: "temp",
    name: "Temp",
    roles: ["temporary"],
    password: PASSWORD,
  });
  const token = await w.acme.token("temp");
  const clients = Array.from({ length: 6 }, () => new Client(w.acme.client.place));
  const counts = () =>
    Promise.all(
      clients.map(async (client) => {
        const answer = await client.request("GET", `${LEADS}?limit=200`, { token });
        return answer.status === 200 ? answer.json.items.length : answer.status;
      }),
    );
  const all = (await w.acme.ok("admin", "GET", `${LEADS}?limit=200`)).items.length;
  try {
    assert.deepEqual(
      await counts(),
      clients.map(() => all),
    );
    await w.acme.ok("admin", "PUT", roles, grants("own"));
    assert.deepEqual(
      await counts(),
      clients.map(() => 0),
    );
    await w.acme.ok("admin", "PUT", roles, grants({ owner: null }));
    assert.deepEqual(
      await counts(),
      clients.map(() => 1),
    );
    const user = `/api/v1/admin/users/${(await w.acme.ok("temp", "GET", "/api/v1/me")).id}`;
    await w.acme.ok("admin", "PATCH", user, { roles: [] });
    for (const answer of await counts()) assert.ok([403, 404].includes(answer), String(answer));
    await w.acme.ok("admin", "PATCH", user, { roles: ["viewer"] });
    assert.deepEqual(
      await counts(),
      clients.map(() => all),
    );
  } finally {
    for (const client of clients) client.close();
  }
});

test("moving a user to another team moves what is seen", async () => {
  const user = `/api/v1/admin/users/${w.acme.users.sales3}`;
  const sees = async () =>
    (await w.acme.as("sales3", "GET", `${ACCOUNTS}/${w.accounts.sales1.id}`)).status;
  assert.equal(await sees(), 404);
  await w.acme.ok("admin", "PATCH", user, { team: w.acme.teams.east });
  assert.equal(await sees(), 200);
  await w.acme.ok("admin", "PATCH", user, { team: w.acme.teams.west });
  assert.equal(await sees(), 404);
});

test("several roles add up", async () => {
  const body = { login: "both", name: "Both", roles: ["sales", "viewer"], password: PASSWORD };
  await w.acme.ok("admin", "POST", "/api/v1/admin/users", body);
  const all = (await w.acme.ok("admin", "GET", `${LEADS}?count=true`)).count;
  assert.equal((await w.acme.ok("both", "GET", `${LEADS}?count=true`)).count, all);
  const lead = await w.acme.create("both", "lead", { name: "of both" });
  assert.equal(lead.owner, (await w.acme.ok("both", "GET", "/api/v1/me")).id);
});

test("nobody gives themselves rights", async () => {
  for (const body of [{ roles: ["admin"] }, { active: true }, { team: w.acme.teams.west }]) {
    const answer = await w.acme.as("sales1", "PATCH", "/api/v1/me", { body });
    assert.equal(answer.status, 422, JSON.stringify(body));
  }
  const path = `/api/v1/records/user/${w.acme.users.sales1}`;
  const record = await w.acme.as("sales1", "PATCH", path, { body: { roles: ["admin"] } });
  assert.ok([403, 422].includes(record.status), record.text);
  for (const field of ["password", "mfa", "login", "roles"]) {
    const answer = await w.acme.as("sales1", "GET", `/api/v1/records/user?fields=name,${field}`);
    assert.ok([403, 422].includes(answer.status), `${field}: ${answer.text.slice(0, 300)}`);
  }
  const users = await w.acme.as("admin", "GET", "/api/v1/records/user");
  assert.ok(!users.text.includes("argon2"));
});

test("accounts are administration also when they are changed as records", async () => {
  const me = await w.acme.ok("admin", "GET", "/api/v1/me");
  const last = await w.acme.as("admin", "DELETE", `/api/v1/records/user/${me.id}`);
  assert.equal(last.status, 409, last.text);
  assert.match(last.text, /last_admin/);
  const still = await w.acme.ok("admin", "GET", "/api/v1/me");
  assert.equal(still.id, me.id);
  const path = `/api/v1/records/user/${w.acme.users.sales2}`;
  for (const login of ["sales1", "manager", "viewer"]) {
    const answer = await w.acme.as(login, "DELETE", path);
    assert.ok([403, 404].includes(answer.status), `${login}: ${answer.text}`);
  }
  const items = [{ op: "delete", id: w.acme.users.sales2 }];
  const bulk = await w.acme.as("admin", "POST", "/api/v1/records/user/bulk", { body: { items } });
  assert.equal(bulk.status, 403, bulk.text);
});

test("who administers users and may read only some sees only those", async () => {
  const grants = { user: { read: { login: "sales1" } } };
  const role = { label: "personnel", grants, admin: ["users"] };
  const put = await w.acme.as("admin", "PUT", "/api/v1/admin/roles/personnel", { body: role });
  assert.ok(put.status < 300, put.text);
  const body = { login: "personnel", name: "personnel", roles: ["personnel"], password: PASSWORD };
  await w.acme.ok("admin", "POST", "/api/v1/admin/users", body);
  const { items } = await w.acme.ok("personnel", "GET", "/api/v1/admin/users");
  assert.deepEqual(
    items.map(({ login }) => login),
    ["sales1"],
  );
  const one = (login) =>
    w.acme.as("personnel", "GET", `/api/v1/admin/users/${w.acme.users[login]}`);
  assert.equal((await one("sales1")).status, 200);
  assert.equal((await one("sales2")).status, 404);
});
