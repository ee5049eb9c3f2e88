// first_leads - the first days of two companies on one server, told step by step.
// SPDX-License-Identifier: MIT
//
// Acme's sales people take in a purchased list, find their customers, work on them and share what
// they should; Globex next door does the same and neither ever sees the other.
import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { query } from "../kit/client.mjs";
import { DATASETS, ROOT } from "../kit/server.mjs";
import { world } from "../kit/world.mjs";

const LEADS = "/api/v1/records/lead";
const w = world();
const ids = (answer) => answer.groups.flatMap((group) => group.items.map((item) => item.id));

test("the first leads of two companies", async (t) => {
  const { acme, globex, server } = w;
  let zhang;

  await t.test("a seller signs in and sees an empty list", async () => {
    const list = await acme.ok("sales1", "GET", `${LEADS}?count=true`);
    assert.deepEqual([list.items, list.next, list.count], [[], null, 0]);
  });

  await t.test("she enters the first lead, and the plugin scores it", async () => {
    zhang = await acme.create("sales1", "lead", {
      name: "张伟",
      company: "上海启明软件有限公司",
      title: "采购经理",
      phones: ["138 0013 8000"],
      emails: ["zhangwei@example.com"],
      source: "website",
      estimated_amount: { amount: "86000.00", currency: "CNY" },
    });
    assert.ok(zhang.score > 0);
    assert.equal(zhang.owner, acme.users.sales1);
  });

  await t.test(
    "a lead that nobody could reach is refused, in the language of the seller",
    async () => {
      const post = (lang) =>
        acme.as("sales1", "POST", LEADS, {
          body: { source: "event" },
          headers: { "accept-language": lang },
        });
      const [zh, en] = [await post("zh-CN"), await post("en")];
      for (const { status, json } of [zh, en]) {
        assert.equal(status, 422);
        assert.deepEqual(Object.keys(json.error.fields).sort(), [
          "company",
          "emails",
          "name",
          "phones",
        ]);
      }
      assert.match(zh.json.error.fields.name[0].message, /[一-龥]/);
      assert.doesNotMatch(en.json.error.fields.name[0].message, /[一-龥]/);
    },
  );

  await t.test("more leads come in; she filters, sorts and pages through them", async () => {
    const items = Array.from({ length: 45 }, (_, i) => ({
      op: "create",
      data: { name: `客户${i}`, company: "批量", source: i % 3 ? "event" : "website", visits: i },
    }));
    const made = await acme.ok("sales1", "POST", `${LEADS}/bulk`, { items, atomic: true });
    assert.equal(made.results.length, 45);
    const parameters = { source: "event", "visits[gte]": 10, sort: "-visits", limit: 7 };
    const seen = [];
    for (let cursor; ;) {
      const page = await acme.ok(
        "sales1",
        "GET",
        LEADS + query({ ...parameters, ...(cursor && { cursor }) }),
      );
      seen.push(...page.items.map(({ visits }) => visits));
      cursor = page.next;
      if (!cursor) break;
    }
    const wanted = Array.from({ length: 45 }, (_, i) => i).filter((i) => i % 3 && i >= 10);
    assert.deepEqual(seen, wanted.reverse());
  });

  await t.test(
    "she finds him by name, by sound, by initials and by the end of his number",
    async () => {
      for (const q of ["张伟", "张", "zhangwei", "zw", "8000"]) {
        assert.ok(
          ids(await acme.ok("sales1", "GET", `/api/v1/search${query({ q })}`)).includes(zhang.id),
          q,
        );
      }
    },
  );

  await t.test(
    "she and a colleague change him at the same time; nobody's work is lost",
    async () => {
      const path = `${LEADS}/${zhang.id}`;
      const first = await acme.as("sales1", "GET", path);
      const etag = `"${zhang.id}-${first.json.version}"`;
      const headers = { "if-match": etag };
      const mine = await acme.as("sales1", "PATCH", path, { body: { status: "working" }, headers });
      assert.equal(mine.status, 200, mine.text);
      const late = await acme.as("manager", "PATCH", path, { body: { grade: "a" }, headers });
      assert.equal(late.status, 412, late.text);
      const again = { "if-match": `"${zhang.id}-${late.json.error.version}"` };
      const third = await acme.as("manager", "PATCH", path, {
        body: { grade: "a" },
        headers: again,
      });
      assert.equal(third.status, 200, third.text);
      assert.deepEqual([third.json.status, third.json.grade], ["working", "a"]);
    },
  );

  await t.test("a lead is deleted by mistake and taken back", async () => {
    const lead = await acme.create("sales1", "lead", { name: "误删" });
    const path = `${LEADS}/${lead.id}`;
    assert.equal((await acme.as("sales1", "DELETE", path)).status, 204);
    assert.equal((await acme.as("sales1", "GET", path)).status, 404);
    assert.equal((await acme.ok("sales1", "POST", `${path}/restore`, {})).name, "误删");
    assert.equal((await acme.as("sales1", "GET", path)).status, 200);
  });

  const csv = join(DATASETS, "x_education_leads.csv");
  const map = join(ROOT, "tests/fixtures/import/x_education_leads.json");
  await t.test(
    "the operator brings in a purchased list",
    { skip: !existsSync(csv) && "no data set" },
    async () => {
      const before = (await acme.ok("admin", "GET", `${LEADS}?count=true`)).count;
      const count = async () =>
        (await acme.ok("admin", "GET", `${LEADS}?count=true`)).count - before;
      const run = (...more) =>
        server.must(["import", "acme", "lead", csv, "--map", map, ...more], { cwd: server.data });

      const dry = run("--dry-run");
      const wanted = /created (\d+), updated (\d+), skipped (\d+), failed (\d+)/;
      const [, promised] = wanted.exec(dry);
      assert.equal(await count(), 0, "a dry run changes nothing");

      const first = run();
      const [, created, updated, skipped, failed] = wanted.exec(first).map(Number);
      assert.equal(created, Number(promised));
      assert.equal(created + updated + skipped + failed, 9240);
      assert.equal(await count(), created);
      const batch = /batch: (\w+)/.exec(first)[1];

      const second = run("--match", "prospect_id");
      const [, more, touched, same] = wanted.exec(second).map(Number);
      assert.equal(more, 0, "the same file again makes no second lead");
      assert.equal(touched + same, created);
      assert.equal(await count(), created);

      const undo = server.must(["import", "acme", "--undo", batch]);
      assert.match(undo, /taken back \d+/);
      assert.equal(await count(), 0, "all of it is taken back");
      assert.equal(
        (await acme.as("sales1", "GET", `${LEADS}/${zhang.id}`)).status,
        200,
        "and nothing else",
      );
    },
  );

  await t.test("a list with mistakes tells which and why", async () => {
    const file = join(server.data, "mistakes.csv");
    writeFileSync(file, "name,phones,visits\n好的,13800138001,1\n坏的,12,2\n,,3\n");
    const done = server.must(["import", "acme", "lead", file], { cwd: server.data });
    assert.match(done, /created 1, updated 0, skipped 0, failed 2/);
    assert.match(done, /reasons: \S+\.csv/);
  });

  await t.test("customers won elsewhere are taken in as won, and everything still holds", () => {
    const file = join(server.data, "won.csv");
    writeFileSync(file, "name,status\n老客户,converted\n旧客户,converted\n");
    const done = server.must(["import", "acme", "lead", file], { cwd: server.data });
    assert.match(done, /created 2, updated 0, skipped 0, failed 0/);
    assert.match(server.must(["check", "acme"]), /^ok +leads:lead\.conversion, \d+ records$/m);
  });

  await t.test("Globex, whatever it asks, sees none of it", async () => {
    await globex.create("sales1", "lead", { name: `${globex.mark} 张伟`, phones: ["13900139000"] });
    const list = await globex.ok("admin", "GET", `${LEADS}?count=true`);
    assert.equal(list.count, 1);
    for (const q of ["zhangwei", "8000", "启明", "zw"]) {
      const found = ids(await globex.ok("admin", "GET", `/api/v1/search${query({ q })}`));
      assert.ok(!found.includes(zhang.id), q);
    }
    for (const [method, suffix] of [
      ["GET", ""],
      ["GET", "/history"],
      ["PATCH", ""],
      ["DELETE", ""],
      ["POST", "/restore"],
    ]) {
      const body = method === "GET" || method === "DELETE" ? undefined : {};
      const answer = await globex.as("admin", method, `${LEADS}/${zhang.id}${suffix}`, { body });
      assert.equal(answer.status, 404, `${method} ${suffix}`);
    }
    const token = await acme.token("sales1");
    assert.equal((await globex.as(null, "GET", LEADS, { token })).status, 401);
    const feed = await globex.ok("admin", "GET", "/api/v1/changes?since=0&limit=200");
    assert.ok(feed.items.every(({ id }) => id !== zhang.id));
  });
});
