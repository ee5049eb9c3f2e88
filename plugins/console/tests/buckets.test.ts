// buckets - what a group by time is called, and that its name and its list are the same days.
// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import type { Entity, View } from "@/api/types";
import type { Locale } from "@/logic/format";
import { bucketEnd, bucketName, rowsOf } from "@/logic/report";

test("a bucket is called what it is, not by its first day", () => {
  expect(bucketName("2026-07-01", "year")).toBe("2026");
  expect(bucketName("2026-07-01", "month")).toBe("2026-07");
  expect(bucketName("2026-07-06", "week")).toBe("2026-07-06");
  expect(bucketName("2026-07-06", "day")).toBe("2026-07-06");
  const begins = ["2026-01-01", "2026-04-01", "2026-07-01", "2026-10-01"];
  const names = begins.map((day) => bucketName(day, "quarter"));
  expect(names).toEqual(["2026-Q1", "2026-Q2", "2026-Q3", "2026-Q4"]);
});

test("a quarter's row leads to the days of that quarter", () => {
  const entity = { name: "deal", fields: [] } as unknown as Entity;
  const view = { query: { group: [{ f: "closed_on", by: "quarter" }] } } as unknown as View;
  const data = { groups: [{ closed_on: "2026-10-01", count: 3 }] };
  const [row] = rowsOf(entity, view, data, {} as Locale, "none");
  expect(row.label).toBe("2026-Q4");
  expect(row.filter).toEqual({ closed_on: { between: ["2026-10-01", "2026-12-31"] } });
  expect(bucketEnd("2026-10-01", "quarter")).toBe("2026-12-31");
});
