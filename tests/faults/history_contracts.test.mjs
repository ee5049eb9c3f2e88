// history_contracts - contracts are signed, paid, amended, renewed and ended while processes die.
// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { document, paragraph } from "../kit/docx.mjs";
import { history } from "../kit/history.mjs";

const PAPER = document(paragraph("签字页"));
const day = (shift) => new Date(Date.now() + shift * 86400e3).toISOString().slice(0, 10);

history("contracts add up, and are renewed once", {
  plugins: ["approval", "contracts"],
  kept: ["receipt", "contract_document"],
  begin: async (h) => {
    const yuan = (most) => ({ amount: `${h.draw(most)}.${10 + h.draw(90)}`, currency: "CNY" });
    const account = await h.made("account", { name: "随机" });
    const contracts = [];
    const late = () => contracts[contracts.length - 1 - h.draw(Math.min(contracts.length, 12))];
    const by = (action, body) => () =>
      h.act("admin", "contract", late(), action, body ? body() : {});
    const draft = async () => {
      const total = yuan(3000);
      const body = { name: "合同", account, total, start_on: day(0), end_on: day(364) };
      const { status, json } = await h.create("admin", "contract", body);
      return status === 201 ? json.id : undefined;
    };
    const sign = async (id) => {
      const fields = { entity: "contract", record: id };
      const file = await h.upload("admin", PAPER, "合同.docx", fields);
      assert.equal(file.status, 201, file.text);
      const paper = { contract: id, name: "合同.docx", file: file.json.id };
      await h.create("admin", "contract_document", paper);
      for (const side of ["ours", "customer"]) {
        await h.act("admin", "contract", id, "sign", { side, name: side });
      }
    };
    const make = async () => {
      const id = await draft();
      if (!id) return;
      contracts.push(id);
      await h.act("admin", "contract", id, "submit");
      if (!h.draw(4)) return;
      await sign(id);
      await h.act("admin", "contract", id, "activate");
    };
    for (let i = 0; i < 6; i++) await make();
    const child = (entity, body) => () =>
      h.create("admin", entity, { contract: late(), ...body() });
    const receipts = async (action, body) => {
      const found = await h.ask(
        "admin",
        "GET",
        `/api/v1/records/receipt?contract=${late()}&limit=20`,
      );
      const { items } = found.json;
      if (items.length) await h.act("admin", "receipt", h.one(items).id, action, body);
    };
    const decide = async () => {
      const found = await h.ask(
        "admin",
        "GET",
        "/api/v1/records/approval_task?state=open&limit=20",
      );
      const { items } = found.json;
      if (!items.length) return;
      const task = h.one(items);
      const action = h.draw(3) ? "approve" : "reject";
      await h.act(h.login(task.owner), "approval_task", task.id, action, { comment: "x" });
    };
    const money = () => ({ amount: yuan(900) });
    return [
      make,
      child("receipt", money),
      child("receipt", money),
      child("receipt", money),
      child("payment_plan", () => ({ due_on: day(h.draw(60) - 30), ...money() })),
      child("payment_plan", () => ({ due_on: day(h.draw(60) - 30), ...money() })),
      child("invoice", () => ({ title_name: "x", ...money() })),
      child("obligation", () => ({ title: "交付", due_on: day(h.draw(90)) })),
      child("contract_line", () => ({ name: "行", quantity: "1.5", unit_price: yuan(300) })),
      by("plan", () => ({ installments: 1 + h.draw(5), first_on: day(0), months: 1 })),
      by("amend", () => ({ reason: "r", fields: { total: yuan(4000) } })),
      by("amend", () => ({
        reason: "r",
        lines: [{ name: "新行", quantity: "2", unit_price: yuan(99) }],
      })),
      () => receipts("reverse", { reason: "r" }),
      () => receipts("match", {}),
      by("renew"),
      by("complete"),
      by("archive"),
      () => (h.draw(3) ? undefined : by("terminate", () => ({ reason: "breach" }))()),
      () => (h.draw(3) ? undefined : by("void", () => ({ reason: "错了" }))()),
      decide,
    ];
  },
  judge: async (h) => {
    const heirs = (await h.all("contract")).map(({ predecessor }) => predecessor).filter(Boolean);
    assert.equal(new Set(heirs).size, heirs.length, "renewing twice creates one successor");
  },
});
