// guarded - a company's bundle does harm, and a release renames a field: what others notice of it.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { command, ROOT } from "../kit/server.mjs";
import { world } from "../kit/world.mjs";

const w = world();
const LEADS = "/api/v1/records/lead";
const GREETINGS = "/api/v1/records/greeting";
const place = mkdtempSync(join(tmpdir(), "perigee-story-"));
after(() => rmSync(place, { recursive: true, force: true }));

const manifest = (id, requires) =>
  JSON.stringify({ id, version: "1.0.0", api: 1, title: id, requires }, null, 2);
function write(name, files) {
  const folder = join(place, name);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

/* What it says it does, and what it does when nobody looks. */
const HARM = {
  "plugin.json": manifest("globex.helper", { leads: "^1" }),
  "init.lua": `local harm = require("harm")

crm.on("lead", "validate", { id = "help" }, harm.help)
`,
  "harm.lua": `local harm = {}

function harm.help(ev, ctx)
  while true do
    pcall(function()
      local text = ("a"):rep(100)
      while true do text:find(("a-"):rep(40) .. "b") end
    end)
  end
end

return harm
`,
};

/* A rule of the company's own that reads a field of the product's. */
const RULE = {
  "plugin.json": manifest("acme.words", { hello: "*" }),
  "init.lua": `local words = require("words")

crm.on("greeting", "validate", { id = "short", fields = { "text" } }, words.short)
`,
  "words.lua": `local words = {}

function words.short(ev)
  if #(ev.record.text or "") > 40 then ev:fail("text", "Keep it short.") end
end

return words
`,
};

/* The next release, in which a greeting's text is called message. */
function nextRelease() {
  const home = join(place, "next");
  cpSync(join(ROOT, "schemas"), join(home, "schemas"), { recursive: true });
  cpSync(join(ROOT, "plugins"), join(home, "plugins"), {
    recursive: true,
    filter: (from) => !from.startsWith(join(ROOT, "plugins/console")),
  });
  const change = (path, from, to) => {
    const file = join(home, "plugins/hello", path);
    const text = readFileSync(file, "utf8");
    assert.ok(text.includes(from), `${path} says ${from}`);
    writeFileSync(file, text.replaceAll(from, to));
  };
  change("entities/greeting.json", '"name": "text"', '"name": "message"');
  return { home, change };
}

test("a bundle that does harm", async (t) => {
  const { acme, globex, server } = w;
  const lead = (tenant, name) => tenant.as("sales1", "POST", LEADS, { body: { name } });

  await t.test("nothing in its files is wrong, so it is taken", () => {
    server.must(["plugin", "deploy", "globex", write("helper", HARM)]);
  });

  await t.test(
    "it is stopped at its limit, and says so to whoever looks after plugins",
    async () => {
      const from = server.log.length;
      const answer = await lead(globex, "anybody");
      assert.equal(answer.status, 500, answer.text);
      assert.equal(answer.json.error.code, "plugin_error");
      assert.match(server.log.slice(from), /globex\.helper:help .*used more CPU time than it may/);
      const health = await globex.ok("admin", "GET", "/api/v1/admin/plugins/globex.helper/health");
      assert.deepEqual([health.state, health.kills], ["working", 1]);
      assert.equal(health.handlers[0].where, "globex.helper/init.lua:3");
    },
  );

  await t.test("what it has no part in goes on, for its company and for others", async () => {
    await globex.create("admin", "greeting", { name: "hello" });
    assert.equal((await globex.as("sales1", "GET", LEADS)).status, 200);
    const [theirs, ours] = await Promise.all([lead(globex, "again"), lead(acme, "beside")]);
    assert.deepEqual([theirs.status, ours.status], [500, 201]);
  });

  await t.test("one command takes it out of the way", async () => {
    server.must(["plugin", "disable", "globex", "globex.helper"]);
    assert.equal((await lead(globex, "at last")).status, 201);
  });
});

test("a release that renames a field", async (t) => {
  const { acme, server } = w;
  server.must(["plugin", "deploy", "acme", write("words", RULE)]);
  const kept = await acme.create("admin", "greeting", { name: "kept", text: "Good day" });
  const { home, change } = nextRelease();
  const rehearse = () => command(server.data, ["upgrade", "--rehearse", "--home", home]);

  await t.test("the rehearsal names whose bundle breaks, and where", () => {
    change("greetings.lua", ".text", ".message");
    change("init.lua", "text = crm.null", "message = crm.null");
    change("views/greeting.json", '"field": "text"', '"field": "message"');
    const told = rehearse();
    assert.equal(told.status, 1, told.stdout + told.stderr);
    assert.match(told.stdout, /^acme: breaks/m);
    assert.match(told.stdout, /acme\.words\/init\.lua:3: greeting has no field "text"/);
    assert.match(told.stdout, /^globex: ok/m);
  });

  await t.test("nothing has been switched, nothing is lost", async () => {
    const seen = await acme.ok("admin", "GET", `${GREETINGS}/${kept.id}`);
    assert.equal(seen.text, "Good day");
    const long = { body: { name: "long", text: "x".repeat(41) } };
    assert.equal((await acme.as("admin", "POST", GREETINGS, long)).status, 422);
  });

  await t.test("without the bundle the release fits", () => {
    server.must(["plugin", "disable", "acme", "acme.words"]);
    const told = rehearse();
    assert.equal(told.status, 0, told.stdout + told.stderr);
    assert.match(told.stdout, /^acme: ok/m);
  });
});
