// contracts - drafted out of a template, approved, signed, paid, amended, renewed, ended.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { bundle, packed } from "../kit/pack.mjs";
import { document, paragraph, row, table, textOf } from "../kit/docx.mjs";
import { must } from "../kit/server.mjs";
import { world } from "../kit/world.mjs";

const RECORDS = "/api/v1/records";
const w = world({
  setup: async ({ server }) => {
    for (const name of ["acme", "globex"])
      for (const plugin of ["approval", "contracts"])
        must(server.data, ["plugin", "enable", name, plugin]);
    for (const plugin of ["quotes", "opportunities"])
      must(server.data, ["plugin", "enable", "acme", plugin]);
  },
});

const yuan = (amount) => ({ amount, currency: "CNY" });
const cents = (money) => (money ? Math.round(Number(money.amount) * 100) : 0);
const day = (shift) =>
  new Date(Date.now() + shift * 86400e3 + 8 * 3600e3).toISOString().slice(0, 10);

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
  assert.deepEqual(Object.keys(answer.json.error.fields), [field], answer.text);
}

/** A write that has to be refused on that field. */
async function bad(tenant, method, path, body, field) {
  const answer = await tenant.as("admin", method, `${RECORDS}/${path}`, { body });
  assert.equal(answer.status, 422, `${method} ${path}: ${answer.text}`);
  assert.deepEqual(Object.keys(answer.json.error.fields), [field], answer.text);
}

const read = (tenant, entity, id) => tenant.ok("admin", "GET", `${RECORDS}/${entity}/${id}`);
async function all(tenant, entity, query = "") {
  const items = [];
  for (let next = ""; next !== null;) {
    const page = await tenant.ok("admin", "GET", `${RECORDS}/${entity}?limit=200&${query}${next}`);
    items.push(...page.items);
    next = page.next && `&cursor=${encodeURIComponent(page.next)}`;
  }
  return items;
}

async function upload(tenant, login, bytes, name, fields = {}) {
  const form = new FormData();
  form.append("file", new Blob([bytes]), name);
  for (const [key, value] of Object.entries(fields)) form.append(key, value);
  const request = new Response(form);
  const answer = await tenant.as(login, "POST", "/api/v1/files", {
    body: Buffer.from(await request.arrayBuffer()),
    headers: { "content-type": request.headers.get("content-type") },
  });
  assert.equal(answer.status, 201, answer.text);
  return answer.json;
}

const sum = (rows, field) => rows.reduce((total, one) => total + cents(one[field]), 0);
const of = (rows, field, id) => rows.filter((one) => one[field] === id);

/** Every invariant, over everything there is. */
async function check(tenant) {
  const names = ["contract", "contract_line", "payment_plan", "receipt", "receipt_part", "invoice"];
  const [contracts, lines, plans, receipts, parts, invoices] = await Promise.all(
    names.map((entity) => all(tenant, entity)),
  );
  const numbers = contracts.map(({ number }) => number);
  assert.equal(new Set(numbers).size, numbers.length, "the number is unique");
  const successors = contracts.map(({ predecessor }) => predecessor).filter(Boolean);
  assert.equal(new Set(successors).size, successors.length, "renewing twice creates one successor");
  for (const contract of contracts) {
    const [own, paid] = [of(plans, "contract", contract.id), of(receipts, "contract", contract.id)];
    const sold = of(lines, "contract", contract.id).filter(({ canceled }) => !canceled);
    if (contract.start_on && contract.end_on) assert.ok(contract.end_on >= contract.start_on);
    if (sold.length > 0) {
      const total = sum(sold, "amount") - cents(contract.discount) + cents(contract.tax);
      assert.equal(cents(contract.total), total, "the total is what the lines come to");
    }
    assert.equal(cents(contract.received), sum(paid, "amount"));
    assert.ok(cents(contract.received) >= 0 && cents(contract.received) <= cents(contract.total));
    const live = own.filter(({ state }) => state !== "void");
    assert.equal(cents(contract.planned), sum(live, "amount"));
    if (["void", "terminated"].includes(contract.stage)) {
      assert.ok(
        own.every(({ state }) => ["void", "done"].includes(state)),
        "nothing is due",
      );
    }
    if (contract.stage === "void") assert.ok(contract.void_reason && !cents(contract.received));
    const billed = of(invoices, "contract", contract.id).filter(({ state }) => state !== "void");
    assert.ok(sum(billed, "amount") <= cents(contract.total));
    const next = contracts.find(({ id }) => id === contract.successor);
    if (next) assert.ok(next.start_on > contract.end_on, "a successor never overlaps");
  }
  for (const plan of plans) {
    const received = sum(of(parts, "plan", plan.id), "amount");
    assert.equal(cents(plan.received), received, `received of ${plan.label}`);
    assert.ok(received >= 0 && received <= cents(plan.amount));
  }
  for (const receipt of receipts) {
    const own = sum(of(parts, "receipt", receipt.id), "amount");
    assert.ok(Math.abs(own) <= Math.abs(cents(receipt.amount)));
    assert.equal(receipt.kind === "reversal", receipt.reverses !== null);
  }
  return contracts.length;
}

let account;
const draft = async (tenant, more = {}) =>
  (
    await tenant.create("admin", "contract", {
      name: `采购合同 ${tenant.mark}`,
      account,
      total: yuan("1000.00"),
      start_on: day(0),
      end_on: day(364),
      ...more,
    })
  ).id;

async function paper(tenant, contract, text = "签字页") {
  const fields = { entity: "contract", record: contract };
  const { id } = await upload(tenant, "admin", document(paragraph(text)), "合同.docx", fields);
  return tenant.create("admin", "contract_document", { contract, name: "合同.docx", file: id });
}

async function sign(tenant, contract) {
  for (const side of ["ours", "customer"])
    await done(tenant, "admin", "contract", contract, "sign", { side, name: `签署人 ${side}` });
}

/** A contract that is being performed. */
async function performing(tenant, more) {
  const id = await draft(tenant, more);
  await done(tenant, "admin", "contract", id, "submit");
  await paper(tenant, id);
  await sign(tenant, id);
  await done(tenant, "admin", "contract", id, "activate");
  return id;
}

const pay = (tenant, contract, amount, more = {}) =>
  tenant.as("admin", "POST", `${RECORDS}/receipt`, {
    body: { contract, amount: yuan(amount), ...more },
  });

const job = async (tenant, name) => {
  const run = await tenant.ok("admin", "POST", `/api/v1/admin/jobs/contracts/${name}/run`, {});
  const end = await tenant.settled("admin", `/api/v1/jobs/${run.id ?? run.job}`);
  assert.equal(end.state, "done", JSON.stringify(end));
};

test("contracts of two companies", async (t) => {
  const { acme, globex } = w;
  account = (await acme.create("admin", "account", { name: `大客户 & 子公司 ${acme.mark}` })).id;
  await acme.ok("admin", "PATCH", `/api/v1/admin/users/${acme.users.sales1}`, {
    manager: acme.users.manager,
  });

  await t.test("the total is what the lines come to, in one currency", async () => {
    const id = await draft(acme, { total: undefined, discount: yuan("0.50") });
    const line = { contract: id, name: "软件", quantity: "3", unit_price: yuan("33.35") };
    await acme.create("admin", "contract_line", line);
    const second = { ...line, name: "服务", quantity: "1.5", unit_price: yuan("0.33") };
    const { id: other } = await acme.create("admin", "contract_line", second);
    assert.equal(cents((await read(acme, "contract", id)).total), 10005 + 50 - 50); // 49.5 → 50
    await bad(acme, "PATCH", `contract/${id}`, { total: yuan("1.00") }, "total");
    await bad(
      acme,
      "POST",
      "contract_line",
      { ...line, unit_price: { amount: "1", currency: "USD" } },
      "unit_price",
    );
    await acme.ok("admin", "DELETE", `${RECORDS}/contract_line/${other}`);
    assert.equal(cents((await read(acme, "contract", id)).total), 10005 - 50);
    await bad(acme, "PATCH", `contract/${id}`, { end_on: day(-1) }, "end_on");
    await bad(acme, "PATCH", `contract/${id}`, { auto_renew: true, end_on: null }, "end_on");
    await check(acme);
  });

  await t.test("a contract from an opportunity has its customer and its lines", async () => {
    const customer = (await acme.create("sales1", "account", { name: `商机 ${acme.mark}` })).id;
    const deal = { name: "服务器", account: customer, amount: yuan("90.00") };
    const { id } = await acme.create("sales1", "opportunity", deal);
    const drafted = (fields) =>
      acme.create("sales1", "contract", { name: "合同", opportunity: id, ...fields });
    const plain = await drafted({});
    assert.deepEqual([plain.account, plain.total], [customer, yuan("90.00")]);
    const product = { name: "主机", code: `HOST-${acme.mark}`, price: yuan("55.00") };
    const host = (await acme.create("admin", "product", product)).id;
    const line = { opportunity: id, name: "主机", product: host, quantity: "3", discount: "12.5" };
    await acme.create("sales1", "opportunity_line", line);
    await acme.create("sales1", "opportunity_line", { opportunity: id, name: "未定价" });
    const { id: made } = await drafted({});
    const contract = await read(acme, "contract", made);
    assert.deepEqual([contract.lines_count, contract.total], [1, yuan("144.38")]);
    const [only] = await all(acme, "contract_line", `contract=${made}`);
    assert.deepEqual(
      [only.name, only.sku, only.quantity, only.unit_price, only.amount],
      ["主机", product.code, "3.000", yuan("55.00"), yuan("144.38")],
    );
    const own = await drafted({ total: yuan("7.00") });
    const { total, lines_count } = await read(acme, "contract", own.id);
    assert.deepEqual([total, lines_count], [yuan("7.00"), 0]);
    const body = { name: "别人的商机", opportunity: id, account: customer };
    assert.equal((await acme.as("sales3", "POST", `${RECORDS}/contract`, { body })).status, 422);
    const theirs = await w.globex.as("sales1", "POST", `${RECORDS}/contract`, { body });
    assert.equal(theirs.status, 422);
  });

  await t.test("it is drafted out of a Word template, with customer and lines", async () => {
    const id = await draft(acme);
    for (const [name, quantity] of [
      ["软件 <标准版>", "2"],
      ["培训", "1"],
    ]) {
      const line = { contract: id, name, quantity, unit_price: yuan("500.00") };
      await acme.create("admin", "contract_line", line);
    }
    const bytes = document(
      paragraph("合同编号：{{num", "ber}}"),
      paragraph("甲方：{{customer.name}}"),
      paragraph("{{#end_on}}有效期至 {{end_on|date}}{{/end_on}}"),
      table(row("品名", "金额"), row("{{#lines}}{{no}}. {{name}}", "{{amount|money}}{{/lines}}")),
      paragraph("合计 {{total|money}} 元（{{total|capital}}）"),
    );
    const file = await upload(acme, "admin", bytes, "模板.docx");
    const { id: template } = await acme.create("admin", "contract_template", {
      name: "标准",
      file: file.id,
    });
    await refused(acme, "admin", "contract", id, "generate", {}, "template");
    const made = await done(acme, "admin", "contract", id, "generate", { template });
    const end = await acme.settled("admin", `/api/v1/jobs/${made.job}`);
    assert.equal(end.state, "done", JSON.stringify(end));
    const [paper] = await all(acme, "contract_document", `contract=${id}`);
    const answer = await acme.as("admin", "GET", `/api/v1/files/${paper.file}`);
    assert.equal(answer.status, 200);
    const contract = await read(acme, "contract", id);
    const texts = textOf(answer.bytes);
    assert.ok(texts.includes(`合同编号：${contract.number}`), texts.join("|"));
    assert.ok(texts.includes(`甲方：大客户 &amp; 子公司 ${acme.mark}`), texts.join("|"));
    for (const part of ["1. 软件 &lt;标准版&gt;", "2. 培训", "1,000.00", "500.00"])
      assert.ok(texts.includes(part), `${part}: ${texts.join("|")}`);
    assert.ok(
      texts.some((text) => text.includes("（壹仟伍佰元整）")),
      texts.join("|"),
    );
    assert.equal(paper.sha256, createHash("sha256").update(answer.bytes).digest("hex"));
    const own = await acme.create("sales1", "contract", {
      name: `用别人的模板 ${acme.mark}`,
      account: (await acme.create("sales1", "account", { name: `模板 ${acme.mark}` })).id,
      total: yuan("10.00"),
      start_on: day(0),
    });
    const asked = await done(acme, "sales1", "contract", own.id, "generate", { template });
    const told = await acme.settled("sales1", `/api/v1/jobs/${asked.job}`);
    assert.equal(told.result.wrong, undefined, "the file hangs on its template");
    const loose = await upload(acme, "admin", bytes, "未使用.docx");
    for (const [id, status] of [
      [file.id, 200],
      [loose.id, 404],
    ])
      assert.equal((await acme.as("sales1", "GET", `/api/v1/files/${id}`)).status, status);
    const taken = { name: "别人的文件", file: loose.id };
    await acme.as("manager", "POST", `${RECORDS}/contract_template`, { body: taken });
    const still = await acme.as("sales1", "GET", `/api/v1/files/${loose.id}`);
    assert.equal(still.status, 404, "naming another's file gives nobody a right to it");
    await check(acme);
  });

  await t.test("a malformed template is refused, naming the place; nothing is kept", async () => {
    const id = await draft(acme);
    for (const [text, why] of [
      ["{{totl}}", "{{totl}}"],
      ["{{#lines}}", "{{#lines}}"],
    ]) {
      const file = await upload(acme, "admin", document(paragraph(text)), "坏.docx");
      const { id: template } = await acme.create("admin", "contract_template", {
        name: "坏",
        file: file.id,
      });
      const made = await done(acme, "admin", "contract", id, "generate", { template });
      let state;
      for (let wait = 0; wait < 400 && !JSON.stringify(state ?? "").includes(why); wait++) {
        state = await acme.ok("admin", "GET", `/api/v1/jobs/${made.job}`);
        await new Promise((wake) => setTimeout(wake, 25));
      }
      assert.ok(JSON.stringify(state).includes(why), JSON.stringify(state));
      await acme.as("admin", "DELETE", `/api/v1/jobs/${made.job}`);
    }
    assert.equal((await all(acme, "contract_document", `contract=${id}`)).length, 0);
  });

  let flow;
  await t.test("After approval, guarded fields change only through an amendment", async () => {
    const nodes = ["manager", "admin"].map((login) => ({
      id: login,
      name: login,
      approvers: [{ kind: "member", users: [acme.users[login]] }],
    }));
    flow = (
      await acme.create("admin", "approval_flow", { name: "合同审批", entity: "contract", nodes })
    ).id;
    const { id } = await acme.create("sales1", "contract", {
      name: `服务合同 ${acme.mark}`,
      account: (await acme.create("sales1", "account", { name: `客户 ${acme.mark}` })).id,
      total: yuan("5000.00"),
      start_on: day(0),
    });
    await refused(acme, "sales1", "contract", id, "sign", { side: "ours", name: "x" }, "stage");
    const { approval } = await done(acme, "sales1", "contract", id, "submit");
    assert.equal((await read(acme, "contract", id)).approval_state, "approving");
    await bad(acme, "PATCH", `contract/${id}`, { total: yuan("1.00") }, "total");
    for (const login of ["manager", "admin"]) {
      const owner = acme.users[login];
      const [one] = await all(
        acme,
        "approval_task",
        `approval=${approval}&owner=${owner}&state=open`,
      );
      await done(acme, login, "approval_task", one.id, "approve");
    }
    const agreed = await read(acme, "contract", id);
    assert.deepEqual([agreed.approval_state, agreed.stage], ["approved", "pending_sign"]);
    await bad(acme, "PATCH", `contract/${id}`, { total: yuan("1.00") }, "total");
    const line = { contract: id, name: "偷加", quantity: "1", unit_price: yuan("1.00") };
    await bad(acme, "POST", "contract_line", line, "contract");
    const rejected = await acme.create("sales1", "contract", {
      name: "不行的",
      account: agreed.account,
      total: yuan("9.00"),
      start_on: day(0),
    });
    const second = await done(acme, "sales1", "contract", rejected.id, "submit");
    const [one] = await all(acme, "approval_task", `approval=${second.approval}&state=open`);
    await done(acme, "manager", "approval_task", one.id, "reject", { comment: "太便宜" });
    const back = await read(acme, "contract", rejected.id);
    assert.deepEqual([back.approval_state, back.stage], ["rejected", "draft"]);
    await acme.ok("admin", "PATCH", `${RECORDS}/approval_flow/${flow}`, { active: false });
    await check(acme);
  });

  await t.test("The hash of a signed document never changes", async () => {
    const id = await draft(acme);
    await done(acme, "admin", "contract", id, "submit");
    await refused(acme, "admin", "contract", id, "sign", { side: "ours", name: "王" }, "document");
    const first = await paper(acme, id, "第一版");
    await refused(acme, "admin", "contract", id, "sign", { side: "both", name: "王" }, "side");
    await refused(acme, "admin", "contract", id, "sign", { side: "ours" }, "name");
    const { sha256 } = await done(acme, "admin", "contract", id, "sign", {
      side: "ours",
      name: "王",
    });
    await refused(acme, "admin", "contract", id, "sign", { side: "ours", name: "王" }, "side");
    const second = await paper(acme, id, "第二版");
    const other = { side: "customer", name: "李", document: second.id };
    await refused(acme, "admin", "contract", id, "sign", other, "document");
    await done(acme, "admin", "contract", id, "sign", { side: "customer", name: "李" });
    const [signed, signatures] = [
      await read(acme, "contract", id),
      await all(acme, "contract_signature", `contract=${id}`),
    ];
    assert.deepEqual([signed.stage, signed.signed_on], ["signed", day(0)]);
    for (const one of signatures) {
      assert.deepEqual([one.document, one.sha256, one.address], [first.id, sha256, "127.0.0.1"]);
      assert.ok(one.signed_at);
    }
    const change = { body: { sha256: "0".repeat(64), name: "x" } };
    for (const path of [
      `contract_document/${first.id}`,
      `contract_signature/${signatures[0].id}`,
    ]) {
      const answer = await acme.as("admin", "PATCH", `${RECORDS}/${path}`, change);
      assert.ok(answer.status >= 400, answer.text);
    }
    assert.equal((await read(acme, "contract_document", first.id)).sha256, sha256);
  });

  await t.test("receipts are append-only, corrections are reversals", async () => {
    const id = await performing(acme);
    await done(acme, "admin", "contract", id, "plan", {
      installments: 3,
      first_on: day(0),
      months: 1,
    });
    const plans = await all(acme, "payment_plan", `contract=${id}&sort=due_on`);
    assert.deepEqual(
      plans.map(({ amount }) => amount.amount),
      ["333.33", "333.33", "333.34"],
    );
    assert.equal((await pay(acme, id, "1000.01")).status, 422);
    assert.equal((await pay(acme, id, "-1.00")).status, 422);
    const both = await Promise.all([pay(acme, id, "600.00"), pay(acme, id, "600.00")]);
    assert.deepEqual(both.map(({ status }) => status).sort(), [201, 422], "together too many");
    const first = both.find(({ status }) => status === 201).json.id;
    const states = async () =>
      (await all(acme, "payment_plan", `contract=${id}&sort=due_on`)).map(({ state }) => state);
    assert.deepEqual(await states(), ["done", "partial", "waiting"]);
    assert.equal(
      (await acme.as("admin", "PATCH", `${RECORDS}/receipt/${first}`, { body: { note: "x" } }))
        .status >= 400,
      true,
    );
    const keyed = { key: "bank-1" };
    assert.equal((await pay(acme, id, "10.00", keyed)).status, 201);
    assert.equal((await pay(acme, id, "10.00", keyed)).status, 409);
    const twice = await Promise.all(
      [0, 1].map(() => act(acme, "admin", "receipt", first, "reverse", { reason: "退票" })),
    );
    assert.deepEqual(twice.map(({ status }) => status).sort(), [200, 422]);
    assert.deepEqual(await states(), ["waiting", "partial", "waiting"]);
    await check(acme);
  });

  await t.test(
    "guarded fields change only through an amendment that snapshots the old version",
    async () => {
      const id = await performing(acme);
      await refused(
        acme,
        "admin",
        "contract",
        id,
        "amend",
        { fields: { total: yuan("1.00") } },
        "reason",
      );
      await refused(
        acme,
        "admin",
        "contract",
        id,
        "amend",
        { reason: "x", fields: { stage: "draft" } },
        "fields",
      );
      await pay(acme, id, "500.00");
      await refused(
        acme,
        "admin",
        "contract",
        id,
        "amend",
        { reason: "x", fields: { total: yuan("1.00") } },
        "fields",
      );
      const lines = [{ name: "一行", quantity: "1", unit_price: yuan("1.00") }];
      const less = await act(acme, "admin", "contract", id, "amend", { reason: "x", lines });
      assert.equal(less.status, 422, less.text);
      const body = { reason: "加量", fields: { end_on: day(400), total: yuan("1200.00") } };
      const { no, state } = await done(acme, "admin", "contract", id, "amend", body);
      assert.deepEqual([no, state], [1, "applied"]);
      const [version] = await all(acme, "contract_version", `contract=${id}`);
      assert.deepEqual(
        [version.snapshot.total.amount, version.snapshot.end_on],
        ["1000.00", day(364)],
      );
      const now = await read(acme, "contract", id);
      assert.deepEqual(
        [now.total.amount, now.amount_original.amount, now.amendment_no],
        ["1200.00", "1000.00", 1],
      );
      await check(acme);
    },
  );

  await t.test("Renewing twice creates one successor, also many times at once", async () => {
    const id = await performing(acme);
    const many = await Promise.all(
      Array.from({ length: 8 }, () => act(acme, "admin", "contract", id, "renew")),
    );
    const successors = new Set(many.map(({ json }) => json.successor));
    assert.equal(successors.size, 1);
    const next = await read(acme, "contract", [...successors][0]);
    assert.deepEqual([next.predecessor, next.start_on, next.stage], [id, day(365), "draft"]);
    await bad(acme, "PATCH", `contract/${next.id}`, { start_on: day(364) }, "start_on");
    await check(acme);
  });

  await t.test("Void needs a reason, an approval and zero net receipts", async () => {
    const id = await performing(acme);
    await refused(acme, "admin", "contract", id, "void", {}, "reason");
    const { json: receipt } = await pay(acme, id, "1.00");
    await refused(acme, "admin", "contract", id, "void", { reason: "错了" }, "received");
    await done(acme, "admin", "receipt", receipt.id, "reverse", { reason: "错了" });
    await refused(acme, "admin", "contract", id, "void", { reason: "错了" }, "stage");
    await acme.ok("admin", "PATCH", `/api/v1/admin/users/${acme.users.admin}`, {
      manager: acme.users.manager,
    });
    const { approval } = await done(acme, "admin", "contract", id, "void", { reason: "错了" });
    assert.equal((await read(acme, "contract", id)).stage, "performing");
    const ended = { reason: "breach", comment: "x" };
    await refused(acme, "admin", "contract", id, "terminate", ended, "stage");
    await refused(acme, "admin", "contract", id, "complete", {}, "stage");
    const [one] = await all(acme, "approval_task", `approval=${approval}&state=open`);
    await done(acme, "manager", "approval_task", one.id, "approve");
    assert.equal((await read(acme, "contract", id)).stage, "void");
    await check(acme);
  });

  await t.test("Terminated contracts produce no further plans, reminders or bills", async () => {
    const id = await performing(acme);
    await done(acme, "admin", "contract", id, "plan", {
      installments: 2,
      first_on: day(-5),
      months: 1,
    });
    const wrong = await act(acme, "admin", "contract", id, "terminate", { reason: "whim" });
    assert.match(wrong.json.error.fields.reason[0].message, /^[^A-Z]/, "in words, without a code");
    await done(acme, "admin", "contract", id, "terminate", { reason: "breach", comment: "违约" });
    await refused(
      acme,
      "admin",
      "contract",
      id,
      "plan",
      { installments: 1, first_on: day(0) },
      "stage",
    );
    const plan = { contract: id, due_on: day(3), amount: yuan("1.00") };
    await bad(acme, "POST", "payment_plan", plan, "contract");
    await bad(
      acme,
      "POST",
      "invoice",
      { contract: id, title_name: "x", amount: yuan("1.00") },
      "contract",
    );
    await job(acme, "plans_daily");
    assert.deepEqual(await all(acme, "contract_reminder", `contract=${id}`), []);
    // What was paid before and is reversed now is asked for no more.
    const paid = await performing(acme);
    await acme.create("admin", "payment_plan", {
      contract: paid,
      due_on: day(-3),
      amount: yuan("10.00"),
    });
    const { json: receipt } = await pay(acme, paid, "10.00");
    await done(acme, "admin", "contract", paid, "terminate", { reason: "breach", comment: "x" });
    await done(acme, "admin", "receipt", receipt.id, "reverse", { reason: "错了" });
    const [closed] = await all(acme, "payment_plan", `contract=${paid}`);
    assert.deepEqual([closed.state, cents(closed.received)], ["void", 0]);
    await check(acme);
  });

  await t.test("Date jobs are idempotent: each thing is told once", async () => {
    const id = await performing(acme, { start_on: day(-300), end_on: day(5) });
    const ended = await performing(acme, { start_on: day(-300), end_on: day(-1) });
    const renewed = await performing(acme, {
      start_on: day(-300),
      end_on: day(-1),
      auto_renew: true,
    });
    await acme.create("admin", "payment_plan", {
      contract: id,
      due_on: day(-3),
      amount: yuan("400.00"),
    });
    await acme.create("admin", "payment_plan", {
      contract: id,
      due_on: day(6),
      amount: yuan("600.00"),
    });
    await acme.create("admin", "obligation", { contract: id, title: "交付", due_on: day(1) });
    for (let round = 0; round < 3; round++)
      for (const name of ["contracts_daily", "plans_daily", "obligations_daily"])
        await job(acme, name);
    const told = (await all(acme, "contract_reminder", `contract=${id}`)).map(
      ({ kind, days }) => `${kind} ${days}`,
    );
    assert.deepEqual(told.sort(), [
      "due 30",
      "due 7",
      "expiring 30",
      "expiring 7",
      "obligation_due 1",
      "obligation_due 30",
      "obligation_due 7",
      "overdue null",
    ]);
    const { owner } = await read(acme, "contract", id);
    const login = Object.keys(acme.users).find((one) => acme.users[one] === owner);
    const list = await acme.ok(login, "GET", `${RECORDS}/notification?limit=200`);
    const kinds = list.items.filter(({ about }) => about?.id === id).map(({ kind }) => kind);
    const due = ["due", "due", "expiring", "expiring", "obligation", "obligation", "obligation"];
    assert.deepEqual(kinds.filter((kind) => kind !== "given").sort(), [...due, "overdue"]);
    assert.equal((await read(acme, "contract", ended)).stage, "expired");
    const before = await read(acme, "contract", renewed);
    assert.equal(before.stage, "renewed");
    assert.equal((await read(acme, "contract", before.successor)).start_on, day(0));
    await check(acme);
  });

  await t.test("any histories keep the invariants", async () => {
    let seed = 20261122;
    const next = (n) => (seed = (seed * 48271) % 2147483647) % n;
    const ids = [];
    for (let i = 0; i < 4; i++) ids.push(await performing(acme));
    const amount = () => `${next(400)}.${next(10)}${next(10)}`;
    const steps = [
      (id) => pay(acme, id, amount()),
      (id) =>
        acme.as("admin", "POST", `${RECORDS}/payment_plan`, {
          body: { contract: id, due_on: day(next(60) - 30), amount: yuan(amount()) },
        }),
      (id) =>
        acme.as("admin", "POST", `${RECORDS}/invoice`, {
          body: { contract: id, title_name: "x", amount: yuan(amount()) },
        }),
      (id) =>
        act(acme, "admin", "contract", id, "amend", {
          reason: "r",
          fields: { total: yuan(`${next(2000)}.00`) },
        }),
      async (id) => {
        const list = await all(acme, "receipt", `contract=${id}`);
        return list.length
          ? act(acme, "admin", "receipt", list[next(list.length)].id, "reverse", { reason: "r" })
          : { status: 200 };
      },
      async (id) => {
        const list = await all(acme, "receipt", `contract=${id}`);
        return list.length
          ? act(acme, "admin", "receipt", list[next(list.length)].id, "match")
          : { status: 200 };
      },
      (id) =>
        act(acme, "admin", "contract", id, next(6) ? "renew" : "terminate", { reason: "other" }),
    ];
    for (let step = 0; step < 150; step++) {
      const jobs = Array.from({ length: 1 + next(3) }, () =>
        steps[next(steps.length)](ids[next(ids.length)]),
      );
      for (const { status, text } of await Promise.all(jobs))
        assert.ok([200, 201, 409, 422].includes(status), text);
      if (step % 30 === 0) await check(acme);
    }
    assert.ok((await check(acme)) > 10);
  });

  const config = (values) =>
    acme.ok("admin", "PUT", "/api/v1/admin/plugins/contracts/config", values);
  await t.test("Σ plan = total, or a warning that the tenant may turn into a block", async () => {
    const id = await draft(acme);
    const plan = (amount) => ({ contract: id, due_on: day(3), amount: yuan(amount) });
    await acme.create("admin", "payment_plan", plan("400.00"));
    const { warnings } = await done(acme, "admin", "contract", id, "check");
    assert.deepEqual([warnings.length, warnings[0].field], [1, "planned"]);
    await config({ plan_check: "block" });
    await refused(acme, "admin", "contract", id, "submit", {}, "planned");
    await bad(acme, "POST", "payment_plan", plan("600.01"), "amount");
    await acme.create("admin", "payment_plan", plan("600.00"));
    await done(acme, "admin", "contract", id, "submit");
    await config({ plan_check: "warn" });
    await check(acme);
  });

  await t.test("Σ approved receipts ≤ total unless allowed", async () => {
    const id = await performing(acme);
    assert.equal((await pay(acme, id, "1000.00")).status, 201);
    assert.equal((await pay(acme, id, "0.01")).status, 422);
    await config({ over_receipt: true });
    const over = await pay(acme, id, "0.01");
    assert.equal(over.status, 201, over.text);
    assert.equal((await read(acme, "contract", id)).received.amount, "1000.01");
    await config({ over_receipt: false });
    await done(acme, "admin", "receipt", over.json.id, "reverse", { reason: "退回" });
    await check(acme);
  });

  await t.test("lines, plans and invoices are for whom the contract is for", async () => {
    const customer = await acme.create("sales1", "account", { name: `谁的 ${acme.mark}` });
    const body = { name: "谁的合同", account: customer.id, total: yuan("9.00"), start_on: day(0) };
    const { id } = await acme.create("sales1", "contract", body);
    const parts = {
      contract_line: { contract: id, name: "一项", quantity: "1", unit_price: yuan("9.00") },
      payment_plan: { contract: id, due_on: day(3), amount: yuan("9.00") },
      obligation: { contract: id, title: "交付", due_on: day(5) },
    };
    for (const [entity, fields] of Object.entries(parts)) {
      const path = `${RECORDS}/${entity}`;
      const made = await acme.create("sales1", entity, fields);
      const seen = async (login) =>
        (await acme.ok(login, "GET", `${path}?contract=${id}`)).items.length;
      // sales2 is in the owner's team and reads the contract, sales3 is not, the manager is above.
      const expected = { sales1: 1, sales2: 1, sales3: 0, manager: 1 };
      for (const [login, count] of Object.entries(expected))
        assert.equal(await seen(login), count, `${entity} for ${login}`);
      for (const login of ["sales2", "sales3"]) {
        const added = await acme.as(login, "POST", path, { body: fields });
        assert.equal(added.status, 403, `${entity} by ${login}: ${added.text}`);
        for (const method of ["PATCH", "DELETE"]) {
          const change = method === "PATCH" ? { body: { note: "x" } } : {};
          const answer = await acme.as(login, method, `${path}/${made.id}`, change);
          const status = login === "sales2" ? 403 : 404;
          assert.equal(answer.status, status, `${method} ${entity} by ${login}: ${answer.text}`);
        }
      }
      assert.equal((await globex.as("admin", "GET", `${path}/${made.id}`)).status, 404);
    }
    const [theirs] = [await acme.create("admin", "contract", { ...body, name: "别人的" })];
    const [line] = await all(acme, "contract_line", `contract=${id}`);
    const moved = await acme.as("sales1", "PATCH", `${RECORDS}/contract_line/${line.id}`, {
      body: { contract: theirs.id },
    });
    assert.ok([403, 422].includes(moved.status), "nor into a contract of somebody else");
    assert.equal((await read(acme, "contract_line", line.id)).contract, id);
    const receipts = await acme.as("sales3", "GET", `${RECORDS}/receipt`);
    assert.deepEqual(receipts.json.items, [], "nor what was paid for contracts one does not see");
  });

  await t.test(
    "a seller voids nothing and takes no money; another company sees nothing",
    async () => {
      const id = await performing(acme);
      for (const [entity, action] of [
        ["contract", "void"],
        ["contract", "terminate"],
      ])
        assert.ok([403, 404].includes((await act(acme, "sales1", entity, id, action)).status));
      const receipt = { body: { contract: id, amount: yuan("1.00") } };
      assert.equal((await acme.as("sales1", "POST", `${RECORDS}/receipt`, receipt)).status, 403);
      assert.equal(
        (await acme.as("viewer", "POST", `${RECORDS}/contract`, { body: {} })).status,
        403,
      );
      assert.equal((await act(globex, "admin", "contract", id, "renew")).status, 404);
      assert.deepEqual(await all(globex, "contract"), []);
    },
  );

  await t.test("receipts count for the target of whose contract it is", async () => {
    must(w.server.data, ["plugin", "enable", "acme", "opportunities"]);
    const seller = acme.users.sales1;
    const customer = await acme.create("sales1", "account", { name: `目标 ${acme.mark}` });
    const id = await performing(acme, { owner: seller, account: customer.id });
    assert.equal((await pay(acme, id, "300.00")).status, 201);
    const target = await acme.create("admin", "target", {
      user: seller,
      kind: "receipts",
      month: day(0),
      amount: yuan("400.00"),
    });
    const whole = await acme.create("admin", "target", {
      for_department: acme.departments.head,
      kind: "receipts",
      month: day(0),
      amount: yuan("400.00"),
    });
    const reached = async (amount, percent, of = target) => {
      for (;;) {
        const now = await read(acme, "target", of.id);
        if (now.actual?.amount === amount) return assert.equal(now.reached, percent);
        await new Promise((wake) => setTimeout(wake, 50));
      }
    };
    await reached("300.00", "75.00");
    await reached("300.00", "75.00", whole); // the seller's department is below it
    const second = await pay(acme, id, "100.00");
    await reached("400.00", "100.00");
    await done(acme, "admin", "receipt", second.json.id, "reverse", { reason: "退款" });
    await reached("300.00", "75.00");
    const report = await acme.ok("manager", "POST", `${RECORDS}/target/query`, {
      group: ["user", { f: "month", by: "month" }],
      measure: ["sum.amount", "sum.actual"],
    });
    assert.ok(JSON.stringify(report).includes("300.00"), JSON.stringify(report));
    assert.deepEqual((await acme.ok("sales2", "GET", `${RECORDS}/target`)).items, []);
    assert.equal((await acme.as("sales1", "POST", `${RECORDS}/target`, { body: {} })).status, 403);
  });

  await t.test("a contract's service promise comes first, while it runs", async () => {
    must(w.server.data, ["plugin", "enable", "acme", "tickets"]);
    const week = Object.fromEntries(["mon", "tue", "wed"].map((name) => [name, ["09:00-18:00"]]));
    const { id: calendar } = await acme.create("admin", "calendar", { name: "工作日", week });
    const policy = async (name, more = {}) =>
      (await acme.create("admin", "sla_policy", { name, calendar, ...more })).id;
    const everybody = await policy("标准");
    const own = await policy("客户专属");
    const customer = await acme.create("admin", "account", {
      name: `服务 ${acme.mark}`,
      tickets_policy: own,
    });
    const ticket = (more) => acme.create("admin", "ticket", { subject: "漏水", ...more });
    const its = { account: customer.id };
    assert.equal((await ticket(its)).sla_policy, own);
    const running = await performing(acme, its);
    const promised = await policy("合同约定", { order: 1, contracts: [running] });
    const one = await ticket(its);
    assert.deepEqual([one.contract, one.sla_policy], [running, promised], "the one that runs");
    assert.equal((await ticket({})).sla_policy, everybody, "promised to nobody else");
    await performing(acme, its);
    assert.equal((await ticket(its)).contract, null, "of two none is guessed");
    assert.equal((await ticket({ ...its, contract: running })).sla_policy, promised);
    await done(acme, "admin", "contract", running, "terminate", {
      reason: "agreement",
      comment: "x",
      date: day(0),
    });
    assert.equal((await ticket({ ...its, contract: running })).sla_policy, own, "it has ended");
    const config = "/api/v1/admin/plugins/tickets/config";
    await acme.ok("admin", "PUT", config, { visit_days: 3 });
    await done(acme, "admin", "ticket", one.id, "resolve");
    await acme.ok("admin", "PATCH", `${RECORDS}/ticket/${one.id}`, { status: "closed" });
    const [visit] = await all(acme, "task", "type=call&status=open");
    assert.ok(visit.subject.includes(one.number), JSON.stringify(visit));
    assert.equal((await read(acme, "ticket", one.id)).visited_at, null);
    await done(acme, "admin", "task", visit.id, "complete", { content: "已恢复" });
    assert.ok((await read(acme, "ticket", one.id)).visited_at, "回访 is noted on the ticket");
  });

  await t.test("a company replaces price, renewal, plan, allocation and data", async () => {
    const init = `
crm.wrap("contract.price", function(following, asked)
  local out = following(asked)
  out.total = out.total + crm.money("1.00", "CNY")
  return out
end)
crm.wrap("renewal.propose", function(following, asked)
  local out = following(asked)
  out.name = out.name .. " 续"
  return out
end)
crm.wrap("payment_plan.generate", function(_, asked)
  return { plans = { { due_on = asked.first_on, amount = asked.total } }, reasons = { "at once" } }
end)
crm.wrap("receipt.allocate", function() return { parts = {}, reasons = { "by hand" } } end)
crm.wrap("contract.render", function(following, asked)
  local out = following(asked)
  out.extra = "特别条款"
  return out
end)
`;
    const files = bundle("globex.own", { "init.lua": init }, { requires: { contracts: "^1" } });
    const path = "/api/v1/admin/plugins/globex.own/deploys";
    const deployed = await globex.as("admin", "POST", path, packed(files));
    assert.equal(deployed.status, 201, deployed.text);
    account = (await globex.create("admin", "account", { name: `客户 ${globex.mark}` })).id;
    const id = await draft(globex, { total: undefined });
    const line = { contract: id, name: "软件", quantity: "1", unit_price: yuan("9.00") };
    await globex.create("admin", "contract_line", line);
    assert.equal((await read(globex, "contract", id)).total.amount, "10.00");
    const asked = { installments: 5, first_on: day(0) };
    assert.equal((await done(globex, "admin", "contract", id, "plan", asked)).plans, 1);
    const bytes = document(paragraph("{{extra}} {{total|money}}"));
    const { id: file } = await upload(globex, "admin", bytes, "模板.docx");
    const { id: template } = await globex.create("admin", "contract_template", {
      name: "a",
      file,
    });
    const made = await done(globex, "admin", "contract", id, "generate", { template });
    await globex.settled("admin", `/api/v1/jobs/${made.job}`);
    const [doc] = await all(globex, "contract_document", `contract=${id}`);
    const answer = await globex.as("admin", "GET", `/api/v1/files/${doc.file}`);
    assert.ok(textOf(answer.bytes).includes("特别条款 10.00"), textOf(answer.bytes).join("|"));
    await done(globex, "admin", "contract", id, "submit");
    await sign(globex, id);
    await done(globex, "admin", "contract", id, "activate");
    assert.equal((await pay(globex, id, "4.00")).status, 201);
    assert.deepEqual(await all(globex, "receipt_part"), [], "nothing is matched by itself");
    const { successor } = await done(globex, "admin", "contract", id, "renew");
    assert.match((await read(globex, "contract", successor)).name, / 续$/);
  });

  await t.test("everything holds, as the company's check sees it", () => {
    for (const name of ["acme", "globex"]) must(w.server.data, ["check", name]);
  });
});
