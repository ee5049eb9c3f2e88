// filter - every case that the server runs, and what only a page has: what it has not loaded.
// SPDX-License-Identifier: MIT
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  evaluate,
  type FilterField,
  type FilterScope,
  matches,
  type Row,
  type Tree,
} from "@/logic/filter";

interface Fixture {
  now: string;
  timezone: string;
  currency: string;
  me: FilterScope["me"];
  fields: Record<string, string>;
  records: Record<string, Row>;
  related: Record<string, Row[]>;
  cases: { filter: Tree; finds: string[] }[];
}

const file = join(__dirname, "../../../tests/fixtures/filters.json");
const fixture = JSON.parse(readFileSync(file, "utf8")) as Fixture;

function declared(text: string): FilterField {
  const [type, ref] = text.split(" ");
  return { type: type === "ref" ? "ref" : type, ref: type === "refs" ? undefined : ref };
}

const OTHERS: Record<string, Record<string, string>> = {
  user: { id: "id", team: "ref team", department: "ref department" },
  account: { id: "id", name: "text", industry: "enum", credit: "int", owner: "ref user" },
  task: { id: "id", deal: "ref deal", done: "bool", owner: "ref user" },
};

const scope: FilterScope = {
  entity: "deal",
  now: Date.parse(fixture.now),
  zone: fixture.timezone,
  currency: fixture.currency,
  me: fixture.me,
  field(entity, name) {
    const text = entity === "deal" ? fixture.fields[name] : OTHERS[entity]?.[name];
    return text ? declared(text) : undefined;
  },
  lookup: (entity, id) => fixture.related[entity]?.find((row) => row.id === id),
  referrers(_entity, relation, row) {
    const [entity, field = "deal"] = relation.split(".");
    const rows = fixture.related[entity];
    return rows && { entity, rows: rows.filter((one) => one[field] === row.id && !one.deleted_at) };
  },
};

describe("the cases of the server", () => {
  it("has cases", () => expect(fixture.cases.length).toBeGreaterThan(100));
  for (const { filter, finds } of fixture.cases) {
    it(JSON.stringify(filter), () => {
      const found = Object.entries(fixture.records).filter(([, row]) =>
        matches(filter, row, scope),
      );
      expect(found.map(([name]) => name)).toEqual(finds);
    });
  }
});

describe("what the page has not loaded", () => {
  const page = { ...scope, lookup: () => undefined, referrers: undefined };
  const row = fixture.records.a;
  it("is neither true nor false", () => {
    expect(evaluate({ "account.industry": "medical" }, row, page)).toBe(undefined);
    expect(evaluate({ not: { "account.industry": "medical" } }, row, page)).toBe(undefined);
    expect(evaluate({ exists: { task: {} } }, row, page)).toBe(undefined);
    expect(evaluate({ nope: 1 }, row, page)).toBe(undefined);
    expect(evaluate({ name: { foo: 1 } }, row, page)).toBe(undefined);
  });
  it("counts as false at the end", () => {
    expect(matches({ not: { "account.industry": "medical" } }, row, page)).toBe(false);
    expect(matches({ or: [{ status: "new" }, { "account.industry": "x" }] }, row, page)).toBe(true);
    expect(matches({ and: [{ status: "won" }, { "account.industry": "x" }] }, row, page)).toBe(
      false,
    );
  });
  it("reads what a reference brought with it", () => {
    const expanded = { ...row, account: { id: "000000000000A", industry: "medical" } };
    expect(matches({ "account.industry": "medical" }, expanded, page)).toBe(true);
    expect(matches({ account: "000000000000A" }, expanded, page)).toBe(true);
  });
});
