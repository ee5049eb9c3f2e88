// pages.test - which pages of a long list are held and which rows are drawn.
// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import {
  DRAWN_ROWS_MIN,
  drawnRows,
  flippedSort,
  missingPage,
  type PageMark,
  startOf,
  surplusPages,
} from "@/logic/pages";

const pagesOf = (...held: boolean[]): PageMark[] =>
  held.map((one, at) => ({ cursor: at ? `c${at}` : null, size: 50, held: one }));

describe("pages", () => {
  it("know where they begin", () => {
    const pages = pagesOf(true, true, true);
    pages[1].size = 49; // one record was deleted meanwhile
    expect([0, 1, 2, 3].map((at) => startOf(pages, at))).toEqual([0, 50, 99, 149]);
  });

  it("that were forgotten are found where they are looked at, and only there", () => {
    const pages = pagesOf(true, false, true, false);
    expect(missingPage(pages, 0, 50)).toBe(-1);
    expect(missingPage(pages, 40, 51)).toBe(1);
    expect(missingPage(pages, 99, 140)).toBe(1);
    expect(missingPage(pages, 100, 150)).toBe(-1);
    expect(missingPage(pages, 120, 500)).toBe(3);
  });

  it("are forgotten from the farthest, never those that are looked at", () => {
    const pages = pagesOf(true, true, true, true, true, true);
    expect(surplusPages(pages, 50, 90, 300)).toEqual([]);
    expect(surplusPages(pages, 50, 90, 200)).toEqual([5, 4]);
    expect(surplusPages(pages, 200, 300, 100)).toEqual([0, 1, 2, 3]);
    expect(surplusPages(pages, 0, 300, 100)).toEqual([]);
    expect(surplusPages(pagesOf(false, true, false, true), 150, 160, 50)).toEqual([1]);
  });

  it("are read from the end by turning every key", () => {
    expect(flippedSort(undefined)).toBe("id");
    expect(flippedSort("-score")).toBe("score");
    expect(flippedSort("owner,-next_contact_at")).toBe("-owner,next_contact_at");
  });
});

describe("rows that are drawn", () => {
  it("are all of a short list", () => {
    expect(drawnRows(0, 600, 40, 20)).toEqual({ from: 0, to: 20 });
  });

  it("hold what is seen with some to spare, wherever that is", () => {
    for (const top of [0, 400, 4321, 40_000, 3_999_000]) {
      const { from, to } = drawnRows(top, 600, 40, 100_000);
      expect(from).toBeLessThanOrEqual(Math.floor(top / 40));
      expect(to).toBeGreaterThanOrEqual(Math.min(100_000, Math.ceil((top + 600) / 40)));
      expect(to - from).toBe(DRAWN_ROWS_MIN);
    }
  });

  it("are as many as a large screen needs", () => {
    const { from, to } = drawnRows(8000, 2160, 32, 1000);
    expect(to - from).toBe(88);
    expect(from).toBeLessThanOrEqual(250);
    expect(to).toBeGreaterThanOrEqual(318);
  });

  it("stay the same for a small move", () => {
    expect(drawnRows(4010, 600, 40, 1000)).toEqual(drawnRows(4090, 600, 40, 1000));
  });
});
