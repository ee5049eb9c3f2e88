// cli - the command line: every command, with a server beside it and without.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Client } from "../kit/client.mjs";
import { begin, binary, command, folder, must, Server } from "../kit/server.mjs";
import { PASSWORD } from "../kit/world.mjs";

/* Commands that ran with success here; the last test compares them with what --help lists. */
const ran = new Set();
let names = [];

function told(data, args, options) {
  const done = command(data, args, options);
  if (done.status === 0 && !args.includes("--help")) {
    const known = names.filter((name) => `${args.join(" ")} `.startsWith(`${name} `));
    ran.add(known.sort((a, b) => b.length - a.length)[0]);
  }
  return done;
}

function ok(data, args, options) {
  const done = told(data, args, options);
  assert.equal(done.status, 0, `${args.join(" ")}: ${done.stderr}`);
  return done.stdout;
}

/** One clear line on stderr, nothing on stdout. */
function refused(data, args, status, pattern, options) {
  const done = told(data, args, options);
  assert.equal(done.status, status, `${args.join(" ")}: ${done.stdout} ${done.stderr}`);
  const lines = done.stderr.trim().split("\n");
  assert.match(lines[0], /^perigee: \S/);
  if (status === 1) assert.equal(lines.length, 1, done.stderr);
  if (pattern) assert.match(lines[0], pattern);
}

/** What could not be written has not been told: no success. */
function nobodyReads(words) {
  const full = openSync("/dev/full", "w");
  const stdio = ["ignore", full, "pipe"];
  const env = { ...process.env, PERIGEE_DATA: data };
  const done = spawnSync(binary(), words, { stdio, env, encoding: "utf8" });
  closeSync(full);
  assert.equal(done.status, 1, words.join(" "));
  assert.match(done.stderr, /^perigee: the output could not be written.*\n$/);
}

const PASS = { input: `${PASSWORD}\n` };
let data;
before(() => {
  data = folder();
  const help = must(data, ["--help"]);
  names = [...help.matchAll(/^ {2}([a-z][a-z -]*?)(?: [A-Z[].*?)? {2,}\S/gm)].map((match) =>
    match[1].trim(),
  );
  assert.ok(names.length > 15, help);
});
after(() => rmSync(data, { recursive: true, force: true }));

test("--help, --version and wrong usage", () => {
  for (const name of names) {
    const help = ok(data, [...name.split(" "), "--help"]);
    assert.match(help, new RegExp(`^usage: perigee ${name}`));
    for (const option of ["--data", "--help", "--json"])
      assert.ok(help.includes(option), `${name} ${option}`);
  }
  assert.match(ok(data, ["--version"]), /^perigee \d/);
  const bare = command(data, []);
  assert.equal(bare.status, 2);
  assert.match(bare.stderr, /usage/);
  refused(data, ["fly"], 2, /no command "fly"/);
  refused(data, ["tenant", "fly"], 2, /tenant fly/);
  const group = ok(data, ["plugin", "--help"]);
  assert.match(group, /^usage: perigee plugin COMMAND[^]* plugin new ID[^]* plugin deploy TENANT/);
  assert.doesNotMatch(group, /tenant create/);
  refused(data, ["plugin"], 2, /no command "plugin"\. There are:/);
  refused(data, ["tenant", "list", "--colour"], 2, /--colour/);
  refused(data, ["tenant", "list", "too", "many"], 2, /too many/);
  refused(data, ["tenant", "show"], 2, /needs NAME/);
  refused(data, ["serve", "--listen"], 2, /--listen/);
  refused(data, ["serve", "--gateways", "many"], 2, /gateways/);
  refused(data, ["serve", "--listen", "nowhere"], 2, /listen/);
  refused(data, ["tenant", "list", "--json=1"], 2, /--json/);
});

test("before init there is nothing to work on", () => {
  const none = join(data, "none");
  for (const args of [
    ["tenant", "list"],
    ["serve", "--listen", "127.0.0.1:0"],
  ]) {
    refused(none, args, 1);
    assert.ok(!existsSync(none), "asking makes no folder");
  }
});

test("init makes a folder that only its owner can read, once", () => {
  ok(data, ["init"]);
  assert.equal(statSync(join(data, "master.key")).mode & 0o777, 0o600);
  assert.equal(statSync(data).mode & 0o077, 0);
  assert.match(readFileSync(join(data, "README"), "utf8"), /audit_keep_days/);
  const key = readFileSync(join(data, "master.key"));
  refused(data, ["init"], 1);
  assert.ok(readFileSync(join(data, "master.key")).equals(key), "the key is still the same");
});

test("--data and PERIGEE_DATA name the folder; the flag wins", () => {
  const other = join(data, "other");
  ok(join(data, "elsewhere"), ["init", "--data", other]);
  assert.ok(existsSync(join(other, "control.db")));
  assert.ok(!existsSync(join(data, "elsewhere")));
  rmSync(other, { recursive: true });
});

/* The same commands twice: holding the folder's lock, and through a server. */
function commands(tenant) {
  const host = `${tenant}.example.com`;
  const list = (args) => JSON.parse(ok(data, [...args, "--json"])).items;
  refused(data, ["tenant", "create", tenant], 2, /--host/);
  ok(data, [
    "tenant",
    "create",
    tenant,
    "--host",
    host,
    "--title",
    "甲公司",
    "--plugins",
    "people,leads,hello",
  ]);
  refused(data, ["tenant", "create", tenant, "--host", "other.example.com"], 1);
  refused(data, ["tenant", "create", `${tenant}b`, "--host", host], 1);
  refused(data, ["tenant", "create", "../evil", "--host", "evil.example.com"], 1);
  refused(
    data,
    ["tenant", "create", `${tenant}c`, "--host", "c.example.com", "--plugins", "nothing"],
    1,
    /nothing/,
  );
  refused(
    data,
    ["tenant", "create", `${tenant}d`, "--host", "d.example.com", "--timezone", "Mars/X"],
    1,
  );
  assert.ok(list(["tenant", "list"]).some(({ name }) => name === tenant));
  assert.match(ok(data, ["tenant", "list"]), /甲公司/);
  assert.equal(JSON.parse(ok(data, ["tenant", "show", tenant, "--json"])).name, tenant);
  refused(data, ["tenant", "show", "nobody"], 1);

  ok(
    data,
    ["user", "create", tenant, "boss", "--role", "admin", "--name", "老板", "--password-stdin"],
    PASS,
  );
  const made = ok(data, [
    "user",
    "create",
    tenant,
    "helper",
    "--role",
    "viewer",
    "--role",
    "sales",
  ]);
  assert.match(made, /password: \S{12,}/);
  const told = JSON.parse(ok(data, ["user", "create", tenant, "clerk", "--json"]));
  assert.deepEqual([told.login, told.password.length], ["clerk", 16], "one document, and no more");
  const anew = JSON.parse(ok(data, ["user", "reset-password", tenant, "clerk", "--json"]));
  assert.match(anew.password, /^\S{16}$/);
  assert.notEqual(anew.password, told.password);
  refused(
    data,
    ["user", "create", tenant, "boss", "--role", "admin", "--password-stdin"],
    1,
    undefined,
    PASS,
  );
  refused(
    data,
    ["user", "create", tenant, "king", "--role", "king", "--password-stdin"],
    1,
    /king|role/,
    PASS,
  );
  refused(data, ["user", "create", tenant, "weak", "--password-stdin"], 1, /password/, {
    input: "short\n",
  });
  refused(data, ["user", "create", tenant, "none", "--password-stdin"], 2, /password/);
  refused(data, ["user", "create", "nobody", "x", "--password-stdin"], 1, undefined, PASS);
  const users = list(["user", "list", tenant]);
  assert.deepEqual(users.map(({ login }) => login).sort(), ["boss", "clerk", "helper"]);
  ok(data, ["user", "disable", tenant, "helper"]);
  assert.equal(
    list(["user", "list", tenant]).find(({ login }) => login === "helper").active,
    false,
  );
  ok(data, ["user", "enable", tenant, "helper"]);
  ok(data, ["user", "reset-password", tenant, "helper", "--password-stdin"], PASS);
  assert.match(ok(data, ["user", "reset-password", tenant, "helper", "--link"]), /token: pr_/);
  refused(data, ["user", "reset-password", tenant, "helper", "--link", "--password-stdin"], 2);
  ok(data, ["user", "reset-mfa", tenant, "helper"]);
  refused(data, ["user", "reset-mfa", tenant, "nobody"], 1, /nobody/);
  refused(data, ["user", "disable", tenant, "nobody"], 1, /nobody/);
  refused(data, ["user", "disable", tenant, "boss"], 1);

  const plugins = () =>
    Object.fromEntries(list(["plugin", "list", tenant]).map(({ id, state }) => [id, state]));
  assert.equal(plugins().hello, "enabled");
  assert.match(ok(data, ["plugin", "disable", tenant, "hello"]), /its data is kept: hello/);
  assert.equal(plugins().hello, "disabled");
  assert.match(ok(data, ["plugin", "enable", tenant, "hello"]), /enabled: hello/);
  refused(data, ["plugin", "disable", tenant, "people"], 1, /leads/);
  const noSuch = /There is no plugin helo; did you mean hello\?/;
  refused(data, ["plugin", "enable", tenant, "helo"], 1, noSuch);
  refused(data, ["plugin", "disable", tenant, "helo"], 1, noSuch);
  refused(data, ["plugin", "config", tenant, "helo"], 1, noSuch);
  assert.match(ok(data, ["plugin", "release", tenant, "hello"]), /nothing of hello/);
  refused(data, ["plugin", "release", tenant, "nothing"], 1, /There is no plugin nothing\./);
  ok(data, ["plugin", "config", tenant, "leads", "--set", "max_open=12"]);
  assert.match(ok(data, ["plugin", "config", tenant, "leads"]), /12/);
  refused(data, ["plugin", "config", tenant, "leads", "--set", "max_open=0"], 1, /max_open/);
  refused(data, ["plugin", "config", tenant, "leads", "--set", '{"max_open":1}'], 2, /NAME=VALUE/);
  assert.match(ok(data, ["hooks", tenant, "lead", "validate"]), /lead +validate +1 +leads /);
  refused(data, ["hooks", tenant, "lead", "sometimes"], 1, /^perigee: moment: /);
  refused(data, ["hooks", tenant, "led"], 1, /^perigee: entity: /);
  ok(data, ["hooks", tenant, "auth.login"]);

  const made_bundle = join(data, "acme.sales");
  const field = { no: 1, name: "x_level", type: "enum", values: ["A", "B"], default: "B" };
  const parts = (title, more = {}) => ({
    "plugin.json": { id: "acme.sales", version: "1.0.0", api: 1, title, requires: { leads: "^1" } },
    "entities/lead.json": { extend: "lead", fields: [field] },
    ...more,
  });
  const write = (files) => {
    rmSync(made_bundle, { recursive: true, force: true });
    mkdirSync(join(made_bundle, "entities"), { recursive: true });
    for (const [name, content] of Object.entries(files)) {
      const text = typeof content === "string" ? content : JSON.stringify(content);
      writeFileSync(join(made_bundle, name), text);
    }
  };
  write(parts("one"));
  const packed = join(data, "one.tar");
  const pack = (file) => ok(data, ["plugin", "pack", made_bundle, "--output", file]);
  const hash = / ([0-9a-f]{64})$/m.exec(pack(packed))[1];
  assert.match(pack(packed), new RegExp(hash), "the same files, the same pack");
  assert.match(ok(data, ["plugin", "deploy", tenant, packed, "--check"]), /fits: acme\.sales/);
  assert.match(ok(data, ["plugin", "deploy", tenant, packed]), /active: acme\.sales 1\.0\.0/);
  write(parts("two", { "init.lua": 'crm.log.info("here")\n' }));
  const second = JSON.parse(ok(data, ["plugin", "deploy", tenant, made_bundle, "--json"]));
  assert.equal(second.before, hash);
  write(parts("three", { "init.lua": "crm.on()\n" }));
  refused(data, ["plugin", "deploy", tenant, made_bundle], 1, /acme\.sales\/init\.lua:1: /);
  assert.match(
    ok(data, ["plugin", "rollback", tenant, "acme.sales"]),
    new RegExp(hash.slice(0, 12)),
  );
  ok(data, ["plugin", "rollback", tenant, "acme.sales", second.hash.slice(0, 10)]);
  refused(data, ["plugin", "rollback", tenant, "acme.sales", "000000"], 1, /hash/);
  refused(data, ["plugin", "rollback", tenant, "acme.sales", "0"], 1, /hash: At least \d+ char/);
  refused(data, ["plugin", "rollback", tenant, "nobody.here"], 1, /No bundle nobody\.here/);
  const history = list(["plugin", "deploys", tenant, "acme.sales"]);
  assert.deepEqual(
    history.map(({ action }) => action),
    ["rollback", "rollback", "deploy", "deploy"],
  );
  assert.deepEqual(
    history.map(({ active }) => active),
    [true, false, false, false],
    "one of them is active, though two have its hash",
  );
  refused(data, ["plugin", "deploys", tenant, "nobody.here"], 1, /No bundle nobody\.here/);
  refused(data, ["plugin", "deploy", "nobody", packed], 1, /nobody/);
  refused(data, ["plugin", "deploy", tenant, join(data, "absent")], 1, /absent/);
  refused(data, ["plugin", "deploy", tenant], 2);
  writeFileSync(join(made_bundle, "notes.txt"), "mine");
  refused(data, ["plugin", "pack", made_bundle, "--output", packed], 1, /notes\.txt is no part/);
  assert.equal(plugins()["acme.sales"], "enabled");
  if (tenant === "alone") {
    const why = () => list(["plugin", "list", tenant]).find(({ id }) => id === "acme.sales").why;
    const active = join(data, "tenants", tenant, "custom", "acme.sales", history[0].hash);
    const init = readFileSync(join(active, "init.lua"), "utf8");
    assert.equal(why(), null);
    writeFileSync(join(active, "init.lua"), `${init}\ncrm.on()\n`);
    assert.match(why(), /^acme\.sales\/init\.lua:\d+: /, "scripts that do not load say why");
    writeFileSync(join(active, "init.lua"), init);
    assert.equal(why(), null);
  }
  ok(data, ["plugin", "disable", tenant, "acme.sales"]);

  const csv = join(data, "rows.csv");
  writeFileSync(csv, "name,company,visits\n张三,甲,1\n李四,=乙,2\n,,3\n");
  const at = { cwd: data };
  const dry = ok(data, ["import", tenant, "lead", csv, "--dry-run"], at);
  assert.match(dry, /created 2, updated 0, skipped 0, failed 1\na dry run: nothing was changed/);
  assert.doesNotMatch(dry, /batch:/, "there is nothing to take back");
  const done = ok(data, ["import", tenant, "lead", csv], at);
  assert.match(done, /created 2, updated 0, skipped 0, failed 1/);
  const reasons = /reasons: (\S+)/.exec(done)[1];
  assert.match(readFileSync(join(data, reasons), "utf8"), /error/);
  const out = ok(data, ["export", tenant, "lead"], at);
  assert.ok(out.includes("张三") && !/(^|,)"?=乙/m.test(out), out);
  const some = JSON.stringify({ visits: 1 });
  const json = ok(data, ["export", tenant, "lead", "--format", "json", "--filter", some], at);
  assert.ok(json.includes("张三") && !json.includes("李四"), json);
  const sheet = ["lead", "--output", "rows.xlsx"];
  ok(data, ["export", tenant, ...sheet], at);
  assert.equal(readFileSync(join(data, "rows.xlsx")).subarray(0, 2).toString(), "PK");
  assert.match(ok(data, ["import", tenant, "lead", "rows.xlsx", "--dry-run"], at), /failed 0/);
  refused(data, ["export", tenant, "lead", "--output", "no/such.csv"], 1, /no\/such/, at);
  refused(data, ["export", tenant, "nothing"], 1, undefined, at);
  refused(data, ["export", tenant, "lead", "--filter", "{oops"], 1, undefined, at);
  refused(data, ["import", tenant, "lead", join(data, "absent.csv")], 1, /absent/, at);
  const noMap = ["import", tenant, "lead", csv, "--map", "absent.json"];
  refused(data, noMap, 1, /^perigee: absent\.json: the file is not there$/, at);
  refused(data, ["import", tenant, "nothing", csv], 1, undefined, at);
  refused(data, ["import", tenant], 2, undefined, at);
  const counts = JSON.parse(
    ok(data, ["import", tenant, "lead", csv, "--match", "name", "--json"], at),
  ).counts;
  assert.equal(counts.created, 0, JSON.stringify(counts));
  assert.match(
    ok(data, ["import", tenant, "--undo", /batch: (\w+)/.exec(done)[1]], at),
    /taken back/,
  );

  const backups = join(data, "backups");
  ok(data, ["backup", tenant, backups]);
  ok(data, ["backup", "--all", `${backups}-all`]);
  const saved = readdirSync(backups).find((name) => name.includes(tenant));
  assert.ok(saved, readdirSync(backups).join(" "));
  const file = join(backups, saved);
  ok(data, ["restore", tenant, file, "--as", `${tenant}two`, "--host", `two.${host}`]);
  assert.deepEqual(
    list(["user", "list", `${tenant}two`])
      .map(({ login }) => login)
      .sort(),
    ["boss", "clerk", "helper"],
  );
  refused(
    data,
    ["restore", tenant, join(data, "absent"), "--as", "x", "--host", "x.example.com"],
    1,
  );
  assert.match(ok(data, ["upgrade", tenant, "--rehearse"]), /ok, 0 migrations/);
  assert.match(ok(data, ["upgrade", tenant]), /0 migrations/);
  refused(data, ["upgrade", "nobody"], 1, /nobody/);
  refused(data, ["upgrade", "--home", data], 2, /--rehearse/);
  assert.deepEqual(list(["keys", "list", tenant]), []); // nothing was ever encrypted
  ok(data, ["keys", "rotate", tenant]);
  refused(data, ["keys", "rotate", "nobody"], 1);
  refused(data, ["keys", "rewrap", tenant], 2, /--key-passphrase-stdin/);
  const phrase = { input: "a passphrase of some length\n" };
  refused(data, ["keys", "rewrap", tenant, "--key-passphrase-stdin"], 1, /No keys/, phrase);
  ok(data, ["backup", tenant, `${backups}-keys`, "--key-passphrase-stdin"], phrase);
  assert.match(ok(data, ["check", tenant]), /^ok {7}structure\n(ok {7}\S.*\n)+$/);
  assert.equal(JSON.parse(ok(data, ["check", tenant, "--json"])).ok, true);
  for (const words of [
    ["export", tenant, "lead"],
    ["tenant", "list"],
  ])
    nobodyReads(words);
  refused(data, ["check", "nobody"], 1);

  const safe = join(data, `${tenant}.safe`);
  const config = [{ name: "code", type: "secret", label: "Code" }];
  const manifest = { id: `${tenant}.safe`, version: "1.0.0", api: 1, title: "Safe", config };
  mkdirSync(safe);
  writeFileSync(join(safe, "plugin.json"), JSON.stringify(manifest));
  ok(data, ["plugin", "deploy", tenant, safe]);
  ok(data, ["plugin", "config", tenant, `${tenant}.safe`, "--set", "code=zq1234"]);
  assert.notDeepEqual(list(["keys", "list", tenant]), []);
  rmSync(safe, { recursive: true });

  const carried = join(data, "carried");
  ok(data, ["tenant", "export", tenant, carried, "--key-passphrase-stdin"], phrase);
  const bundle = join(
    carried,
    readdirSync(carried).find((name) => name.includes(tenant)),
  );
  const elsewhere = join(data, "elsewhere");
  ok(elsewhere, ["init"]);
  ok(elsewhere, ["tenant", "import", "moved", bundle, "--host", "moved.example.com"]);
  const other = { input: "another passphrase\n" };
  refused(elsewhere, ["keys", "rewrap", "moved", "--key-passphrase-stdin"], 1, null, other);
  ok(elsewhere, ["keys", "rewrap", "moved", "--key-passphrase-stdin"], phrase);
  const moved = JSON.parse(ok(elsewhere, ["user", "list", "moved", "--json"])).items;
  assert.deepEqual(moved.map(({ login }) => login).sort(), ["boss", "clerk", "helper"]);
  refused(elsewhere, ["tenant", "import", "moved", bundle, "--host", "again.example.com"], 1);
  refused(data, ["tenant", "import", "x", join(data, "absent"), "--host", "x.example.com"], 1);
  refused(data, ["tenant", "export", "nobody", carried], 1);
  for (const path of [carried, elsewhere]) rmSync(path, { recursive: true });

  assert.match(ok(data, ["tenant", "limits", tenant]), /plan/);
  ok(data, ["tenant", "limits", tenant, "--set", '{"job":{"http":1}}']);
  assert.match(ok(data, ["tenant", "limits", tenant]), /"http":1[,}]/);
  refused(data, ["tenant", "limits", tenant, "--set", '{"job":{"http":1000000}}'], 1);
  refused(data, ["tenant", "limits", "nobody"], 1);
  const { id } = list(["user", "list", tenant]).find(({ login }) => login === "helper");
  assert.equal(JSON.parse(ok(data, ["person", tenant, "user", id])).record.id, id);
  assert.match(ok(data, ["person", tenant, "user", id, "--html"]), /<h2>/);
  refused(data, ["person", tenant, "nothing", id], 1);
  refused(data, ["erase", tenant, "user", id], 2, /--yes/);
  refused(data, ["erase", tenant, "nothing", id, "--yes", id], 1);
  ok(data, ["erase", tenant, "user", id, "--yes", id]);
  assert.ok(!list(["user", "list", tenant]).some(({ login }) => login === "helper"));

  refused(data, ["tenant", "delete", `${tenant}two`], 2, /--yes/);
  refused(data, ["tenant", "delete", `${tenant}two`, "--yes", tenant], 2);
  ok(data, ["tenant", "delete", `${tenant}two`, "--yes", `${tenant}two`]);
  refused(data, ["tenant", "show", `${tenant}two`], 1);
  ok(data, ["tenant", "move", tenant, "--worker", "1"]);
  assert.equal(JSON.parse(ok(data, ["tenant", "show", tenant, "--json"])).worker, 1);
  ok(data, ["tenant", "suspend", tenant]);
  assert.match(ok(data, ["tenant", "show", tenant]), /suspended/);
  ok(data, ["tenant", "resume", tenant]);
  for (const path of [backups, `${backups}-all`]) rmSync(path, { recursive: true });
}

test("every command without a server", () => commands("alone"));

test("user list shows all users, however many there are", () => {
  const tenant = ["tenant", "create", "crowd", "--host", "crowd.example.com"];
  ok(data, [...tenant, "--plugins", "hello"]);
  const names = Array.from({ length: 405 }, (_, i) => `u${i}`);
  const file = join(data, "crowd.csv");
  writeFileSync(file, `login,name\n${names.map((name) => `${name},${name}`).join("\n")}\n`);
  assert.match(ok(data, ["import", "crowd", "user", file]), /created 405,/);
  const { items } = JSON.parse(ok(data, ["user", "list", "crowd", "--json"]));
  assert.deepEqual(items.map(({ login }) => login).sort(), names.sort());
  assert.equal(ok(data, ["user", "list", "crowd"]).trim().split("\n").length, 406);
  ok(data, ["tenant", "delete", "crowd", "--yes", "crowd"]);
});

test("the tools of a plugin's author", async () => {
  const place = join(data, "author");
  mkdirSync(place);
  const at = { cwd: place };
  assert.match(ok(data, ["plugin", "new", "acme.tools"], at), /plugin test/);
  refused(data, ["plugin", "new", "acme.tools"], 1, /already there/, at);
  refused(data, ["plugin", "new", "Acme!"], 2, /no name of a plugin/, at);
  ok(data, ["plugin", "new", "other", "--into", join(place, "deep", "er")], at);
  assert.ok(existsSync(join(place, "deep", "er", "other", "init.lua")));

  assert.match(ok(data, ["plugin", "check", "acme.tools"], at), /nothing found/);
  refused(data, ["plugin", "check", "absent"], 1, /absent/, at);
  const tap = ok(data, ["plugin", "test", "acme.tools", "--junit", "junit.xml"], at);
  assert.match(tap, /^ok 1 - acme\.tools\/tests\/level_test: /);
  assert.match(tap, /\n1\.\.2\n$/);
  assert.match(readFileSync(join(place, "junit.xml"), "utf8"), /tests="2" failures="0"/);

  /* A test that fails says where, and the command's status says so, too. */
  const extra = join(place, "acme.tools", "tests", "wrong_test.lua");
  writeFileSync(
    extra,
    'crm.test("two and two", function(t) t.eq(2 + 2, 5, "sum") end)\n' +
      'crm.test("nobody is asked", function(t)\n  t.as("nobody")\nend)\n' +
      'crm.test("too late", function(t)\n' +
      '  local id = t.db.lead:insert { name = "X", phones = { "+8613800000009" } }.id\n' +
      "  t.expect_fail(function()\n" +
      '    t.db.lead:update(id, { name = "Y" }, { if_version = 9 })\n' +
      '  end, "not_found")\nend)\n',
  );
  const failed = command(data, ["plugin", "test", "acme.tools"], at);
  assert.equal(failed.status, 1);
  assert.match(
    failed.stdout,
    /not ok 3 - .*two and two\n {2}# .*wrong_test\.lua:1: sum: expected 5, got 4/,
  );
  assert.match(failed.stdout, /wrong_test\.lua:3: there is no user "nobody"/);
  assert.match(failed.stdout, /expected not_found, got Someone .* \(version_mismatch\)/);
  rmSync(extra);

  ok(data, ["tenant", "create", "author", "--host", "author.example.com", "--plugins", "leads"]);
  ok(data, ["plugin", "deploy", "author", "acme.tools"], at);
  ok(data, ["types", "author", "--output", "acme.tools"], at);
  const model = readFileSync(join(place, "acme.tools", "types", "model.lua"), "utf8");
  assert.match(model, /---@class record\.lead: crm\.record/);
  assert.match(model, /---@field x_level "A"\|"B"\|"C"\?/);
  assert.ok(existsSync(join(place, "acme.tools", ".luarc.json")));
  assert.ok(existsSync(join(place, "acme.tools", ".luacheckrc")));
  refused(data, ["types", "nobody"], 1, /no tenant nobody/, at);
  assert.match(ok(data, ["plugin", "check", "acme.tools", "author"], at), /nothing found/);

  const typed = (lines, ...args) => ok(data, ["repl", "author", ...args], { input: lines });
  const insert = 'ctx.db.lead:insert { name = "X", phones = { "+8613800000001" } }\n';
  const count = "ctx.db.lead:count {}\n";
  assert.match(typed(`${insert}${count}`), /lead \{ id = .*\n0\n$/);
  assert.match(typed(`${insert}${count}`, "--write"), /lead \{ id = .*\n1\n$/);
  assert.equal(typed("local a = 6 return a * 7\n"), "42\n");
  refused(data, ["repl", "author"], 1, /undeclared global "nope"/, { input: "nope.x\n" });
  refused(data, ["repl", "author"], 1, /CPU time/, { input: "while true do end\n" });
  refused(data, ["repl", "author"], 1, /did you mean "name"/, {
    input: 'ctx.db.lead:insert { nme = "X" }\n',
  });
  refused(data, ["repl", "nobody"], 1, undefined, { input: "1\n" });

  refused(data, ["dev", "author", "absent"], 1, /no plugin\.json/, at);
  const dev = begin(binary(), ["dev", "author", "acme.tools"], {
    cwd: place,
    env: { ...process.env, PERIGEE_DATA: data },
  });
  let said = "";
  dev.stdout.setEncoding("utf8").on("data", (text) => (said += text));
  const ended = new Promise((done) => dev.on("close", (code) => done(code)));
  for (let tries = 0; !said.includes("-- active"); tries += 1) {
    assert.ok(tries < 4000, said);
    await new Promise((done) => setTimeout(done, 25));
  }
  dev.kill("SIGINT");
  assert.equal(await ended, 0);
  ran.add("dev");
  rmSync(place, { recursive: true });
});

test("every command beside a server, which sees what they did at once", async () => {
  // Nobody reads what the server logs while a command runs: a line for each would fill the pipe.
  const env = { PERIGEE_ACCESS_LOG: "false" };
  const server = await new Server(data).start({ processes: [2, 2, 2], env });
  ran.add("serve");
  const place = { port: server.port, host: "beside.example.com" };
  let client = new Client(place);
  const signIn = () =>
    client.request("POST", "/api/v1/sessions", { body: { login: "boss", password: PASSWORD } });
  try {
    assert.equal((await signIn()).status, 404);
    client.close(); // the server may close what is idle meanwhile
    commands("beside");
    client = new Client(place);
    const session = await signIn();
    assert.equal(session.status, 201, session.text);
    ok(data, ["tenant", "suspend", "beside"]);
    const { token } = session.json;
    const until = async (status) => {
      for (let tries = 0; tries < 200; tries++) {
        if ((await client.request("GET", "/api/v1/me", { token })).status === status) return true;
        await new Promise((done) => setTimeout(done, 25));
      }
      return false;
    };
    assert.ok(
      !(await until(200)) || (await until(503)) || (await until(404)),
      "a suspended company is not served",
    );
    ok(data, ["tenant", "resume", "beside"]);
    assert.ok(await until(200));
    refused(data, ["serve", "--listen", "127.0.0.1:0"], 1, /another server or command is using/);
  } finally {
    client.close();
    await server.stop();
  }
});

test("a port in use is one clear line", async () => {
  const taken = net.createServer().listen(0, "127.0.0.1");
  await new Promise((done) => taken.once("listening", done));
  const { port } = taken.address();
  refused(
    data,
    ["serve", "--listen", `127.0.0.1:${port}`],
    1,
    new RegExp(`127.0.0.1:${port}.*in use`),
  );
  await new Promise((done) => taken.close(done));
  refused(data, ["serve", "--listen", "203.0.113.1:80"], 1, /cannot listen/);
  refused(data, ["serve", "--tls-listen", "127.0.0.1:0"], 2, /cert/);
});

test("a missing, broken or readable key file is one clear line", () => {
  const key = join(data, "master.key");
  const serve = ["serve", "--listen", "127.0.0.1:0"];
  renameSync(key, `${key}.away`);
  refused(data, serve, 1, /master\.key/);
  refused(data, ["user", "list", "alone"], 1, /master\.key/);
  writeFileSync(key, "nonsense\n", { mode: 0o600 });
  refused(data, serve, 1, /master\.key/);
  rmSync(key);
  renameSync(`${key}.away`, key);
});

test("a broken configuration is one clear line", () => {
  const file = join(data, "perigee.json");
  const good = readFileSync(file);
  for (const text of ["{oops", '{"colour":"red"}', '{"audit_keep_days":30}', '{"workers":0}']) {
    writeFileSync(file, text);
    refused(data, ["serve", "--listen", "127.0.0.1:0"], 1, /perigee\.json/);
  }
  writeFileSync(file, good);
  refused(data, ["serve", "--listen", "127.0.0.1:0"], 1, /workers/i, {
    env: { PERIGEE_WORKERS: "0" },
  });
});

/* The number of the layout, by the tool that every such machine has; skipped without it. */
function layout(path, version) {
  const sql = `update perigee_header set core_version = ${version}`;
  execFileSync("sqlite3", [path, sql], { stdio: "pipe" });
}
const hasTool = (() => {
  try {
    return execFileSync("sqlite3", ["-version"], { stdio: "pipe" }).length > 0;
  } catch {
    return false;
  }
})();

test("a folder of a newer version is left alone", { skip: !hasTool && "no sqlite3 tool" }, () => {
  const control = join(data, "control.db");
  layout(control, 999);
  refused(data, ["serve", "--listen", "127.0.0.1:0"], 1, /newer/);
  refused(data, ["tenant", "list"], 1, /newer/);
  layout(control, 1);
  ok(data, ["tenant", "list"]);
});

test(
  "a company of a newer version is refused, the others are served",
  { skip: !hasTool && "no sqlite3 tool" },
  () => {
    const path = join(data, "tenants/beside/tenant.db");
    layout(path, 999);
    const done = command(data, ["user", "list", "beside"]);
    assert.equal(done.status, 1, done.stdout);
    ok(data, ["user", "list", "alone"]);
    layout(path, 1);
    ok(data, ["user", "list", "beside"]);
  },
);

test("every command that --help lists ran here", () => {
  assert.deepEqual(
    names.filter((name) => !ran.has(name)),
    [],
  );
});
