// thumb - what a phone's bar shows, by what somebody does all day.
// SPDX-License-Identifier: MIT
import { expect, it } from "vitest";
import type { MenuItem } from "@/api/types";
import { thumbOf } from "@/logic/thumb";

const item = (entity: string, more: Partial<MenuItem> = {}): MenuItem => ({
  id: entity,
  label: entity,
  entity,
  ...more,
});
const group = (id: string, items: MenuItem[]): MenuItem => ({ id, label: id, items });
const MENU = [
  { id: "home", label: "home", to: "home" },
  group("sales", [item("lead"), item("pool", { right: "create" }), item("opportunity")]),
  group("people", [item("account"), item("contact")]),
  group("loyalty", [item("member"), item("purchase"), item("program", { right: "create" })]),
  group("contracts", [item("contract"), item("receipt"), item("invoice")]),
  group("service", [item("ticket"), item("article")]),
  group("work", [
    item("approval_task", { to: "/approvals" }),
    item("approval", { add: false }),
    item("task"),
  ]),
];

/** The bar of somebody who sees these groups and makes records of these entities. */
function bar(groups: string, makes: string): string[] {
  const menu = MENU.filter(({ id }) => id === "home" || groups.split(" ").includes(id));
  const may = (entity: string) => makes === "*" || makes.split(" ").includes(entity);
  return thumbOf(menu, may).map(({ id }) => id);
}

it.each([
  ["a seller", "sales people contracts work", "lead opportunity account contact contract task"],
  ["who sets pools up", "sales people contracts work", "*"],
  ["who only reads", "sales people contracts work", "-"],
])("%s has leads, deals and accounts", (_, groups, makes) => {
  expect(bar(groups, makes)).toEqual(["home", "lead", "opportunity", "account"]);
});

it("a service agent has tickets, a shop assistant members and what they buy", () => {
  expect(bar("people service", "contact ticket article")).toEqual([
    "home",
    "contact",
    "ticket",
    "article",
  ]);
  expect(bar("people loyalty", "contact member purchase")).toEqual([
    "home",
    "contact",
    "member",
    "purchase",
  ]);
});

it("finance has what it writes, and its inbox", () => {
  const makes = "receipt invoice approval";
  expect(bar("people contracts work", makes)).toEqual([
    "home",
    "receipt",
    "invoice",
    "approval_task",
  ]);
});

it("a short menu is shown whole, and nothing twice", () => {
  expect(bar("service", "-")).toEqual(["home", "ticket", "article"]);
  expect(bar("sales service", "ticket")).toEqual(["home", "lead", "opportunity", "ticket"]);
  expect(thumbOf([item("greeting")], () => true).map(({ id }) => id)).toEqual(["greeting"]);
});
