// world - two companies on one server, with the same plugins and the same staff.
// SPDX-License-Identifier: MIT
//
//   head office
//   ├─ sales       manager (head, sales_manager), sales1 and sales2 (sales, team east)
//   └─ marketing   sales3 (sales, team west)
//   admin (admin) and viewer (viewer) stand outside the tree
//
// Whatever globex owns carries its marker; a client of acme that is shown it fails (client.mjs).
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before } from "node:test";
import { Client } from "./client.mjs";
import { folder, must, ROOT, Server } from "./server.mjs";

export const PASSWORD = "Perigee-Test-2026!";
export const MARKS = { acme: "zqacmezq", globex: "zqglobexzq" };
export const HOSTS = { acme: "acme.example.com", globex: "globex.example.com" };
const PLUGINS = "people,leads,hello";
const SETTLED_MS_MAX = 240_000; // below what a whole file of tests may take
const STAFF = {
  sales1: { roles: ["sales"], team: "east", department: "sales" },
  sales2: { roles: ["sales"], team: "east", department: "sales" },
  sales3: { roles: ["sales"], team: "west", department: "marketing" },
  manager: { roles: ["sales_manager"], department: "sales" },
  viewer: { roles: ["viewer"] },
};

export class Tenant {
  constructor(name, server) {
    this.name = name;
    this.mark = MARKS[name];
    this.host = HOSTS[name];
    const foreign = Object.keys(MARKS).filter((other) => other !== name);
    this.client = new Client({
      port: server.port,
      host: this.host,
      foreign: foreign.map((other) => MARKS[other]),
    });
    this.tokens = {};
    this.issued = [];
    this.users = {};
    this.departments = {};
    this.teams = {};
  }

  /** Signs in once and keeps the token. */
  async token(login) {
    this.tokens[login] ??= this.signIn(login).then((session) => session.token);
    return this.tokens[login];
  }

  async signIn(login, password = PASSWORD) {
    const answer = await this.client.request("POST", "/api/v1/sessions", {
      body: { login, password },
    });
    assert.equal(answer.status, 201, `sign-in of ${login}: ${answer.text}`);
    this.issued.push(answer.json.token);
    return answer.json;
  }

  /** A request as a user of this company, or as nobody (null). */
  async as(login, method, path, options = {}) {
    const token = options.token ?? (login ? await this.token(login) : undefined);
    return this.client.request(method, path, { ...options, token });
  }

  /** The same, with the status it has to have; gives the JSON. */
  async ok(login, method, path, body, options = {}) {
    const answer = await this.as(login, method, path, { body, ...options });
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.json;
  }

  create(login, entity, body) {
    return this.ok(login, "POST", `/api/v1/records/${entity}`, body);
  }

  /** Polls what `path` shows until it has come to an end. */
  async settled(login, path) {
    const over = ["done", "failed", "cancelled", "undone", "mapped"];
    const end = Date.now() + SETTLED_MS_MAX;
    for (let wait = 20; ; wait = Math.min(wait * 2, 500)) {
      const job = await this.ok(login, "GET", path);
      if (over.includes(job.state)) return job;
      assert.ok(Date.now() < end, `${path} comes to no end: ${JSON.stringify(job)}`);
      await new Promise((done) => setTimeout(done, wait));
    }
  }

  close() {
    this.client.close();
  }
}

async function makeStaff(tenant) {
  tenant.staffed = true;
  const department = async (name, parent) => {
    const made = await tenant.ok("admin", "POST", "/api/v1/admin/departments", { name, parent });
    tenant.departments[name] = made.id;
  };
  await department("head");
  await department("sales", tenant.departments.head);
  await department("marketing", tenant.departments.head);
  for (const name of ["east", "west"]) {
    tenant.teams[name] = (await tenant.create("admin", "team", { name })).id;
  }
  for (const [login, { roles, team, department: place }] of Object.entries(STAFF)) {
    const body = { login, name: `${login} ${tenant.mark}`, roles, password: PASSWORD };
    if (team) body.team = tenant.teams[team];
    if (place) body.department = tenant.departments[place];
    const made = await tenant.ok("admin", "POST", "/api/v1/admin/users", body);
    tenant.users[login] = made.id;
  }
  const all = await tenant.ok("admin", "GET", "/api/v1/admin/users?login=admin");
  tenant.users.admin = all.items[0].id;
}

/** Every plugin that the product has. */
export function everyPlugin() {
  const root = join(ROOT, "plugins");
  const ids = readdirSync(root).filter((id) => existsSync(join(root, id, "plugin.json")));
  return ids.filter((id) => id !== "core").join(",");
}

/** The folder with both companies and their administrators, before any server runs. `names` are
 * further host names, by company. */
export function makeFolder(data = folder(), names = {}, plugins = PLUGINS) {
  must(data, ["init"]);
  for (const name of Object.keys(MARKS)) {
    const hosts = [HOSTS[name], ...(names[name] ?? [])].flatMap((host) => ["--host", host]);
    const host = [...hosts, "--title", `${MARKS[name]} company`];
    must(data, ["tenant", "create", name, ...host, "--plugins", plugins]);
    const admin = ["user", "create", name, "admin", "--role", "admin", "--password-stdin"];
    must(data, admin, { input: `${PASSWORD}\n` });
  }
  return data;
}

/* Each company's things are found in its own folder, so this search finds what is there.
 * Nothing of one company lies in the other's folder, and no password or token lies anywhere. */
function searchFiles(data, tenants) {
  const own = new Set();
  const tokens = tenants.flatMap(({ issued }) => issued);
  assert.ok(tokens.length > 0);
  for (const path of readdirSync(data, { recursive: true })) {
    const file = join(data, path);
    if (!statSync(file).isFile()) continue;
    const bytes = readFileSync(file);
    for (const secret of [PASSWORD, ...tokens]) {
      assert.ok(!bytes.includes(secret), `${path} holds a secret in plain text`);
    }
    for (const tenant of tenants) {
      if (path.startsWith(`tenants/${tenant.name}/`) && bytes.includes(tenant.mark)) {
        own.add(tenant.name);
      }
      if (!path.startsWith("tenants/") || path.startsWith(`tenants/${tenant.name}/`)) continue;
      assert.ok(!bytes.includes(tenant.mark), `${path} holds something of ${tenant.name}`);
    }
  }
  for (const { name, staffed } of tenants)
    assert.ok(!staffed || own.has(name), `${name} has no files`);
}

/**
 * For the top of a test file: the server of this file with both companies, started before its tests
 * and judged after them; `deaths`: processes of it may die; `plugins`: others than the usual ones.
 * Fields of what it gives are filled by then.
 */
export function world({ staff = true, setup, hosts, plugins, deaths = false, ...options } = {}) {
  const w = {};
  before(async () => {
    w.server = new Server(makeFolder(undefined, hosts, plugins));
    await w.server.start(options);
    for (const name of Object.keys(MARKS)) w[name] = new Tenant(name, w.server);
    if (staff) {
      await makeStaff(w.acme);
      await makeStaff(w.globex);
    }
    if (setup) await setup(w);
  });
  after(async () => {
    w.acme?.close();
    w.globex?.close();
    try {
      await w.server?.stop({ deaths });
      if (w.server) searchFiles(w.server.data, [w.acme, w.globex]);
    } finally {
      w.server?.remove();
    }
  });
  return w;
}
