// sheets - imports and exports as Excel workbooks.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { multipart, query } from "../kit/client.mjs";
import { command, must } from "../kit/server.mjs";
import { limit } from "../kit/limits.mjs";
import { world } from "../kit/world.mjs";
import { hasCalc } from "../kit/office.mjs";
import { cellsOf, day, instant, office, TYPE, workbook } from "../kit/xlsx.mjs";

const LEADS = "/api/v1/records/lead";
const IMPORTS = "/api/v1/imports";
const w = world({ env: { PERIGEE_IMPORT_BYTES_MAX: String(1 << 20) } });

const raw = (bytes, { login = "manager", tenant = w.acme, type = TYPE, entity = "lead" } = {}) =>
  tenant.as(login, "POST", `${IMPORTS}?entity=${entity}`, {
    body: bytes,
    headers: { "content-type": type },
  });

async function run(made, mapping = {}, step = "run") {
  assert.equal(made.status, 201, made.text);
  const path = `${IMPORTS}/${made.json.id}`;
  await w.acme.ok("manager", "PUT", `${path}/mapping`, mapping);
  await w.acme.ok("manager", "POST", `${path}/${step}`, {});
  return { path, ...(await w.acme.settled("manager", path)) };
}

async function refused(bytes, code, options) {
  const answer = await raw(bytes, options);
  assert.equal(answer.status, 422, answer.text);
  assert.equal(answer.json.error.fields.file[0].code, code, answer.text);
}

const count = async (filter) =>
  (await w.acme.ok("admin", "GET", `${LEADS}${query({ ...filter, count: "true" })}`)).count;

const ROWS = [
  ["name", "company", "phones", "estimated_amount", "received_at", "visits"].concat([
    "do_not_call",
    "prospect_id",
  ]),
  ["张一", "甲 <公司>", "13800000001", 1234.5, instant(46023.395833333336), 3, true, "P1"],
  ["张二", "=1+1", 13800000002, 0.1, day(46023), 4, false, "P2"],
  [null, "没有名字", null, null, null, "五", null, "P3"],
];

test("a workbook is imported like CSV: sample, dry run, run, errors, undo", async () => {
  const made = await raw(workbook(ROWS));
  assert.deepEqual(made.json.columns, ROWS[0]);
  assert.equal(made.json.sample[0][3], "1234.5");
  const dry = await run(made, {}, "dry-run");
  assert.deepEqual([dry.counts.created, dry.counts.failed], [2, 1], JSON.stringify(dry));
  assert.equal(await count({}), 0);
  const done = await run(await raw(workbook(ROWS)));
  assert.deepEqual([done.counts.created, done.counts.failed], [2, 1], JSON.stringify(done));
  const { items } = await w.acme.ok("manager", "GET", `${LEADS}?sort=prospect_id`);
  assert.deepEqual(
    items.map((one) => [one.name, one.company, one.estimated_amount.amount, one.visits]),
    [
      ["张一", "甲 <公司>", "1234.50", 3],
      ["张二", "=1+1", "0.10", 4],
    ],
  );
  assert.equal(items[0].received_at, "2026-01-01T01:30:00.000Z", "local time of the company");
  assert.deepEqual([items[0].do_not_call, items[1].do_not_call], [true, false]);
  const errors = await w.acme.as("manager", "GET", `${done.path}/errors.csv`);
  assert.ok(errors.text.includes("没有名字"), errors.text);
  await w.acme.ok("manager", "POST", `${done.path}/undo`, {});
  assert.equal((await w.acme.settled("manager", done.path)).state, "undone");
  assert.equal(await count({}), 0);
});

test("a row is told by its number in the sheet, whatever the cells above hold", async () => {
  const sheet = workbook([
    ["name", "original_message", "visits"],
    ["某人", "第一行\n第二行\n第三行", 1],
    ["某人", null, "五"],
    [null, "没有名字"],
  ]);
  const done = await run(await raw(sheet), {}, "dry-run");
  assert.deepEqual([done.counts.created, done.counts.failed], [1, 2], JSON.stringify(done));
  const errors = await w.acme.as("manager", "GET", `${done.path}/errors.csv`);
  const [head, row, short] = errors.text.trim().split(/\r?\n/);
  assert.match(head, /error,line$/);
  assert.match(row, /,"?3"?$/, errors.text);
  assert.match(short, /^,没有名字,,.+,"?4"?$/, errors.text);
});

test("by form, whatever its name says; with a mapping and a match", async () => {
  const form = (bytes) =>
    multipart([
      { name: "entity", content: "lead" },
      { name: "file", filename: "线索.csv", type: "text/csv", content: bytes },
    ]);
  const rows = (firm) => [
    ["编号", "姓名", "单位"],
    ...["R1", "R2"].map((id) => [id, "某人", firm]),
  ];
  const columns = { 编号: "prospect_id", 姓名: "name", 单位: "company" };
  for (const firm of ["旧", "新"]) {
    const made = await w.acme.as("manager", "POST", IMPORTS, form(workbook(rows(firm))));
    const done = await run(made, { columns, match: "prospect_id", mode: "upsert" });
    assert.equal(done.counts.failed, 0, JSON.stringify(done));
  }
  assert.equal(await count({ company: "新" }), 2);
  assert.equal(await count({ company: "旧" }), 0);
});

test("what is no workbook is told so, and nothing is kept", async () => {
  await refused(Buffer.from("PK\x03\x04 nothing"), "bad_xlsx");
  await refused(workbook([]), "xlsx_no_sheet");
  await refused(Buffer.from("d0cf11e0a1b11ae10000", "hex"), "old_xls");
  const wide = (count) => workbook([Array.from({ length: count }, (_, i) => `c${i}`)]);
  await refused(wide(limit("XLSX_COLUMNS_MAX") + 1), "xlsx_too_wide");
  assert.equal((await raw(wide(limit("XLSX_COLUMNS_MAX")))).status, 201);
  const half = ["name", ...Array(300).fill("x".repeat(2000))];
  assert.equal((await raw(workbook([half]))).status, 201, "600 kB of CSV");
  const bomb = await raw(workbook([half, half]));
  assert.equal(bomb.status, 413, "more CSV than an import may have, out of a small file");
});

test("what a workbook unpacks to is bounded by what an import may have as CSV", async () => {
  const most = limit("XLSX_UNPACKED_FACTOR") * (1 << 20);
  const bytes = workbook([["name"], ["张一"]], (name, text, all) =>
    name === "xl/worksheets/sheet1.xml" ? text + " ".repeat(most - all) : text,
  );
  assert.equal((await raw(bytes)).status, 201);
  const over = workbook([["name"], ["张一"]], (name, text, all) =>
    name === "xl/worksheets/sheet1.xml" ? text + " ".repeat(most - all + 1) : text,
  );
  await refused(over, "xlsx_too_large");
});

test("the wrong role, and another company", async () => {
  for (const login of ["viewer", "sales1"])
    assert.equal((await raw(workbook(ROWS), { login })).status, 403);
  const theirs = await raw(workbook([["name"], [w.globex.mark]]), { tenant: w.globex });
  assert.equal(theirs.status, 201);
  assert.equal((await w.acme.as("admin", "GET", `${IMPORTS}/${theirs.json.id}`)).status, 404);
});

async function exported(login, body) {
  const made = await w.acme.as(login, "POST", "/api/v1/exports", {
    body: { entity: "lead", format: "xlsx", ...body },
  });
  assert.equal(made.status, 202, made.text);
  const job = await w.acme.settled(login, `/api/v1/jobs/${made.json.id}`);
  assert.equal(job.state, "done", JSON.stringify(job));
  const file = await w.acme.as(login, "GET", `/api/v1/files/${job.result.file}`);
  assert.equal(file.headers["content-type"], TYPE);
  assert.match(file.headers["content-disposition"], /lead\.xlsx/);
  return { bytes: file.bytes, rows: job.result.rows, file: job.result.file };
}

const WILD = ['=HYPERLINK("http://x")', "+1", "-2", "@x", "＝1"].concat([
  "a\tb",
  "第一行\n第二行",
  "_x0041_",
]);

test("an export is a workbook that comes back the same", async () => {
  for (const [i, company] of WILD.entries())
    await w.acme.create("manager", "lead", {
      name: `往返 ${i}`,
      company,
      prospect_id: `W${i}`,
      estimated_amount: { amount: `${i}234567890.0${i}`, currency: i === 3 ? "USD" : "CNY" },
      received_at: `2026-07-0${i + 1}T23:59:5${i}.000Z`,
      page_views: "0.07",
      do_not_call: i % 2 === 0,
    });
  const fields = "id,name,company,prospect_id,estimated_amount,received_at,page_views,do_not_call";
  const filter = { prospect_id: { prefix: "W" } };
  const made = await exported("manager", { filter, fields, sort: "prospect_id" });
  assert.equal(made.rows, WILD.length);
  const cells = cellsOf(made.bytes);
  const at = (name, row) => {
    const heads = Object.keys(cells).filter((place) => /^[A-Z]1$/.test(place));
    return cells[heads.find((place) => cells[place].text === name)[0] + row];
  };
  const id = (await w.acme.ok("admin", "GET", `${LEADS}?prospect_id=W0`)).items[0].id;
  assert.deepEqual([at("id", 2).type, at("id", 2).text], ["inlineStr", id], "ids are texts");
  const amounts = [2, 5].map((row) => at("estimated_amount", row));
  assert.deepEqual([amounts[0].type, amounts[0].text], ["n", "234567890"]);
  assert.deepEqual([amounts[1].type, amounts[1].text], ["inlineStr", "3234567890.03 USD"]);
  assert.ok(Object.values(cells).every(({ formula }) => !formula), "no cell is ever a formula");
  if (hasCalc()) assert.ok(office(made.bytes).includes("=HYPERLINK"));

  const read = async () =>
    (await w.acme.ok("admin", "GET", `${LEADS}?prospect_id[prefix]=W&sort=prospect_id`)).items.map(
      ({ name, company, estimated_amount, page_views, do_not_call, received_at }) => [
        ...[name, company, estimated_amount.amount, estimated_amount.currency],
        ...[page_views, do_not_call, received_at],
      ],
    );
  const before = await read();
  for (const { id } of (await w.acme.ok("admin", "GET", `${LEADS}?prospect_id[prefix]=W`)).items)
    await w.acme.ok("admin", "DELETE", `${LEADS}/${id}`);
  const columns = Object.fromEntries(fields.split(",").map((name) => [name, name]));
  const back = await run(await raw(made.bytes), { columns: { ...columns, id: null } });
  assert.equal(back.counts.failed, 0, JSON.stringify(back));
  assert.deepEqual(await read(), before, "to the second, to the cent");
});

test("who may not export gets none; an unknown format is refused", async () => {
  const body = { entity: "lead", format: "xlsx" };
  assert.equal((await w.acme.as("viewer", "POST", "/api/v1/exports", { body })).status, 403);
  const odd = { body: { entity: "lead", format: "xls" } };
  const answer = await w.acme.as("manager", "POST", "/api/v1/exports", odd);
  assert.equal(answer.status, 422, answer.text);
  const { file } = await exported("manager", {});
  assert.equal((await w.acme.as("sales1", "GET", `/api/v1/files/${file}`)).status, 404);
  assert.equal((await w.globex.as("admin", "GET", `/api/v1/files/${file}`)).status, 404);
});

test("the command line takes and gives workbooks", async () => {
  const data = w.server.data;
  const file = join(data, "sheet.xlsx");
  const rows = [
    ["name", "company"],
    ["命令行", "某公司"],
  ];
  writeFileSync(file, workbook(rows));
  assert.match(must(data, ["import", "acme", "lead", file]), /created 1/);
  const out = join(data, "out.xlsx");
  const filter = JSON.stringify({ name: "命令行" });
  const done = command(data, ["export", "acme", "lead", "--filter", filter, "--output", out]);
  assert.equal(done.status, 0, done.stderr);
  assert.ok(Object.values(cellsOf(readFileSync(out))).some(({ text }) => text === "某公司"));
});
