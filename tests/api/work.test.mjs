// work - what takes its time: imports, exports, files, jobs and the change feed.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { multipart, query } from "../kit/client.mjs";
import { scenarios } from "../kit/scenario.mjs";
import { DATASETS } from "../kit/server.mjs";
import { world } from "../kit/world.mjs";

const LEADS = "/api/v1/records/lead";
const IMPORTS = "/api/v1/imports";
const w = world();

async function upload(csv, { entity = "lead", login = "manager", tenant = w.acme } = {}) {
  const form = multipart([
    { name: "entity", content: entity },
    { name: "file", filename: "rows.csv", type: "text/csv", content: csv },
  ]);
  return tenant.as(login, "POST", IMPORTS, form);
}

/** Upload, mapping and one step, to its end. */
async function run(csv, mapping = {}, step = "run", options = {}) {
  const login = options.login ?? "manager";
  const made = await upload(csv, options);
  assert.ok([201, 202].includes(made.status), made.text);
  const path = `${IMPORTS}/${made.json.id}`;
  const mapped = await w.acme.as(login, "PUT", `${path}/mapping`, { body: mapping });
  assert.ok(mapped.status < 300, mapped.text);
  const started = await w.acme.as(login, "POST", `${path}/${step}`, { body: {} });
  assert.ok(started.status < 300, started.text);
  return { path, ...(await w.acme.settled(login, path)) };
}

const CSV = [
  "name,company,phones,source,visits",
  "张一,甲公司,13800000001,website,1",
  "张二,乙公司,13800000002,event,2",
  ",,,website,3",
  "张四,丁公司,13800000004,rumour,4",
  '"张, 五","戊 ""公司""",13800000005,phone,5',
].join("\r\n");

test("a dry run counts and changes nothing", async () => {
  const done = await run(CSV, {}, "dry-run");
  assert.equal(done.state, "done", JSON.stringify(done));
  assert.equal(done.counts.created, 3);
  assert.equal(done.counts.failed, 2);
  const { count } = await w.acme.ok("admin", "GET", `${LEADS}?count=true`);
  assert.equal(count, 0);
});

test("a run creates what is right and tells what is wrong; undo takes it all back", async () => {
  const done = await run(CSV);
  assert.equal(done.state, "done", JSON.stringify(done));
  assert.deepEqual([done.counts.created, done.counts.failed], [3, 2]);
  const { items } = await w.acme.ok("manager", "GET", `${LEADS}?sort=visits`);
  assert.deepEqual(
    items.map(({ name }) => name),
    ["张一", "张二", "张, 五"],
  );
  assert.equal(items[2].company, '戊 "公司"');
  assert.ok(Number.isInteger(items[0].score), "hooks ran");
  const errors = await w.acme.as("manager", "GET", `${done.path}/errors.csv`);
  assert.equal(errors.status, 200);
  assert.match(errors.headers["content-type"], /text\/csv/);
  const lines = errors.text
    .replace(/^\ufeff/, "")
    .trim()
    .split("\r\n");
  assert.equal(lines.length, 3, errors.text);
  assert.match(lines[0], /^"?name"?,.*error/);
  assert.ok(errors.text.includes("rumour"));
  const feed = await w.acme.ok("admin", "GET", "/api/v1/changes?since=0&limit=200");
  assert.equal(feed.items.filter(({ entity }) => entity === "lead").length, 3);
  const undo = await w.acme.as("manager", "POST", `${done.path}/undo`, { body: {} });
  assert.ok(undo.status < 300, undo.text);
  const undone = await w.acme.settled("manager", done.path);
  assert.equal(undone.state, "undone", JSON.stringify(undone));
  assert.equal((await w.acme.ok("admin", "GET", `${LEADS}?count=true`)).count, 0);
});

test("match updates instead of doubling; undo gives the old values back", async () => {
  const rows = (company) => `ref,name,firm\nR1,一,${company}\nR2,二,${company}\n`;
  const columns = { ref: "prospect_id", name: "name", firm: "company" };
  const first = await run(rows("old"), { columns });
  assert.equal(first.counts.created, 2, JSON.stringify(first));
  const second = await run(`${rows("new")}R3,三,new\n`, {
    columns,
    match: "prospect_id",
    mode: "upsert",
  });
  assert.deepEqual([second.counts.created, second.counts.updated], [1, 2], JSON.stringify(second));
  const firms = async () => {
    const path = `${LEADS}?prospect_id[prefix]=R&sort=prospect_id`;
    return (await w.acme.ok("manager", "GET", path)).items.map(({ company }) => company);
  };
  assert.deepEqual(await firms(), ["new", "new", "new"]);
  await w.acme.ok("manager", "POST", `${second.path}/undo`, {});
  await w.acme.settled("manager", second.path);
  assert.deepEqual(await firms(), ["old", "old"]);
});

test("undo leaves what somebody has changed since", async () => {
  const done = await run("name,company\n改过,x\n没改,x\n");
  const { items } = await w.acme.ok("manager", "GET", `${LEADS}${query({ name: "改过" })}`);
  await w.acme.ok("manager", "PATCH", `${LEADS}/${items[0].id}`, { company: "since then" });
  await w.acme.ok("manager", "POST", `${done.path}/undo`, {});
  const undone = await w.acme.settled("manager", done.path);
  assert.deepEqual([undone.undone.updated, undone.undone.skipped], [1, 1], JSON.stringify(undone));
  assert.equal(
    (await w.acme.ok("manager", "GET", `${LEADS}${query({ name: "改过" })}`)).items.length,
    1,
  );
  assert.equal(
    (await w.acme.ok("manager", "GET", `${LEADS}${query({ name: "没改" })}`)).items.length,
    0,
  );
});

test("GB18030 from a spreadsheet reads as Chinese", async () => {
  // "姓名,公司" and "王芳,华信" as Excel writes them in China.
  const bytes = Buffer.from([
    0xd0, 0xd5, 0xc3, 0xfb, 0x2c, 0xb9, 0xab, 0xcb, 0xbe, 0x0d, 0x0a, 0xcd, 0xf5, 0xb7, 0xbc, 0x2c,
    0xbb, 0xaa, 0xd0, 0xc5, 0x0d, 0x0a,
  ]);
  const done = await run(bytes);
  assert.equal(done.counts.created, 1, JSON.stringify(done));
  const { items } = await w.acme.ok("manager", "GET", `${LEADS}${query({ name: "王芳" })}`);
  assert.equal(items[0].company, "华信");
});

test("nobody without the right imports, and another company's import is not there", async () => {
  assert.equal((await upload(CSV, { login: "viewer" })).status, 403);
  assert.equal((await upload(CSV, { login: "sales1" })).status, 403);
  const theirs = await upload(`name\n${w.globex.mark}\n`, { tenant: w.globex });
  assert.ok(theirs.status < 300, theirs.text);
  for (const [method, part] of [
    ["GET", ""],
    ["GET", "/errors.csv"],
    ["POST", "/run"],
    ["POST", "/undo"],
  ]) {
    const body = method === "POST" ? {} : undefined;
    const answer = await w.acme.as("admin", method, `${IMPORTS}/${theirs.json.id}${part}`, {
      body,
    });
    assert.equal(answer.status, 404, part);
  }
});

test("a mapping that cannot work is refused with the column", async () => {
  const made = await upload("a,b\n1,2\n");
  const put = (body) => w.acme.as("manager", "PUT", `${IMPORTS}/${made.json.id}/mapping`, { body });
  assert.equal((await put({ columns: { a: "no_such_field" } })).status, 422);
  assert.equal((await put({ columns: { a: "name", b: "name" } })).status, 422);
  assert.equal((await put({ columns: { a: "score" } })).status, 422);
});

for (const [what, csv, created, failed] of [
  ["a mark at its beginning", "\ufeffname\n甲\n", 1, 0],
  ["no end of its last line", "name,company\n甲,乙", 1, 0],
  ["semicolons", "name;company\n甲;乙\n", 1, 0],
  ["tabs", "name\tcompany\n甲\t乙\n", 1, 0],
  ["a line break within a cell", 'name,company\n"甲\n乙",丙\n', 1, 0],
  ["nothing but its heading", "name\n", 0, 0],
  ["empty lines", "name\n\n甲\n\n", 1, 0],
  ["cells too many", "name\n甲,乙,丙\n丁\n", null, null],
  ["cells too few", "name,company,visits\n甲\n", 1, 0],
]) {
  test(`a file with ${what}`, async () => {
    const done = await run(csv);
    assert.equal(done.state, "done", JSON.stringify(done));
    if (created !== null) {
      assert.deepEqual([done.counts.created, done.counts.failed], [created, failed]);
    }
    assert.equal(done.counts.created + done.counts.failed + done.counts.skipped, done.counts.rows);
    await w.acme.ok("manager", "POST", `${done.path}/undo`, {});
    await w.acme.settled("manager", done.path);
  });
}

test("a file that is no table is refused or fails, and harms nothing", async () => {
  for (const bytes of [
    Buffer.alloc(0),
    Buffer.alloc(3000),
    Buffer.from("PK\x03\x04junk"),
    '"never closed',
  ]) {
    const made = await upload(bytes);
    if (made.status >= 400) {
      assert.ok(made.status < 500, made.text);
      continue;
    }
    const path = `${IMPORTS}/${made.json.id}`;
    const mapped = await w.acme.as("manager", "PUT", `${path}/mapping`, { body: {} });
    assert.ok(mapped.status < 500, mapped.text);
    const started = await w.acme.as("manager", "POST", `${path}/run`, { body: {} });
    assert.ok(started.status < 500, started.text);
    if (started.status < 300) await w.acme.settled("manager", path);
  }
});

test("two people import at the same time, and each gets theirs", async () => {
  const rows = (name) =>
    `name,company\n${Array.from({ length: 300 }, (_, i) => `${name},${i}`).join("\n")}\n`;
  const both = await Promise.all([
    run(rows("先生")),
    run(rows("女士"), {}, "run", { login: "admin" }),
  ]);
  assert.deepEqual(
    both.map(({ counts }) => counts.created),
    [300, 300],
  );
  for (const name of ["先生", "女士"]) {
    const listed = await w.acme.ok("admin", "GET", LEADS + query({ name, count: true, limit: 1 }));
    assert.equal(listed.count, 300);
  }
});

const LEADS_CSV = join(DATASETS, "x_education_leads.csv");
test(
  "the nine thousand leads of a real school",
  { skip: !existsSync(LEADS_CSV) && "no data set" },
  async () => {
    const file = readFileSync(LEADS_CSV);
    const mapping = JSON.parse(
      readFileSync(new URL("../fixtures/import/x_education_leads.json", import.meta.url)),
    );
    const before = (await w.acme.ok("admin", "GET", `${LEADS}?count=true`)).count;
    const others = (await w.globex.ok("admin", "GET", `${LEADS}?count=true`)).count;
    const done = await run(file, mapping);
    assert.equal(done.state, "done", JSON.stringify(done));
    assert.equal(done.counts.rows, 9240);
    assert.equal(done.counts.created + done.counts.failed + done.counts.skipped, 9240);
    assert.ok(done.counts.created > 9000, JSON.stringify(done.counts));
    const after = (await w.acme.ok("admin", "GET", `${LEADS}?count=true`)).count;
    assert.equal(after - before, done.counts.created);
    const theirs = (await w.globex.ok("admin", "GET", `${LEADS}?count=true`)).count;
    assert.equal(theirs, others);
  },
);

async function exported(body, login = "manager") {
  const made = await w.acme.as(login, "POST", "/api/v1/exports", { body });
  assert.ok([201, 202].includes(made.status), made.text);
  const job = await w.acme.settled(login, `/api/v1/jobs/${made.json.id}`);
  assert.equal(job.state, "done", JSON.stringify(job));
  return w.acme.as(login, "GET", `/api/v1/files/${job.result.file}`);
}

test("an export holds what may be read, and no cell is a formula", async () => {
  const names = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\tx=1"];
  for (const company of names) {
    await w.acme.create("manager", "lead", { name: "formula", company });
  }
  await w.acme.create("sales3", "lead", { name: "formula", company: "of marketing" });
  const file = await exported({ entity: "lead", format: "csv", filter: { name: "formula" } });
  assert.equal(file.status, 200);
  assert.match(file.headers["content-disposition"], /attachment/);
  assert.equal(file.headers["x-content-type-options"], "nosniff");
  const lines = file.text
    .replace(/^\ufeff/, "")
    .trim()
    .split("\r\n");
  assert.equal(lines.length, 1 + names.length, file.text);
  assert.ok(!file.text.includes("of marketing"), "outside the manager's subtree");
  for (const line of lines.slice(1)) {
    for (const cell of line.split(",")) assert.doesNotMatch(cell, /^"?[=+@\t]/, line);
  }
});

test("nobody without the right exports", async () => {
  const body = { entity: "lead", format: "csv" };
  for (const login of ["sales1", "viewer"]) {
    const answer = await w.acme.as(login, "POST", "/api/v1/exports", { body });
    assert.equal(answer.status, 403, `${login}: ${answer.text}`);
  }
});

test("a job is its owner's: others of the company and other companies do not see it", async () => {
  const body = { entity: "lead", format: "csv" };
  const { id } = await w.acme.ok("manager", "POST", "/api/v1/exports", body);
  await w.acme.settled("manager", `/api/v1/jobs/${id}`);
  const mine = await w.acme.ok("manager", "GET", "/api/v1/jobs");
  assert.ok(mine.items.some((job) => job.id === id));
  assert.equal((await w.acme.as("sales1", "GET", `/api/v1/jobs/${id}`)).status, 404);
  assert.equal((await w.globex.as("admin", "GET", `/api/v1/jobs/${id}`)).status, 404);
  assert.equal((await w.globex.as("admin", "DELETE", `/api/v1/jobs/${id}`)).status, 404);
});

async function attach(
  content,
  { filename = "note.txt", type = "text/plain", login = "sales1" } = {},
) {
  return w.acme.as(
    login,
    "POST",
    "/api/v1/files",
    multipart([{ name: "file", filename, type, content }]),
  );
}

test("a file comes back as it went in, for its owner", async () => {
  const content = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 7) % 256));
  const made = await attach(content, { filename: "数据.bin", type: "application/octet-stream" });
  assert.equal(made.status, 201, made.text);
  const path = `/api/v1/files/${made.json.id}`;
  const got = await w.acme.as("sales1", "GET", path);
  assert.equal(got.status, 200);
  assert.ok(got.bytes.equals(content));
  assert.equal(got.headers["x-content-type-options"], "nosniff");
  assert.match(got.headers["content-disposition"], /attachment/);
  assert.equal((await w.acme.as("sales3", "GET", path)).status, 404);
  assert.equal((await w.acme.as(null, "GET", path)).status, 401);
  assert.equal((await w.globex.as("admin", "GET", path)).status, 404);
});

test("a page is never served as one", async () => {
  const made = await attach("<script>alert(1)</script>", { filename: "x.html", type: "text/html" });
  if (made.status === 201) {
    const got = await w.acme.as("sales1", "GET", `/api/v1/files/${made.json.id}`);
    assert.match(got.headers["content-disposition"], /^attachment/);
  } else {
    assert.ok([415, 422].includes(made.status), made.text);
  }
});

scenarios(w, [
  {
    name: "a file of nobody",
    method: "POST",
    path: "/api/v1/files",
    as: null,
    body: "x",
    status: 401,
  },
  {
    name: "a file without its form",
    method: "POST",
    path: "/api/v1/files",
    as: "sales1",
    body: "x",
    headers: { "content-type": "text/plain" },
    status: [400, 415, 422],
  },
  { name: "a file that is not there", path: "/api/v1/files/0000000000001", status: 404 },
  { name: "a path is no file", path: "/api/v1/files/..%2f..%2fmaster.key", status: [400, 404] },
  { name: "an import that is not there", path: `${IMPORTS}/0000000000001`, status: 404 },
  { name: "the feed wants a number", path: "/api/v1/changes?since=yesterday", status: 422 },
  { name: "the feed is bounded", path: "/api/v1/changes?limit=201", status: 422 },
  {
    name: "the feed of an entity that is none",
    path: "/api/v1/changes?entity=nothing",
    status: 422,
    fields: { entity: "unknown_entity" },
  },
  {
    name: "an export of what is not there",
    method: "POST",
    path: "/api/v1/exports",
    body: { entity: "nothing" },
    status: [404, 422],
  },
]);

test("the change feed is ordered, complete and resumes", async () => {
  const start = await w.acme.ok("admin", "GET", "/api/v1/changes?since=0&limit=200");
  let since = start.next;
  for (let page = start; page.items.length === 200; since = page.next) {
    page = await w.acme.ok("admin", "GET", `/api/v1/changes?since=${page.next}&limit=200`);
    since = page.next;
    if (page.items.length < 200) break;
  }
  const greeting = await w.acme.create("admin", "greeting", { name: "feed" });
  const path = `/api/v1/records/greeting/${greeting.id}`;
  await w.acme.ok("admin", "PATCH", path, { times: 2 });
  await w.acme.as("admin", "DELETE", path);
  await w.acme.ok("admin", "POST", `${path}/restore`, {});
  const seen = [];
  for (let i = 0; i < 6; i++) {
    const page = await w.acme.ok("admin", "GET", `/api/v1/changes?since=${since}&limit=1`);
    seen.push(...page.items);
    since = page.next;
  }
  const ops = seen.filter(({ id }) => id === greeting.id).map(({ op }) => op);
  assert.deepEqual(ops, ["create", "update", "delete", "restore"]);
  const seqs = seen.map(({ seq }) => seq);
  assert.deepEqual(
    seqs,
    [...seqs].sort((a, b) => a - b),
  );
  assert.ok(seen.every((item) => !("changes" in item) && !JSON.stringify(item).includes("feed")));
});

test("the change feed of one entity passes the others by", async () => {
  const { newest } = await w.acme.ok("admin", "GET", "/api/v1/changes?since=0&limit=1");
  const { id } = await w.acme.create("admin", "greeting", { name: "only" });
  for (const name of ["others", "of another kind"]) await w.acme.create("admin", "lead", { name });
  const feed = (login, entity) =>
    w.acme.ok(login, "GET", `/api/v1/changes?since=${newest}&entity=${entity}`);
  const own = await feed("admin", "greeting");
  assert.deepEqual(
    own.items.map((one) => [one.entity, one.id]),
    [["greeting", id]],
  );
  assert.ok(own.next > own.items[0].seq && own.next === own.newest, "behind the others");
  const theirs = await feed("admin", "lead");
  assert.ok(theirs.items.length >= 2 && theirs.items.every(({ entity }) => entity === "lead"));
  const hidden = await feed("sales3", "lead");
  assert.deepEqual(hidden.items, [], "who may not read them learns nothing");
  assert.equal((await w.globex.ok("admin", "GET", "/api/v1/changes?entity=lead")).items.length, 0);
});

test("a dry run knows the rows of its earlier steps: it tells what the run then does", async () => {
  const names = Array.from({ length: 430 }, (_, i) => `dry${String(i % 400).padStart(3, "0")}`);
  const csv = ["name,company", ...names.map((name) => `${name},firm`)].join("\n");
  const counts = {};
  for (const step of ["dry-run", "run"]) {
    const done = await run(csv, { match: "name" }, step);
    assert.equal(done.state, "done", JSON.stringify(done));
    counts[step] = done.counts;
  }
  assert.equal(counts["dry-run"].created, 400);
  assert.equal(counts["dry-run"].updated, 30);
  assert.deepEqual(counts["dry-run"], counts.run);
});

test("what must be unique clashes in a dry run as it does in the run", async () => {
  const logins = Array.from({ length: 230 }, (_, i) => `twice${i % 229}`);
  const csv = ["login,name", ...logins.map((login) => `${login},x`)].join("\n");
  const done = await run(csv, {}, "dry-run", { entity: "user", login: "admin" });
  assert.equal(done.state, "done", JSON.stringify(done));
  assert.deepEqual([done.counts.created, done.counts.failed], [229, 1]);
});

test("rows are matched only with what the importer may see", async () => {
  const hidden = await w.acme.create("sales3", "lead", { name: "matched by nobody" });
  const done = await run("name,company\nmatched by nobody,firm", { match: "name" });
  assert.deepEqual([done.counts.created, done.counts.updated, done.counts.failed], [1, 0, 0]);
  const after = await w.acme.ok("sales3", "GET", `${LEADS}/${hidden.id}`);
  assert.equal(after.version, hidden.version);
});

test("people write while an import runs: between its rows, and none is lost", async () => {
  const count = 1500;
  const csv = `name,company\n${Array.from({ length: count }, (_, i) => `浪,${i}`).join("\n")}\n`;
  const made = (await upload(csv)).json;
  const path = `${IMPORTS}/${made.id}`;
  await w.acme.ok("manager", "PUT", `${path}/mapping`, {});
  await w.acme.ok("manager", "POST", `${path}/run`, {});
  const written = { acme: [], globex: [] };
  let job;
  do {
    for (const tenant of [w.acme, w.globex]) {
      const lead = await tenant.create("sales1", "lead", { name: "岸", company: tenant.mark });
      written[tenant.name].push(lead.id);
    }
    job = await w.acme.ok("manager", "GET", path);
  } while (["mapped", "queued", "running"].includes(job.state));
  assert.equal(job.state, "done");
  assert.equal(job.counts.created, count);
  const imported = await w.acme.ok("admin", "GET", LEADS + query({ name: "浪", count: true }));
  assert.equal(imported.count, count);
  for (const tenant of [w.acme, w.globex]) {
    for (const id of written[tenant.name]) await tenant.ok("sales1", "GET", `${LEADS}/${id}`);
  }
  const last = imported.items[0].id;
  assert.ok(
    written.acme.some((id) => id < last),
    "somebody wrote before the last row",
  );
});
